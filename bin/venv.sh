# Read by the other scripts, not run: finds Python, makes .venv, installs when the list of packages changed. Sets PY.
fail() {
  echo "$1" >&2
  exit 1
}

find_python() {
  for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  fail "Python 3.11 or newer is needed and was not found. Install it, or name it: PYTHON=/path/to/python $0"
}

make_venv() {
  [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null && return
  python=$(find_python) || exit 1
  echo "Making .venv with $("$python" --version) …"
  "$python" -m venv --clear .venv 2>/dev/null && return
  # Debian keeps venv's pip in a package of its own.
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
  fi
  "$python" -m venv --clear .venv || fail "No virtual environment could be made. On Debian: apt-get install python3-venv"
}

digest() {
  cat "$@" | sha256sum | cut -d ' ' -f 1
}

# install STAMP FILE PIP-ARGUMENTS…: only when FILE changed since the last time; the registry may stumble, so three tries.
install() {
  stamp=.venv/$1 wanted=$(digest "$2")
  shift 2
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  echo "Installing packages …"
  for pause in 2 5 0; do
    if .venv/bin/python -m pip install -qq --disable-pip-version-check --retries 5 "$@"; then
      echo "$wanted" >"$stamp"
      return
    fi
    sleep "$pause"
  done
  fail "The packages could not be installed; pip's words are above."
}

# What developers need beside the portal itself.
install_tools() {
  # "--group" came with pip 25.1; Debian's is older.
  "$PY" -m pip install --help 2>/dev/null | grep -q -- --group || "$PY" -m pip install --quiet --disable-pip-version-check --upgrade pip
  install dev.sha256 pyproject.toml --group dev
}

make_venv
# Only files whose digest stands in the lock, and only such as run no code of their own when they are installed (./bin/lock).
install requirements.sha256 requirements.lock --require-hashes --only-binary :all: -r requirements.lock
PY=.venv/bin/python
