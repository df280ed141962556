"""`manage.py migrate`: Django's own, as the owner of the schema, one at a time, and never waiting long for a lock.

Three at once on an empty database used to end with one crash; an ALTER TABLE that waits holds up plain reads behind it.
"""

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from portal.environment import database

# Any fixed number will do; it means "migrating" to PostgreSQL's advisory locks, which are counted per database.
ADVISORY_KEY = 7_263_001
WAIT_SECONDS = 120.0
LOCK_TRIES = 5
OLDEST = 150_000
LOCK_NOT_AVAILABLE = "55P03"
SELDOM = (100_000, 1000, 1000)
"""When rubbish is looked for: with the usual thresholds that took a quarter of the time, for the sake of 25 MB."""


class Command(migrate.Command):
    help = "Updates the schema: as the owner (DATABASE_OWNER_URL), one process at a time, lock_timeout 2 s with retries."

    def handle(self, *args: Any, **options: Any) -> None:
        alias = options["database"]
        become_owner(alias=alias)
        connection = connections[alias]
        refuse_old_server(connection=connection)
        with alone(connection=connection), collecting_seldom():
            for attempt in range(1, LOCK_TRIES + 1):
                try:
                    super().handle(*args, **options)
                    return
                except OperationalError as problem:
                    if not _lock_was_busy(problem) or attempt == LOCK_TRIES:
                        raise
                    self.stdout.write(f"A table was busy for 2 s; trying again ({attempt} of {LOCK_TRIES}).")
                    time.sleep(attempt)


def become_owner(*, alias: str) -> None:
    """Connect as the owner of the schema where the environment names one; tests own their database anyway."""
    owner = os.environ.get("DATABASE_OWNER_URL", "")
    if owner and not settings.TESTING:
        connections[alias].close()
        connections[alias].settings_dict.update(database(owner, testing=False))


def refuse_old_server(*, connection: BaseDatabaseWrapper) -> None:
    """Say in words that the server is too old, before a statement fails that it does not know."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
    if version < OLDEST:
        raise CommandError(f"PostgreSQL {version // 10000} is too old; Countersign needs 15 or newer.")


@contextmanager
def alone(*, connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold the advisory lock; wait for another migration up to two minutes."""
    deadline = time.monotonic() + WAIT_SECONDS
    with connection.cursor() as cursor:
        while not _locked(cursor):
            if time.monotonic() > deadline:
                raise CommandError("Another migration has been running for two minutes. Look at it, then try again.")
            time.sleep(0.2)
        cursor.execute("SET lock_timeout = '2s'")
    try:
        yield
    finally:
        # A connection that broke has let go of the lock by itself.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_KEY])


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Models of the states between migrations are made by the thousand, and hardly any can go before the end."""
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _locked(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY])
    return bool(cursor.fetchone()[0])


def _lock_was_busy(problem: OperationalError) -> bool:
    return getattr(problem.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE
