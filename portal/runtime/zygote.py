"""A process that has loaded the portal once. Web, worker and scheduler are forked from it and share what it loaded.

The supervisor starts it (``portal.runtime.forked``) and speaks with it over a socket: one message for each program to start, with
the file of its log; one message back with its number, and one when it has ended. It has one thread and opens no connection, so
that a fork is as good as a fresh process. Linux only: children are watched by pidfd_open(2).
"""

import ctypes
import gc
import importlib
import json
import mmap
import os
import re
import runpy
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portal.runtime import leash

SOCKET = "COUNTERSIGN_ZYGOTE_SOCKET"
"""Number of the open socket, in the environment."""
LARGEST = 256 * 1024
LOADED = (
    *("uvicorn", "uvicorn.loops.asyncio", "uvicorn.protocols.http.h11_impl", "uvicorn.lifespan.on", "uvicorn.logging"),
    *("celery.apps.worker", "celery.bin.worker", "celery.concurrency.prefork", "kombu.transport.redis"),
    *("portal.runtime.leases", "portal.runtime.sender"),
)
"""What the programs load besides the portal's own code."""


def main() -> int:
    """Load, say so, and fork until the supervisor goes."""
    line = socket.socket(fileno=int(os.environ.pop(SOCKET)))
    _load()
    line.send(json.dumps({"ready": True}).encode())
    program = _fork_programs(line)
    return program() if program is not None else 0


def _load() -> None:
    """The portal with its pages and tasks, out of the collector's reach so that the pages of memory stay shared."""
    importlib.import_module("django").setup()
    importlib.import_module("portal.asgi")
    _ = importlib.import_module("django.urls").get_resolver().url_patterns
    importlib.import_module("portal.celery").app.loader.import_default_modules()
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _give_back()


def _give_back() -> None:
    """Hand the system the pages of programs' files that were only read while loading: 17 MB that the zygote never reads again.

    Its children read from the files, as everybody does, what they need. Only mappings that cannot be written and hold
    no page of their own are given back (madvise(2); smaps in proc(5)), so that nothing is lost.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for first, last in _only_read(Path("/proc/self/smaps").read_text()):
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)


def _only_read(smaps: str) -> list[tuple[int, int]]:
    """Of the mappings in `smaps` those of files that nobody writes and that hold nothing but the file: (from, to) in bytes."""
    found = []
    for mapping in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE)[1:]:
        place, rights, _, _, inode = mapping.split(maxsplit=5)[:5]
        if "w" not in rights and int(inode) and re.search(r"^Anonymous: +0 kB$", mapping, re.MULTILINE):
            first, last = (int(each, 16) for each in place.split("-"))
            found.append((first, last))
    return found


def _fork_programs(line: socket.socket) -> Callable[[], int] | None:
    """Until the supervisor closes the socket. In a child it returns what the child is to run."""
    children: dict[int, int] = {}
    while True:
        watch = select.poll()
        for handle in (line.fileno(), *children):
            watch.register(handle, select.POLLIN)
        for handle, _ in watch.poll():
            if handle != line.fileno():
                _tell_end(line, children.pop(handle), handle)
                continue
            message, logs, _, _ = socket.recv_fds(line, LARGEST, 1)
            if not message:
                return None
            asked = json.loads(message)
            pid = os.fork()
            if pid == 0:
                _become(asked, logs[0], [line.detach(), *children])
                return lambda: _run(asked["argv"])
            os.close(logs[0])
            children[os.pidfd_open(pid)] = pid
            line.send(json.dumps({"pid": pid}).encode())


def _tell_end(line: socket.socket, pid: int, handle: int) -> None:
    """A program has ended; the supervisor waits for the signal of a child's death, which only we got."""
    _, status = os.waitpid(pid, 0)
    os.close(handle)
    line.send(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode())
    os.kill(os.getppid(), signal.SIGCHLD)


def _become(asked: dict[str, Any], log: int, inherited: list[int]) -> None:
    """In the child: a session, an environment and an output of its own, and the promise to end with the zygote."""
    os.setsid()
    leash.promise(orphaned=signal.Signals(asked["orphaned"]), parent=asked["zygote"])
    for number in (0, *inherited):
        os.close(number)
    os.open(os.devnull, os.O_RDONLY)  # becomes 0, the lowest free number
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    os.environ.clear()
    os.environ.update(asked["env"])
    _connect_as_named()


def _connect_as_named() -> None:
    """The settings of the databases were read for nobody in particular; now they are those of this program."""
    known = importlib.import_module("django.db").connections.settings
    read = importlib.import_module("portal.environment")
    known["default"].update({"CONN_MAX_AGE": 0, **read.database(os.environ["DATABASE_URL"], testing=False)})
    if "replica" in known:
        known["replica"].update({"CONN_MAX_AGE": 0, **read.replica(os.environ["DATABASE_REPLICA_URL"], testing=False)})


def _be_called(name: str) -> None:
    """Lists of processes (``ps -o comm``, ``top``) show the program; its command line is the zygote's."""
    Path("/proc/self/comm").write_text(name)


def _run(argv: list[str]) -> int:
    """``python -m module arguments`` without a new interpreter. The exit code."""
    sys.argv = argv[2:]
    _be_called(argv[2].rpartition(".")[2])
    try:
        runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
