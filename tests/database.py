"""Real PostgreSQL in tests whose evidence cannot be emptied: how the tables get empty again between tests nevertheless.

``tests/conftest.py`` imports ``flush_lifts_guards``; it then holds for every test.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.operations import DatabaseOperations

from portal.ledger.actions import append

GUARDED = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgname LIKE 'evidence\\_%%'
  AND t.tgname LIKE %s AND (%s::text[] IS NULL OR c.relname = ANY(%s)) ORDER BY 1, 2
"""


def cover(*rows: models.Model, stream: str = "test", kind: str = "test.made") -> None:
    """Write the ledger entry without which the database takes no evidence row: for tests about something else."""
    append(stream=stream, kind=kind, actor="portal", fact={}, rows=rows)


@contextmanager
def lifted(database: BaseDatabaseWrapper, *tables: str, triggers: str = "%") -> Iterator[None]:
    """Switch the guards of these tables off (of all, when none is named), as only a superuser can; and on again."""
    names = _guards(database, triggers, list(tables) or None)
    _run(database, [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in names])
    try:
        yield
    finally:
        _run(database, [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}" for table, trigger in names])


@pytest.fixture(autouse=True, scope="session")
def flush_lifts_guards() -> Iterator[None]:
    """Between transactional tests Django truncates all tables, which the guards refuse: lift just that one."""
    truncate = DatabaseOperations.execute_sql_flush

    def flush(self: Any, sql_list: Iterable[str]) -> None:
        names = _guards(self.connection, "evidence_whole", None)
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in names]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}" for table, trigger in names]
        truncate(self, [*off, *sql_list, *on])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        yield


def _guards(database: BaseDatabaseWrapper, triggers: str, tables: list[str] | None) -> list[tuple[str, str]]:
    with database.cursor() as cursor:
        cursor.execute(GUARDED, [triggers, tables, tables])
        return [(str(table), str(trigger)) for table, trigger in cursor.fetchall()]


def _run(database: BaseDatabaseWrapper, statements: list[str]) -> None:
    with database.cursor() as cursor:
        cursor.execute(";".join(statements) or "SELECT 1")
