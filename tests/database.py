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
EMPTY = """
DO $empty$
DECLARE
    refusals text[] := ARRAY(
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.oid IN (
            SELECT t.tgfoid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled = 'A' AND t.tgtype & 8 <> 0
        )
    );
    word text;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    FOREACH word IN ARRAY refusals LOOP
        EXECUTE substring(word FROM '^.*? RETURNS trigger') || ' LANGUAGE plpgsql AS $$BEGIN RETURN OLD; END$$';
    END LOOP;
    FOR word IN
        SELECT quote_ident(relname) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> ALL (%s) AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE 'DELETE FROM ' || word;
    END LOOP;
    FOREACH word IN ARRAY refusals LOOP
        EXECUTE word;
    END LOOP;
END
$empty$
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
    """Delete every row of every table but those that Django keeps for itself.

    The triggers that refuse to delete are always on. They stay: for the length of this transaction their functions refuse
    nothing. Switching off and on the triggers of each table takes fifteen times as long.
    """
    with transaction.atomic(using=database.alias, savepoint=database.features.can_rollback_ddl), database.cursor() as cursor:
        cursor.execute(EMPTY, [sorted(KEPT)])


def _guards(database: BaseDatabaseWrapper, triggers: str, tables: list[str] | None) -> list[tuple[str, str]]:
    with database.cursor() as cursor:
        cursor.execute(GUARDED, [triggers, tables, tables])
        return [(str(table), str(trigger)) for table, trigger in cursor.fetchall()]


def _run(database: BaseDatabaseWrapper, statements: list[str]) -> None:
    with database.cursor() as cursor:
        cursor.execute(";".join(statements) or "SELECT 1")
