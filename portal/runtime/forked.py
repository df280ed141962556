"""The supervisor's side of the zygote: have it fork a program, and know when that program ended.

It saves memory and nothing else: whatever it cannot do, the caller does by starting a fresh interpreter.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from portal.runtime import leash, logs
from portal.runtime.zygote import LARGEST, SOCKET

NAME = "zygote"
ANSWER_SECONDS = 5.0


class Forked:
    """A program that the zygote forked, as ``subprocess.Popen`` would show it."""

    def __init__(self, *, pid: int, zygote: "Zygote") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._zygote = zygote

    def poll(self) -> int | None:
        """The exit code, or None while it runs. Without the zygote it has been killed: it had promised to end with it."""
        if self.returncode is None:
            self.returncode = self._zygote.ending(pid=self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal. Raises ``ProcessLookupError`` when it is gone."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Zygote:
    """One zygote process. ``start`` it, wait until it ``is_ready``, ``fork`` programs, ``stop`` it after them."""

    def __init__(self, *, env: Mapping[str, str], log: Path, cwd: Path) -> None:
        self._env, self._log, self._cwd = env, log, cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._ready = False
        self._ended: dict[int, int] = {}

    def start(self) -> None:
        """Begin to load. Does nothing where a zygote cannot work."""
        self.stop()
        if sys.platform != "linux":
            return
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, logs.open_log(folder=self._log, name=NAME) as log:
            self._process = leash.spawn(
                argv=[sys.executable, "-m", "portal.runtime.zygote"],
                env={**self._env, SOCKET: str(theirs.fileno())},
                log=log,
                orphaned=signal.SIGKILL,
                cwd=self._cwd,
                kept=(theirs.fileno(),),
            )

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_ready(self) -> bool:
        """Whether it has loaded. Look at ``is_alive`` too: one that failed never is."""
        self._hear(seconds=0.0)
        return self._ready and self.is_alive

    def fork(self, *, argv: Sequence[str], env: Mapping[str, str], log: IO[bytes], orphaned: signal.Signals) -> Forked | None:
        """Start ``python -m module …``; None when that takes a fresh interpreter. A zygote that died begins to load anew."""
        if list(argv[:2]) != [sys.executable, "-m"]:
            return None
        if not self.is_alive:
            self.start()
        if not self.is_ready() or self._line is None or self._process is None:
            return None
        asked = {"argv": list(argv), "env": dict(env), "orphaned": int(orphaned), "zygote": self._process.pid}
        try:
            socket.send_fds(self._line, [json.dumps(asked).encode()], [log.fileno()])
        except OSError:
            return None
        until = time.monotonic() + ANSWER_SECONDS
        while (wait := until - time.monotonic()) > 0:
            for message in self._hear(seconds=wait):
                if "pid" in message:
                    return Forked(pid=message["pid"], zygote=self)
        # Silent: what it may still fork must not run beside the one that starts now.
        self.stop()
        return None

    def ending(self, *, pid: int) -> int | None:
        """The exit code of a program that it forked; None while it runs."""
        self._hear(seconds=0.0)
        if pid in self._ended:
            return self._ended.pop(pid)
        return None if self.is_alive else -signal.SIGKILL

    def stop(self) -> None:
        """End it, and with it whatever it forked."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
        if self._line is not None:
            self._line.close()
        self._process, self._line, self._ready = None, None, False
        self._ended.clear()

    def _hear(self, *, seconds: float) -> list[dict[str, Any]]:
        """What it has said meanwhile; waits so long for the first word."""
        found: list[dict[str, Any]] = []
        while self._line is not None and select.select([self._line], [], [], 0.0 if found else seconds)[0]:
            try:
                said = self._line.recv(LARGEST)
            except OSError:
                break
            if not said:
                break
            message = json.loads(said)
            found.append(message)
            self._ready = self._ready or "ready" in message
            if "ended" in message:
                self._ended[message["ended"]] = message["code"]
        return found
