"""Wakes the workers: at once when PostgreSQL says that something arrived, and by the schedule.

One light process without Django. It holds no state: the leases are in the database, several may run side by side, and a missed
notice is made up for when the connection comes back.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from portal.runtime import leases
from portal.runtime.sender import Sender
from portal.schedule import RESTING_CHANNELS, SCHEDULE, WAKE, WORDS_OF_THEIR_OWN, Entry

# At most one wake-up of a kind in this time; a worker drains in batches, so more would find nothing.
DEBOUNCE = 0.05
TICK = 1.0
LONGEST_PAUSE = 2.0


class Scheduler:
    """Listens and ticks until `stop` is called."""

    def __init__(self, *, database: str, sender: Sender, say: Callable[[str], None], schedule: Sequence[Entry] = SCHEDULE) -> None:
        self._database = database
        self._sender = sender
        self._say = say
        self._schedule = schedule
        self._stopping = False
        self._sent: dict[str, float] = {}
        self._pending: dict[str, float] = {}
        self._causes: dict[str, list[str]] = {}
        self._tick_due = 0.0

    def stop(self) -> None:
        """Leave after the present wait, a second at most."""
        self._stopping = True

    def run(self) -> None:
        """Work; connect again after every loss of the database, with pauses of 0.1 s doubling to 2 s."""
        pause = 0.1
        while not self._stopping:
            try:
                with _connect(database=self._database) as connection:
                    self._begin(connection)
                    pause = 0.1
                    while not self._stopping:
                        self._turn(connection)
            except psycopg.Error as problem:
                self._say(f"database away ({str(problem).strip()}); again in {pause:.1f} s")
                time.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _begin(self, connection: psycopg.Connection[Any]) -> None:
        for channel in WAKE:
            connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        leases.make_known(connection=connection, schedule=self._schedule)
        # Whatever was announced while nobody listened.
        for channel in WAKE:
            self._pending.setdefault(channel, time.monotonic())

    def _turn(self, connection: psycopg.Connection[Any]) -> None:
        """One wait, then everything that is due."""
        due = min([self._tick_due, *self._pending.values()])
        for notice in connection.notifies(timeout=max(0.0, due - time.monotonic()), stop_after=1):
            earliest = self._sent.get(notice.channel, 0.0) + DEBOUNCE
            self._pending.setdefault(notice.channel, max(time.monotonic(), earliest))
            if notice.payload and notice.channel not in WORDS_OF_THEIR_OWN:
                self._causes.setdefault(notice.channel, []).append(notice.payload)
        self._wake(connection)
        if time.monotonic() >= self._tick_due:
            self._tick_due = time.monotonic() + TICK
            self._tick(connection)

    def _wake(self, connection: psycopg.Connection[Any]) -> None:
        now = time.monotonic()
        due = [name for name, at in self._pending.items() if at <= now]
        still = not RESTING_CHANNELS.isdisjoint(due) and leases.stands_still(connection=connection)
        for channel in due:
            del self._pending[channel]
            if still and channel in RESTING_CHANNELS:
                continue  # the sweeps find it afterwards
            self._sent[channel] = now
            self._sender.send(task=WAKE[channel], causes=self._causes.pop(channel, []))

    def _tick(self, connection: psycopg.Connection[Any]) -> None:
        for entry in leases.take_due(connection=connection, schedule=self._schedule):
            # A run that waited for two periods is dropped: the next ones are there already.
            self._sender.send(task=entry.task, expires=max(10, 2 * entry.every))


def _connect(*, database: str) -> psycopg.Connection[Any]:
    """A connection that notices a vanished server. A lost lease costs one early run, so its commits need not wait for the disk."""
    return psycopg.connect(
        database,
        autocommit=True,
        connect_timeout=5,
        application_name="scheduler",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        options="-c synchronous_commit=off -c statement_timeout=10s",
    )


def main(*, env: Mapping[str, str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C. Needs DATABASE_URL and BROKER_URL."""
    settings = os.environ if env is None else env
    missing = [name for name in ("DATABASE_URL", "BROKER_URL") if not settings.get(name)]
    if missing:
        print(f"{' and '.join(missing)} not set. ./bin/up sets them.", file=sys.stderr)
        return 1
    sender = Sender(broker=settings["BROKER_URL"], say=_say)
    scheduler = Scheduler(database=settings["DATABASE_URL"], sender=sender, say=_say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.stop())
    sender.start()
    scheduler.run()
    sender.stop()
    return 0


def _say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} scheduler: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
