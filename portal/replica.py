"""Large readings from a streaming replica of the database, never older than they may be, and from the first server when in doubt.

``reading()`` puts the replica in the place of the default connection of this thread, for everything inside: queries, raw SQL,
transactions, the wall round auditors. Nothing has to know of it, and nothing can be read half here and half there by oversight.

Staleness is measured, not assumed: the first server says where its log ends and what time it is; a replica that has replayed at
least that is as new as that time. Whoever just wrote brings the place in the log of what they wrote (``since``), and reads the
first server until the replica has it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

log = structlog.get_logger("portal.replica")
ALIAS = "replica"
HOLDS, RESTS = 1.0, 10.0
"""Seconds that a measurement holds, and that a replica which failed is left alone."""
PAUSE = 0.05
PATIENCE = 10.0
"""Seconds that a worker waits for a replica to have what was committed when it began."""
PLACE = "pg_wal_lsn_diff({}, '0/0')::bigint"
"""A place in the log as a number of bytes, so that two are compared without knowing how they are written."""
AHEAD = f"SELECT clock_timestamp(), {PLACE.format('pg_current_wal_lsn()')}"
BEHIND = f"SELECT pg_is_in_recovery(), {PLACE.format('pg_last_wal_replay_lsn()')}, pg_last_xact_replay_timestamp()"
Read = TypeVar("Read")


@dataclass(frozen=True)
class Standing:
    """How a replica is: it has all records of the moment ``as_of``; its place in the log; in words why it is not used."""

    as_of: datetime | None = None
    place: int = 0
    behind: timedelta = timedelta()
    trouble: str = ""


@dataclass
class Copy:
    """What a reading is read from. ``lost``: the replica went away, or gave up a question, in the middle of it."""

    as_of: datetime
    lost: bool = False


class Watch:
    """The last measurement of this process; one thread measures, the others use what it found."""

    def __init__(self) -> None:
        # Entered twice by whoever measures inside of a reading and loses the replica in it (``_in_place_of_the_first``).
        self._lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """As if nothing had been measured."""
        self._standing, self._until = Standing(trouble="not looked at yet"), 0.0

    def standing(self, *, anew: bool = False) -> Standing:
        """How the replica is, as of at most a second ago. ``anew`` measures now, unless it rests after a failure."""
        with self._lock:
            rests = self._standing.trouble and time.monotonic() < self._until
            if not rests and (anew or time.monotonic() >= self._until):
                self._keep(self._measured())
            return self._standing

    def lose(self, why: str) -> None:
        """It failed somebody: leave it alone for a while."""
        with self._lock:
            self._keep(Standing(trouble=why))

    def _keep(self, found: Standing) -> None:
        if bool(found.trouble) != bool(self._standing.trouble) or not self._until:
            if found.trouble:
                log.warning("replica.left", trouble=found.trouble)
            else:
                log.info("replica.taken", behind=str(found.behind))
        self._standing = found
        self._until = time.monotonic() + (RESTS if found.trouble else HOLDS)

    def _measured(self) -> Standing:
        try:
            now, wanted = asked(_first(), AHEAD)
            copies, place, last = asked(connections[ALIAS], BEHIND)
        except (DatabaseError, InterfaceError) as problem:
            connections[ALIAS].close()
            return Standing(trouble=f"it does not answer ({type(problem).__name__})")
        if not copies:
            return Standing(trouble="it is no replica (any more)")
        as_of = now if place >= wanted else max(filter(None, (last, self._standing.as_of)), default=None)
        if as_of is None:
            return Standing(trouble="it has not said how new it is")
        behind = max(now - as_of, timedelta())
        late = behind > timedelta(seconds=settings.REPLICA_BEHIND)
        return Standing(as_of, place, behind, f"it is {behind.total_seconds():.0f} s behind" if late else "")


WATCH = Watch()
_here = threading.local()


def offered() -> bool:
    """Whether there is a replica at all (``DATABASE_REPLICA_URL``)."""
    return ALIAS in connections.settings


def place_now() -> int:
    """Where the first server's log ends: a replica that has replayed it has whatever was committed until now."""
    return int(asked(_first(), AHEAD)[1])


@contextmanager
def reading(*, since: int = 0, patience: float = 0.0) -> Iterator[Copy | None]:
    """Read from the replica inside, as far as it has ``since``; waits ``patience`` seconds for that. None: from the first server.

    Inside of a transaction nothing is moved: it sees its own writes only where it made them.
    """
    inner = getattr(_here, "copy", None)
    if inner is not None or not offered() or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        yield inner
        return
    found = _new_enough(since, patience)
    if found is None or found.as_of is None:
        yield None
        return
    copy = Copy(found.as_of)
    with _in_place_of_the_first(copy):
        yield copy


def read_with(read: Callable[[Copy | None], Read], *, since: int = 0) -> Read:
    """What ``read`` gives from the replica; once more from the first server when the replica fails in the middle of it."""
    with reading(since=since) as copy:
        try:
            return read(copy)
        except OperationalError:
            if copy is None or not copy.lost:
                raise
    return read(None)


@contextmanager
def reading_at_length(*, attempt: int) -> Iterator[Copy | None]:
    """For a worker that reads what is to be frozen: the replica once it has everything that is committed by now.

    Where that takes longer than ``PATIENCE``, and from the second attempt on, the first server: on a replica a question that takes
    long may be given up for what is replayed.
    """
    if attempt > 1 or not offered():
        yield None
        return
    with reading(since=place_now(), patience=PATIENCE) as copy:
        yield copy


@contextmanager
def writing() -> Iterator[None]:
    """The first server again, for what has to be written in the middle of a reading: how far a worker is, what it made."""
    copy = getattr(_here, "copy", None)
    if copy is None:
        yield
        return
    replica, connections[DEFAULT_DB_ALIAS], _here.copy = connections[DEFAULT_DB_ALIAS], _here.first, None
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS], _here.copy = replica, copy


@contextmanager
def _in_place_of_the_first(copy: Copy) -> Iterator[None]:
    first, replica = connections[DEFAULT_DB_ALIAS], connections[ALIAS]

    def watched(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        try:
            return execute(sql, params, many, context)
        except OperationalError as problem:
            if _is_the_replicas_own(problem):
                copy.lost = True
                WATCH.lose(f"it failed in the middle of a reading ({type(problem.__cause__ or problem).__name__})")
            raise

    connections[DEFAULT_DB_ALIAS], _here.copy, _here.first = replica, copy, first
    try:
        with replica.execute_wrapper(watched):
            yield
    except OperationalError:
        # A connection that could not even be had asks no question.
        copy.lost = copy.lost or not replica.is_usable()
        raise
    finally:
        connections[DEFAULT_DB_ALIAS], _here.copy, _here.first = first, None, None


def _first() -> BaseDatabaseWrapper:
    """The connection to the first server, also inside of a reading."""
    inside = getattr(_here, "copy", None) is not None
    return cast(BaseDatabaseWrapper, _here.first if inside else connections[DEFAULT_DB_ALIAS])


def _is_the_replicas_own(problem: OperationalError) -> bool:
    """Whether another server would have answered: the line is gone, the server ends, or replaying took a row away (40001)."""
    state = getattr(problem.__cause__, "sqlstate", None)
    return state is None or state[:2] in {"08", "40", "58"} or state[:3] == "57P"


def _new_enough(since: int, patience: float) -> Standing | None:
    found = WATCH.standing()
    until = time.monotonic() + patience
    while not found.trouble and found.place < since:
        # Once, even without patience: what is remembered is up to a second old.
        found = WATCH.standing(anew=True)
        if found.trouble or found.place >= since or time.monotonic() >= until:
            break
        time.sleep(PAUSE)
    return found if not found.trouble and found.place >= since else None


def asked(connection: BaseDatabaseWrapper, sql: str) -> tuple[Any, ...]:
    """The one row that answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cast(tuple[Any, ...], cursor.fetchone())
