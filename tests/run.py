"""`./bin/test`: the checks that only read, two at a time, then pytest on every core. Everything runs even if something failed."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.measuring import FOLDER

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# The worker count is fixed: the tests of whole stacks share one worker and mostly wait there, so two cores take two more beside it.
WORKERS = "3"
PYTEST_SECONDS = 40 * 60
CHROMIUM = "chromium-headless-shell"
# Settings must load for checks that never connect.
NOWHERE = {
    "DATABASE_URL": "postgresql:///nowhere?host=/nonexistent",
    "COUNTERSIGN_SECRET_KEY": "only-for-checks-" + "0123456789" * 4,
    "COUNTERSIGN_BASE_URL": "https://portal.example",
    "COUNTERSIGN_ENCRYPTION_KEYS": "0ICywSZzjxp_zNqbbD6I168GZSnJMcpaNpZmTNdm_lQ=",
    "DJANGO_SETTINGS_MODULE": "portal.settings",
}
# Settings come from tests/settings.py; and what is compiled once is kept for each process and each start of a portal.
LEFT_OUT = {"DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"}
CODE = ["portal", "changes", "audits", "tests", "manage.py"]


def checks():
    """Name and command of every check that reads the code only."""
    yield "ruff", [BIN / "ruff", "check", *CODE]
    yield "format", [BIN / "ruff", "format", "--check", *CODE]
    yield "mypy", [BIN / "mypy"]
    # Beside mypy, which takes one core: what pytest makes of the tests is kept for the processes that would else each make it.
    yield "tests", [sys.executable, "-m", "pytest", "--ds", "tests.settings", "--collect-only", "-qq"]
    yield "imports", [BIN / "lint-imports"]
    yield "migrations", [sys.executable, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run"]
    yield "deploy", [sys.executable, "-W", "ignore", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    if (ROOT / "portal" / "ui" / "lint.py").exists():
        yield "pages", [sys.executable, "-m", "portal.ui.lint"]


def surroundings():
    """Our own environment without what would change how the tests run."""
    return {name: value for name, value in os.environ.items() if name not in LEFT_OUT}


def check(named):
    name, command = named
    began = time.monotonic()
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**surroundings(), **NOWHERE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name} ({time.monotonic() - began:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return name, done.returncode == 0


def bring_chromium():
    """Debian's Chromium for the tests that drive a browser; without it they say loudly that they were left out.

    The one without windows is brought even where the other one is: the tests take four minutes of processor time less with it.
    """
    if not shutil.which(CHROMIUM) and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium …", flush=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", CHROMIUM]
        for command in (["apt-get", "update", "-qq"], install):
            quietly(command, DEBIAN_FRONTEND="noninteractive")
    if not any(map(shutil.which, (CHROMIUM, "chromium"))):
        print(f"!! No Chromium, none could be installed: NO PAGE IS TESTED IN A BROWSER. apt-get install {CHROMIUM}", flush=True)


def quietly(command, **env):
    nothing = subprocess.DEVNULL
    subprocess.run(command, env={**os.environ, **env}, stdin=nothing, stdout=nothing, check=False)


def build_css():
    subprocess.run([sys.executable, "manage.py", "css"], cwd=ROOT, env={**os.environ, **NOWHERE}, check=True)


def pytest_command(arguments):
    return [sys.executable, "-m", "pytest", "-n", WORKERS, "--dist", "loadgroup", *arguments]


def run_pytest(arguments):
    """Exit code of pytest. Five for "no tests" counts as a failure like any other.

    Branches are measured in a whole run only, because part of the tests runs part of the code.
    """
    env = surroundings()
    command = pytest_command(arguments)
    with tempfile.TemporaryDirectory(prefix="countersign-branches-") as folder:
        if not arguments:
            env[FOLDER] = folder
        try:
            return subprocess.run(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, timeout=PYTEST_SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            print(f"!! pytest was ended after {PYTEST_SECONDS // 60} minutes.")
            return 1


def main():
    began = time.monotonic()
    arguments = sys.argv[1:]
    with ThreadPoolExecutor(max_workers=2) as pool:
        pool.submit(bring_chromium)
        build_css()
        failed = [name for name, good in pool.map(check, checks()) if not good]
    print(f"Checks took {time.monotonic() - began:.0f} s.", flush=True)
    code = run_pytest(arguments)
    # Nothing but this after pytest's closing line, and only when there is something to say.
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}. See FAIL above.")
    sys.exit(code or bool(failed))


if __name__ == "__main__":
    main()
