"""Starts a process that cannot outlive us.

The kernel sends a chosen signal to the process when we vanish, even by `kill -9` (prctl(2), PR_SET_PDEATHSIG). The
promise holds for the process itself; Celery's pool children make the same one to their parent (celery/concurrency/prefork.py),
and the children of PostgreSQL leave when their postmaster does.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from portal.runtime.account import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn(
    *,
    argv: Sequence[str],
    env: Mapping[str, str],
    log: IO[bytes] | int,
    orphaned: signal.Signals,
    account: Account | None = None,
    cwd: Path | None = None,
    kept: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own (so Ctrl-C reaches only us), its output in `log`.

    `orphaned` is the signal it gets when we are gone. With `account`, it runs as that user and no other group. `kept` are
    open files that it inherits.
    """
    us = os.getpid()

    def leashed() -> None:
        # Between fork and exec, after the change of user (which would clear the promise): keep it to system calls.
        promise(orphaned=orphaned, parent=us)

    return subprocess.Popen(
        list(argv),
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=leashed,
        pass_fds=kept,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def promise(*, orphaned: signal.Signals, parent: int) -> None:
    """In a child: get this signal when `parent` vanishes, take every signal from now on, and end if it is gone already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(orphaned), 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    if os.getppid() != parent:
        os._exit(1)


def kill_group(*, pid: int, number: signal.Signals) -> None:
    """Send a signal to everything in the process group that `spawn` made for `pid`; nothing there is no error."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
