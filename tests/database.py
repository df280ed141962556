"""Real PostgreSQL in tests whose evidence cannot be emptied: how the tables get empty again between tests nevertheless.

``tests/conftest.py`` imports ``flush_lifts_guards``; it then holds for every test.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management.commands import flush
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.operations import DatabaseOperations

from portal.ledger.actions import append

GUARDED = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgname LIKE 'evidence\\_%%'
  AND t.tgname LIKE %s AND (%s::text[] IS NULL OR c.relname = ANY(%s)) ORDER BY 1, 2
"""
ALWAYS_ON = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled = 'A' AND c.relname = ANY(%s) ORDER BY 1, 2
"""
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def cover(*rows: models.Model, stream: str = "test", kind: str = "test.made") -> None:
    """Write the ledger entry without which the database takes no evidence row: for tests about something else."""
    append(stream=stream, kind=kind, actor="portal", fact={}, rows=rows)


@contextmanager
def lifted(database: BaseDatabaseWrapper, *tables: str, triggers: str = "%") -> Iterator[None]:
    """Switch the guards of these tables off (of all, when none is named), as only a superuser can; and on again."""
    names = _guards(database, triggers, list(tables) or None)
    # PostgreSQL alters no table that has deferred checks waiting, so they are made now.
    _run(database, ["SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"])
    _run(database, [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in names])
    try:
        yield
    finally:
        _run(database, [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}" for table, trigger in names])


@pytest.fixture(autouse=True, scope="session")
def flush_lifts_guards() -> Iterator[None]:
    """Between transactional tests Django truncates all tables, which the guards refuse, and which takes half a second.

    Here the tables that have rows are emptied instead, with the triggers off that are always on. The rows of content
    types and permissions, which no test changes, stay.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", lambda self, sql_list: empty(self.connection))
        # Nothing that the signal would make again has been emptied, and looking for it takes as long as the emptying.
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args, **options: None)
        yield


def empty(database: BaseDatabaseWrapper) -> None:
    """Delete every row of every table but those that Django keeps for itself."""
    with transaction.atomic(using=database.alias, savepoint=database.features.can_rollback_ddl):
        tables = _with_rows(database)
        triggers = _always_on(database, tables)
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in triggers]
        gone = [f"DELETE FROM {table}" for table in tables]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}" for table, trigger in triggers]
        _run(database, ["SET LOCAL session_replication_role = replica", *off, *gone, *on])


def _with_rows(database: BaseDatabaseWrapper) -> list[str]:
    with database.cursor() as cursor:
        names = sorted({*database.introspection.table_names(cursor)} - KEPT)
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names))
        return [str(name) for (name,) in cursor.fetchall()]


def _always_on(database: BaseDatabaseWrapper, tables: list[str]) -> list[tuple[str, str]]:
    with database.cursor() as cursor:
        cursor.execute(ALWAYS_ON, [tables])
        return [(str(table), str(trigger)) for table, trigger in cursor.fetchall()]


def _guards(database: BaseDatabaseWrapper, triggers: str, tables: list[str] | None) -> list[tuple[str, str]]:
    with database.cursor() as cursor:
        cursor.execute(GUARDED, [triggers, tables, tables])
        return [(str(table), str(trigger)) for table, trigger in cursor.fetchall()]


def _run(database: BaseDatabaseWrapper, statements: list[str]) -> None:
    with database.cursor() as cursor:
        cursor.execute(";".join(statements) or "SELECT 1")
