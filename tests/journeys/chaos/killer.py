"""Kills the programs of a running portal, one after the other, and says when."""

import itertools
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.pace import SHARED
from tests.stack import is_alive

ROUND = ("web", "pool child", "postgres", "worker", "valkey", "scheduler", "pool child")
DATABASE_BACK = 15.0 * SHARED
WARM = {"postgres": 0.5, "web": 4.0}
"""Seconds after which a started one answers as before: new connections, code loaded."""
GROWN = 2.0
"""Seconds that a pool child must have lived: one that dies while the pool starts takes the whole worker along."""


@dataclass(frozen=True)
class Kill:
    """One ``kill -9``: whom, and from when to when nobody could expect an answer that needs it (monotonic)."""

    target: str
    at: float
    back: float


class Killer:
    """``pause`` seconds between two kills; ``portal`` is a tests.stack.Stack."""

    def __init__(self, portal, *, pause, database_answers):
        self.portal, self.pause = portal, pause
        self.database_answers = database_answers
        self.kills: list[Kill] = []

    def run(self, *, count):
        for target in itertools.islice(itertools.cycle(ROUND), count):
            began = time.monotonic()
            self.kill(target)
            time.sleep(max(0.0, began + self.pause - time.monotonic()))

    def windows(self, *targets):
        """From and to when these were away or just came back, by the monotonic clock."""
        return [(kill.at - 0.1, kill.back + WARM.get(kill.target, 0.0)) for kill in self.kills if kill.target in targets]

    def kill(self, target):
        """Kill one, as soon as it runs."""
        at = self._kill_one(target)
        while not at:
            time.sleep(0.05)
            at = self._kill_one(target)
        back = self._database_back() if target == "postgres" else at
        self.kills.append(Kill(target, at, back))

    def _kill_one(self, target):
        """When it was killed; 0 when it does not run at this moment."""
        with suppress(OSError, ValueError):
            pid = self._pid(target)
            if pid is None or not is_alive(pid):
                return 0.0
            if target == "valkey":
                # Frozen first, so that it is killed with nothing behind it: what was queued is gone.
                os.kill(pid, signal.SIGSTOP)
                for path in self.portal.places.broker.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            os.kill(pid, signal.SIGKILL)
            return time.monotonic()
        return 0.0

    def _pid(self, target):
        if target != "pool child":
            return self.portal.pid(target)
        children = [pid for pid in children_of(self.portal.pid("worker") or 0) if age(pid) > GROWN]
        return children[len(self.kills) % len(children)] if children else None

    def _database_back(self):
        deadline = time.monotonic() + DATABASE_BACK
        while not self.database_answers():
            assert time.monotonic() < deadline, "the database did not come back"
            time.sleep(0.05)
        return time.monotonic()


def children_of(pid):
    """Processes whose parent is ``pid``."""
    found = []
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(word) for word in entry.read_text().split()]
    return sorted(found)


def age(pid):
    """Seconds that a process has lived (proc(5): starttime is the 22nd field, in ticks since the machine started)."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(words[19]) / os.sysconf("SC_CLK_TCK")
