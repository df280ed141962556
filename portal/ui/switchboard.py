"""One listener for all live streams of a process.

It holds one PostgreSQL connection while anybody listens, passes each bell on to the streams of its topic, and checks every
few seconds that the sessions behind the streams still stand. When the connection breaks it comes back and rings every bell
once, because something may have been missed.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import structlog
from django.contrib.sessions.models import Session
from django.db import connections
from psycopg.conninfo import make_conninfo

from portal.access.models import User
from portal.ui.doorbell import CHANNEL

log = structlog.get_logger("portal.live")

CHECK_EVERY = 10.0
"""Seconds between two looks at the sessions; a signed-out person's streams end within this time."""
COME_BACK = 2.0
"""Seconds before a broken connection is tried again."""
MOST_STREAMS = 2000
MOST_OF_ONE = 40
"""Streams in one process, and of one session: more than anybody has pages in view."""


@dataclass(eq=False)
class Stream:
    """One open page. ``stamp`` is the session's proof of the password: it changes when the password does."""

    topics: frozenset[str]
    session: str
    person: int
    stamp: str
    ended: bool = False
    _rung: set[str] = field(default_factory=set)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self, topic: str) -> None:
        """Note a bell; rings that nobody has heard yet are one."""
        self._rung.add(topic)
        self._bell.set()

    def end(self) -> None:
        """Let the stream finish."""
        self.ended = True
        self._bell.set()

    async def heard(self, seconds: float) -> list[str]:
        """Topics that rang, as soon as there are any; empty after so many seconds of silence."""
        try:
            await asyncio.wait_for(self._bell.wait(), seconds)
        except TimeoutError:
            return []
        self._bell.clear()
        topics, self._rung = sorted(self._rung), set()
        return topics


class Switchboard:
    """The streams of this process, and a listener for each event loop that has some (there is one, outside tests)."""

    def __init__(self) -> None:
        self._streams: WeakKeyDictionary[asyncio.AbstractEventLoop, set[Stream]] = WeakKeyDictionary()
        self._tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()

    def is_full(self, stream: Stream) -> bool:
        """Whether this process, or this session, has as many streams as it may."""
        everyone = [other for streams in list(self._streams.values()) for other in streams]
        return len(everyone) >= MOST_STREAMS or sum(other.session == stream.session for other in everyone) >= MOST_OF_ONE

    def join(self, stream: Stream) -> None:
        """Start to hear. Called in the event loop that serves the stream."""
        loop = asyncio.get_running_loop()
        self._streams.setdefault(loop, set()).add(stream)
        task = self._tasks.get(loop)
        if task is None or task.done():
            self._tasks[loop] = loop.create_task(self._attend(self._streams[loop]))

    def leave(self, stream: Stream) -> None:
        """Stop hearing."""
        for streams in list(self._streams.values()):
            streams.discard(stream)

    async def _attend(self, streams: set[Stream]) -> None:
        """Listen for as long as there is a stream; survive a database that goes away."""
        missed = False
        while streams:
            try:
                async with await psycopg.AsyncConnection.connect(_address(), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    if missed:
                        _ring_all(streams)
                    await _pass_on(connection, streams)
            except (psycopg.Error, OSError) as problem:
                missed = True
                log.warning("live.lost", problem=str(problem))
                await asyncio.sleep(COME_BACK)


async def _pass_on(connection: psycopg.AsyncConnection[Any], streams: set[Stream]) -> None:
    while streams:
        async for notice in connection.notifies(timeout=CHECK_EVERY):
            for stream in streams:
                if notice.payload in stream.topics:
                    stream.ring(notice.payload)
        await _end_without_session(connection, streams)


def _ring_all(streams: set[Stream]) -> None:
    for stream in streams:
        for topic in stream.topics:
            stream.ring(topic)


SESSIONS = f"""
SELECT session_key FROM {Session._meta.db_table} WHERE session_key = ANY(%s) AND expire_date > now()
"""  # noqa: S608  # table names come from the models
PEOPLE = f"SELECT id, password FROM {User._meta.db_table} WHERE id = ANY(%s) AND is_active"  # noqa: S608  # as above


async def _end_without_session(connection: psycopg.AsyncConnection[Any], streams: set[Stream]) -> None:
    """End the streams whose session is gone or expired, whose person left, or whose password has changed."""
    # Only those that were here before the questions: one that joins meanwhile is in no answer, and was checked when it came.
    asked = list(streams)
    rows = await (await connection.execute(SESSIONS, [list({stream.session for stream in asked})])).fetchall()
    standing = {key for (key,) in rows}
    people = await (await connection.execute(PEOPLE, [list({stream.person for stream in asked})])).fetchall()
    stamps = {pk: User(pk=pk, password=password).get_session_auth_hash() for pk, password in people}
    for stream in asked:
        if stream.session not in standing or stamps.get(stream.person) != stream.stamp:
            stream.end()


def _address() -> str:
    """The database of Django's default connection, as libpq reads it."""
    settings = connections["default"].settings_dict
    kept = {key: settings["OPTIONS"].get(key) for key in ("sslmode", "sslrootcert", "options")}
    return make_conninfo(
        host=settings["HOST"],
        port=settings["PORT"],
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        application_name="countersign-live",
        connect_timeout="5",
        **{key: value for key, value in kept.items() if value},
    )


switchboard = Switchboard()
