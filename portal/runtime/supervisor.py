"""Keeps programs running: starts them again when they die or fall silent, and stops all of them with us.

One thread, no handlers: signals are blocked and waited for, so nothing happens between two lines of code. It imports no Django and
stays near 12 MB; what loads Django is the zygote, from which it has the programs forked.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from portal.runtime import leash, logs
from portal.runtime.forked import Forked, Zygote
from portal.runtime.places import Places
from portal.runtime.program import LOOP, SHORT_LIFE, Program, pause

_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_WAITED_FOR = {*_STOP, signal.SIGCHLD}
PROBE_SECONDS = 10.0
SILENCES = 3
ROTATE_SECONDS = 30.0


class Stopped(Exception):
    """Somebody asked us to end (Ctrl-C, SIGTERM, a closed terminal)."""


class Failed(Exception):
    """A step of the start did not work; the message says which and shows the end of its log."""


class Child:
    """A program and its present life."""

    def __init__(self, *, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.began = 0.0
        self.began_at: datetime | None = None
        self.again = 0.0
        self.starts = 0
        self.short_lives = 0
        self.silences = 0
        self.probe_due = 0.0

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def state(self) -> dict[str, object]:
        word = "running" if self.process else ("paused" if self.short_lives >= LOOP else "waiting")
        since = self.began_at.isoformat() if self.began_at else None
        return {"pid": self.pid, "state": word, "starts": self.starts, "since": since}


class Supervisor:
    """Runs children until told to stop. Create it before any child, in the main thread."""

    def __init__(self, *, places: Places, say: Callable[[str], None], cwd: Path) -> None:
        self.places = places
        self.say = say
        self.cwd = cwd
        self.children: dict[str, Child] = {}
        self.note: dict[str, object] = {}
        self.zygote: Zygote | None = None
        self._tasks: list[subprocess.Popen[bytes]] = []
        self._rotate_due = time.monotonic() + ROTATE_SECONDS
        signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)

    def start(self, *, program: Program) -> Child:
        """Begin to keep `program` running."""
        child = self.children[program.name] = Child(program=program)
        self._start(child)
        return child

    def task(self, *, name: str, argv: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start something that ends by itself; it ends with us too."""
        with logs.open_log(folder=self.places.log, name=name) as log:
            process = leash.spawn(argv=argv, env=env, log=log, orphaned=signal.SIGKILL, cwd=self.cwd)
        self._tasks.append(process)
        return process

    def finish(self, *, name: str, process: subprocess.Popen[bytes]) -> None:
        """Wait for a task. Raises Failed with the end of its log unless it ended well."""
        while process.poll() is None:
            self.nap(1.0)
        self._tasks.remove(process)
        if process.returncode != 0:
            raise Failed(f"{name} failed ({_ending(process.returncode)}).\n{logs.tail(folder=self.places.log, name=name)}")

    def nap(self, seconds: float) -> None:
        """Wait for up to `seconds`, looking after the children. Raises Stopped when asked to end."""
        due = [child.again for child in self.children.values() if not child.process]
        due += [child.probe_due for child in self.children.values() if child.process and child.program.answers]
        due += [self._rotate_due, time.monotonic() + seconds]
        got = signal.sigtimedwait(_WAITED_FOR, max(0.0, min(due) - time.monotonic()))
        if got and got.si_signo in _STOP:
            raise Stopped(signal.Signals(got.si_signo).name)
        self._look()

    def watch(self) -> None:
        """Look after the children until asked to end (Stopped)."""
        while True:
            self.nap(60.0)

    def stop(self) -> None:
        """End tasks, then programs, then database and broker. A second request to end hurries. Nobody is left."""
        for process in self._tasks:
            leash.kill_group(pid=process.pid, number=signal.SIGKILL)
            process.wait()
        self._stop_layer([child for child in self.children.values() if not child.program.foundation])
        if self.zygote:
            self.zygote.stop()
        self._stop_layer([child for child in self.children.values() if child.program.foundation])
        self.write_status()

    def write_status(self) -> None:
        """Say in a file what runs, for `manage.py doctor` and for tests."""
        now = {"supervisor": os.getpid(), **self.note, "programs": {name: child.state() for name, child in self.children.items()}}
        half = self.places.status.with_suffix(".new")
        half.write_text(json.dumps(now, indent=1))
        half.replace(self.places.status)

    def _start(self, child: Child) -> None:
        program = child.program
        child.starts += 1
        child.silences = 0
        child.began, child.began_at = time.monotonic(), datetime.now(UTC)
        child.probe_due = child.began + min(program.grace, PROBE_SECONDS)
        try:
            program.prepare()
            with logs.open_log(folder=self.places.log, name=program.name) as log:
                child.process = self._fork(program, log) or leash.spawn(
                    argv=program.argv, env=program.env, log=log, orphaned=program.orphaned, account=program.account, cwd=self.cwd
                )
        except Exception as problem:  # noqa: BLE001  # whatever keeps one program from starting must not take down the others
            self.say(f"{program.name}: {problem}")
            self._died(child, why="could not start")
        self.write_status()

    def _fork(self, program: Program, log: IO[bytes]) -> Forked | None:
        """From what is loaded already, where that can be."""
        if self.zygote is None or program.account is not None:
            return None
        return self.zygote.fork(argv=program.argv, env=program.env, log=log, orphaned=program.orphaned)

    def _look(self) -> None:
        for child in list(self.children.values()):
            if child.process and (code := child.process.poll()) is not None:
                self._bury(child, code=code)
            elif not child.process and time.monotonic() >= child.again:
                self._start(child)
            elif child.process and time.monotonic() >= child.probe_due:
                self._probe(child)
        if time.monotonic() >= self._rotate_due:
            self._rotate_due = time.monotonic() + ROTATE_SECONDS
            logs.rotate(folder=self.places.log)

    def _bury(self, child: Child, *, code: int) -> None:
        """After a death: nothing of its group stays behind, and the next start gets a date."""
        assert child.process is not None
        leash.kill_group(pid=child.process.pid, number=signal.SIGKILL)
        child.process = None
        self._died(child, why=_ending(code))

    def _died(self, child: Child, *, why: str) -> None:
        lived = time.monotonic() - child.began
        child.short_lives = child.short_lives + 1 if lived < SHORT_LIFE else 0
        wait = pause(short_lives=max(0, child.short_lives - 1))
        child.again = time.monotonic() + wait
        self.say(f"{child.program.name} ended ({why}) after {lived:.1f} s; next start in {wait:.1f} s")
        if child.short_lives > LOOP:
            end = logs.tail(folder=self.places.log, name=child.program.name)
            self.say(
                f"!! {child.program.name} ended {child.short_lives} times in a row. Tried again every {wait:.0f} s. Its log:\n{end}"
            )
        self.write_status()

    def _probe(self, child: Child) -> None:
        child.probe_due = time.monotonic() + PROBE_SECONDS
        if child.program.answers is None or time.monotonic() - child.began < child.program.grace:
            return
        child.silences = 0 if child.program.answers() else child.silences + 1
        if child.silences >= SILENCES and child.process:
            self.say(f"{child.program.name} has not answered {child.silences} times; it is ended and started again")
            leash.kill_group(pid=child.process.pid, number=signal.SIGKILL)

    def _stop_layer(self, children: list[Child]) -> None:
        waiting = [child for child in children if child.process]
        for child in waiting:
            _signal(child, child.program.stop)
        began = time.monotonic()
        while waiting:
            hurried = self._wait_signal() in _STOP
            late = time.monotonic() - began
            for child in waiting:
                if hurried or late > child.program.patience:
                    # SIGQUIT makes PostgreSQL leave at once without waiting for anybody; SIGKILL would leave its children.
                    gently = child.program.foundation and late < 2 * child.program.patience
                    _signal(child, signal.SIGQUIT if gently else signal.SIGKILL)
            waiting = [child for child in waiting if not self._gone(child)]

    def _wait_signal(self) -> int:
        got = signal.sigtimedwait(_WAITED_FOR, 0.5)
        return got.si_signo if got else 0

    def _gone(self, child: Child) -> bool:
        if child.process is None or child.process.poll() is None:
            return child.process is None
        leash.kill_group(pid=child.process.pid, number=signal.SIGKILL)
        child.process = None
        return True


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process:
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(number)


def _ending(code: int) -> str:
    """A return code in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
