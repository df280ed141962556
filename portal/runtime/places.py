"""Where things lie inside a data folder, and short places for sockets.

A folder that was there before us is never given other rights; those that we make are closed.
"""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# sockaddr_un holds 108 bytes (unix(7)); PostgreSQL adds "/.s.PGSQL.5432.lock" to the folder that we name.
LONGEST_SOCKET = 100
SOCKET_NAME = ".s.PGSQL.5432"


class PathTooLong(Exception):
    """No place short enough for a Unix socket was found."""


@dataclass(frozen=True)
class Places:
    """The parts of one data folder."""

    data: Path

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def database(self) -> Path:
        return self.data / "postgres"

    @property
    def broker(self) -> Path:
        return self.data / "valkey"

    @property
    def environment(self) -> Path:
        return self.data / "environment"

    @property
    def lock(self) -> Path:
        return self.data / "lock"

    @property
    def status(self) -> Path:
        return self.run / "status.json"

    @property
    def heartbeat(self) -> Path:
        """Touched by the worker each time a heartbeat came through scheduler and broker."""
        return self.run / "heartbeat"

    @property
    def mark(self) -> str:
        """Short text that stands for this folder in names elsewhere."""
        return hashlib.sha256(str(self.data).encode()).hexdigest()[:12]


def lay_out(*, places: Places) -> None:
    """Make the folders. The outer one lets the database's user pass (0711), the inner ones let nobody in."""
    outer = 0o711 if os.geteuid() == 0 else 0o700
    make(path=places.data, mode=outer)
    make(path=places.run, mode=outer)
    for path in (places.secrets, places.log, places.broker):
        make(path=path, mode=0o700)


def make(*, path: Path, mode: int) -> None:
    """Make one folder with exactly these rights, whatever the umask; leave one that exists as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        return
    path.chmod(mode)


def fits(*, folder: Path, name: str) -> bool:
    """Whether a socket `name` in `folder` has a path that the kernel takes."""
    return len(os.fsencode(folder / name)) <= LONGEST_SOCKET


def socket_folder(*, wanted: Path, name: str, mark: str, uid: int, gid: int) -> Path:
    """A closed folder for a socket, owned by `uid`: `wanted` if its path is short enough, else one in a short place.

    Raises PathTooLong when even that does not fit.
    """
    folder = wanted if fits(folder=wanted, name=name) else _short(mark=mark, uid=uid, name=name)
    make(path=folder, mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, uid, gid, follow_symlinks=False)
    return folder


def _short(*, mark: str, uid: int, name: str) -> Path:
    """A folder in a short place that is ours alone. A name that somebody took before us is not used."""
    base = Path("/run") if os.geteuid() == 0 and Path("/run").is_dir() else Path(tempfile.gettempdir())
    folder = base / f"countersign-{uid}-{mark}"
    if not fits(folder=folder, name=name):
        raise PathTooLong(f"The path of the socket {folder / name} is over {LONGEST_SOCKET} bytes. Choose a shorter --data.")
    make(path=folder, mode=0o700)
    found = folder.lstat()
    closed = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    if closed and found.st_uid in {uid, os.geteuid()}:
        return folder
    return Path(tempfile.mkdtemp(prefix="countersign-", dir=base))
