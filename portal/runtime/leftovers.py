"""Finds and clears what a killed PostgreSQL left behind.

`postmaster.pid` names a process number. PostgreSQL itself believes it: a number that another program has by now, or a file cut
short, keeps it from starting. We believe only a living process that runs in the data folder (PostgreSQL changes into it).
"""

import os
import signal
import time
from pathlib import Path

from portal.runtime.places import SOCKET_NAME


def clear(*, home: Path, socket: Path, patience: float = 30.0) -> None:
    """Make `home` startable: stop processes that still run in it, then remove lock files that mean nothing any more.

    A server that still runs (its supervisor was killed) is asked to shut down; waits up to `patience` seconds, then ends it.
    """
    _stop(home=home, patience=patience)
    for path in (home / "postmaster.pid", socket / SOCKET_NAME, socket / f"{SOCKET_NAME}.lock"):
        path.unlink(missing_ok=True)


def running(*, home: Path) -> list[int]:
    """Process numbers of everything that runs inside the data folder `home`, oldest first."""
    try:
        wanted = home.stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _runs_in(entry=entry, device=wanted.st_dev, inode=wanted.st_ino):
            found.append(int(entry.name))
    return sorted(found)


def _runs_in(*, entry: Path, device: int, inode: int) -> bool:
    try:
        if not (entry / "comm").read_text().startswith("postgres"):
            return False
        folder = (entry / "cwd").stat()
    except OSError:
        # Gone meanwhile, a zombie, or not ours to look at: in each case nothing of ours that is alive.
        return False
    return (folder.st_dev, folder.st_ino) == (device, inode)


def _stop(*, home: Path, patience: float) -> None:
    """SIGINT (fast shutdown) to the postmaster; children whose postmaster is gone get SIGQUIT; whoever stays is killed."""
    deadline = time.monotonic() + patience
    while alive := running(home=home):
        late = time.monotonic() > deadline
        postmaster = _postmaster(alive=alive)
        for pid in [postmaster] if postmaster and not late else alive:
            _send(pid=pid, number=signal.SIGKILL if late else signal.SIGINT if postmaster else signal.SIGQUIT)
        if late:
            deadline = time.monotonic() + patience
        time.sleep(0.1)


def _postmaster(*, alive: list[int]) -> int | None:
    """The one that leads the others, if it is alive: children rename themselves to "postgres: what they do"."""
    for pid in alive:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if not command.startswith(b"postgres: "):
            return pid
    return None


def _send(*, pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
