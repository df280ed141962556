"""Deliveries that wait to be written. One thread of each process writes all that came in meanwhile with one statement: the wait
for the disk is shared, nothing waits longer than one such statement, and commits never queue behind one another's notification.
"""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from django.db import connection

from changes.connectors.storing import LOST, NOT_STORED, Genuine, store

MANY, LARGE = 64, 4 * 1024 * 1024
"""A statement takes no more deliveries, or bytes, than this (and always one)."""
IDLE = 1.0
"""Seconds that the thread keeps its connection while nothing comes."""


@dataclass(frozen=True)
class Waiting:
    """A delivery, and who waits for its outcome."""

    delivery: Genuine
    loop: asyncio.AbstractEventLoop
    outcome: "asyncio.Future[bool]"


class Tray:
    """Of one process. ``put`` from any event loop; ``end`` when the process, or a test, is done."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._beginning = threading.Lock()

    async def put(self, delivery: Genuine) -> bool:
        """True once it is stored, False when its id is known already. Raises what the database raised."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(delivery, loop, loop.create_future())
        self._waiting.put(waiting)
        self._begin()
        return await waiting.outcome

    def end(self) -> None:
        """Write what waits, give the connection back, stop the thread. The next delivery starts another one."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._waiting.put(None)
            thread.join()

    def _begin(self) -> None:
        with self._beginning:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="tray", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        try:
            while (first := self._first()) is not None:
                batch = self._together(first)
                outcomes = _outcomes(batch)
                _tell(batch, outcomes)
                if isinstance(outcomes[0], LOST):
                    self._give_up(outcomes[0])
        finally:
            connection.close()

    def _first(self) -> Waiting | None:
        try:
            return self._waiting.get(timeout=IDLE)
        except Empty:
            connection.close()
            return self._waiting.get()

    def _give_up(self, problem: Exception) -> None:
        """The database cannot be reached: what came meanwhile hears it now and not after another wait."""
        for _ in range(self._waiting.qsize()):
            waiting = self._waiting.get_nowait()
            if waiting is None:
                self._waiting.put(None)
                return
            _tell([waiting], [problem])

    def _together(self, first: Waiting) -> list[Waiting]:
        batch, size = [first], len(first.delivery.body)
        with contextlib.suppress(Empty):
            while len(batch) < MANY and size < LARGE:
                waiting = self._waiting.get_nowait()
                if waiting is None:
                    self._waiting.put(None)
                    break
                batch.append(waiting)
                size += len(waiting.delivery.body)
        return batch


def _outcomes(batch: Sequence[Waiting]) -> list[bool | Exception]:
    """What became of each. One that the database refuses must not take the others along: then each is written alone."""
    try:
        return list(store([waiting.delivery for waiting in batch]))
    except LOST as problem:
        return [problem] * len(batch)
    except Exception as problem:  # noqa: BLE001  # whatever it is, whoever waits must hear it
        if len(batch) == 1:
            return [problem]
    return [outcome for waiting in batch for outcome in _outcomes([waiting])]


def _tell(batch: Sequence[Waiting], outcomes: Sequence[bool | Exception]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        # The loop may be gone with its server; then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            waiting.loop.call_soon_threadsafe(_settle, waiting.outcome, outcome)


def _settle(future: "asyncio.Future[bool]", outcome: bool | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


TRAY = Tray()
__all__ = ["NOT_STORED", "TRAY", "Tray"]
