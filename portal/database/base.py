"""The product's connection to PostgreSQL: Django's, with two things of its own.

Moments are read quickly (``times``), and readings row by row (``QuerySet.iterator``) end with the transaction or savepoint in which
they began.

Such a reading is a cursor of the server, which goes with its transaction. The object on our side does not know that. One that was
left half way, because an exception still holds the frame that holds it, is closed whenever the garbage collector comes by: in
whatever transaction is under way on that connection then, which fails because of a cursor that is not there. So what is still
open is closed here, just before the server does it.
"""

import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import structlog
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor, Error, ServerCursor

from portal.database.times import reading_quickly

log = structlog.get_logger("portal.database")


@dataclass(frozen=True)
class Reading:
    """A cursor of the server that nobody may hold any more, and the savepoints inside which it was opened."""

    cursor: "Callable[[], ServerCursor[Any] | None]"
    savepoints: frozenset[str]
    held: bool
    """Opened outside of transactions: it outlives them, and ends with the connection."""

    @property
    def is_open(self) -> bool:
        """Whether it is there and nobody has closed it."""
        cursor = self.cursor()
        return cursor is not None and not cursor.closed

    def end(self) -> None:
        """Close it, which frees it at the server too."""
        cursor = self.cursor()
        if cursor is not None and not cursor.closed:
            log.warning("a reading was left half way", cursor=cursor.name)
            try:
                cursor.close()
            finally:
                Cursor.close(cursor)  # our side of it ends in any case


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that closes the readings of a transaction with it."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self._readings: list[Reading] = []

    def get_connection_params(self) -> dict[str, Any]:
        """As Django's, with a quicker reader of moments where the connection speaks UTC."""
        found: dict[str, Any] = super().get_connection_params()
        if self.timezone is UTC:
            found["context"] = reading_quickly(found["context"])
        return found

    def chunked_cursor(self) -> CursorWrapper:
        """A cursor of the server, as Django makes it; noted as long as it is open."""
        made: CursorWrapper = super().chunked_cursor()
        savepoints = frozenset(sid for sid in self.savepoint_ids if sid is not None)
        kept = [each for each in self._readings if each.is_open]
        self._readings = [*kept, Reading(weakref.ref(made.cursor), savepoints, not self.in_atomic_block)]
        return made

    def end_readings(self, *, since: str | None = None, held: bool = False) -> None:
        """Close those that are open: of the transaction, or only those opened ``since`` a savepoint; ``held``: all others too.

        Raises ``psycopg.Error`` when the server does not know one of them, or does not answer.
        """
        ending = [each for each in self._readings if (held or not each.held) and (since is None or since in each.savepoints)]
        self._readings = [each for each in self._readings if each not in ending]
        with ExitStack() as ends:
            for each in ending:
                ends.callback(each.end)

    def _commit(self) -> None:
        with self.wrap_database_errors:
            self.end_readings()
        super()._commit()  # type: ignore[misc]  # the stubs do not know it

    # What cannot be closed below goes with what follows, which says itself when the server is away.

    def _rollback(self) -> None:
        with suppress(Error):
            self.end_readings()
        super()._rollback()  # type: ignore[misc]  # the stubs do not know it

    def _savepoint_rollback(self, sid: str) -> None:
        with suppress(Error):
            self.end_readings(since=sid)
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # the stubs do not know it

    def _close(self) -> None:
        with suppress(Error):
            self.end_readings(held=True)
        super()._close()  # type: ignore[misc]  # the stubs do not know it
