"""Connections to the database that are used again, where a new one would first have to read about every table: for as long as most
tests take.

The connection of the tests' own thread stays open from one test with transactions to the next, and pages that are asked for over
HTTP (tests/browser.py) take one that an earlier page has given back, as they do in production. Between two users a connection
forgets role, settings, cursors, locks, channels and temporary tables. What it has prepared stays, as in production: who prepared it
remembers that by the connection (portal/prepared.py).
"""

from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.test import TransactionTestCase
from psycopg.pq import TransactionStatus

FORGET = """
RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
DISCARD TEMP; DISCARD SEQUENCES
"""
"""All of DISCARD ALL but its DEALLOCATE ALL and DISCARD PLANS."""
_SHARED = ContextVar("tests_connections_shared", default=False)
_IDLE = deque()
MOST = 4
"""Connections that wait for the next page; what comes on top is closed."""


@pytest.fixture(autouse=True, scope="session")
def kept_connection():
    """In the place of Django's closing of all connections after each test with transactions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda self: _refresh())
        yield


def remove(self, test_database_name, verbosity):
    """In the place of Django's way to remove the database of the tests: whoever is still connected is sent away. The web process
    of the browser tests listens for doorbells as long as it lives, which is as long as the run.
    """
    with self._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {self.connection.ops.quote_name(test_database_name)} WITH (FORCE)")


def _refresh():
    """The connection of this thread is as good as new, every other is closed. False: nothing is left to do for Django."""
    for each in connections.all(initialized_only=True):
        broken = each.closed_in_transaction or each.in_atomic_block
        if not broken:
            each.end_readings(held=True)
        if each.alias != DEFAULT_DB_ALIAS or broken or each.connection is None or not _forgets(each.connection):
            each.close()
    return False


def _forgets(line):
    """Whether this connection could be made as good as a new one."""
    if line.closed or line.info.transaction_status != TransactionStatus.IDLE or line._notify_handlers or line._notice_handlers:
        return False
    try:
        line.autocommit = True
        line.execute(FORGET)
    except psycopg.Error:
        return False
    return True


def sharing(application):
    """The ASGI application, whose requests use one another's connections."""

    async def shared(scope, receive, send):
        _SHARED.set(True)
        await application(scope, receive, send)

    return shared


def waiting():
    """Numbers of the server's processes behind connections that pages have given back."""
    return [line.info.backend_pid for line in list(_IDLE) if not line.closed]


@contextmanager
def shared():
    """While it lasts, what ``sharing`` serves takes its connections from here and gives them back; afterwards none is left."""
    new, end = DatabaseWrapper.get_new_connection, DatabaseWrapper._close

    def take(self, parameters):
        while _SHARED.get() and _IDLE and self.alias == DEFAULT_DB_ALIAS:
            line = _IDLE.pop()
            if not line.closed:
                self.isolation_level = IsolationLevel.READ_COMMITTED
                return line
        return new(self, parameters)

    def give_back(self):
        ours = _SHARED.get() and self.alias == DEFAULT_DB_ALIAS and len(_IDLE) < MOST
        if ours and self.connection is not None and _forgets(self.connection):
            _IDLE.append(self.connection)
        else:
            end(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, "get_new_connection", take)
        patch.setattr(DatabaseWrapper, "_close", give_back)
        yield
        while _IDLE:
            _IDLE.pop().close()
