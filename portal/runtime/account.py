"""Which user of the operating system runs PostgreSQL.

PostgreSQL refuses to run as root. An ordinary user runs it alone; root lends it a system user that can do nothing else.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAME = "countersign"


class NoAccount(Exception):
    """Root has no ordinary user to run PostgreSQL with, and could not make one."""


@dataclass(frozen=True)
class Account:
    """A user of the operating system, by number."""

    name: str
    uid: int
    gid: int


def for_database(*, home: Path) -> Account | None:
    """The user that PostgreSQL with data folder `home` runs as; None means "as whoever we are".

    A folder that somebody else made keeps its owner, so that root may start what an ordinary user began.
    """
    if os.geteuid() != 0:
        return None
    if home.exists() and home.stat().st_uid != 0:
        return _of(pwd.getpwuid(home.stat().st_uid))
    return _existing() or _made()


def can_reach(*, account: Account | None, path: Path) -> bool:
    """Whether `account` can pass every folder down to `path` and enter or run it. The kernel answers, not the mode bits."""
    if account is None:
        return os.access(path, os.X_OK)
    test = ["test", "-x", str(path)]
    return subprocess.run(test, cwd="/", user=account.uid, group=account.gid, extra_groups=[], check=False).returncode == 0


def our_name() -> str:
    """Name of the user we are, for the map of peer authentication."""
    return pwd.getpwuid(os.geteuid()).pw_name


def _of(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _existing() -> Account | None:
    try:
        return _of(pwd.getpwnam(NAME))
    except KeyError:
        return None


def _made() -> Account:
    shell = "/usr/sbin/nologin"
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell, "--user-group", NAME]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    try:
        done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)
        said = done.stderr.strip()
    except FileNotFoundError:
        said = "useradd is not installed"
    # Two starts at once may both try: who comes second finds the user there.
    account = _existing()
    if account is None:
        raise NoAccount(
            f"PostgreSQL does not run as root and the user {NAME!r} could not be made: {said}. Make it, or start as a user."
        )
    return account
