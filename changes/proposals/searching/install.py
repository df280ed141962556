"""Puts the functions and triggers of ``index.sql`` into PostgreSQL. Runs after every ``migrate``; code is the source.

What is derived needs no migration: when the text of ``index.sql`` differs from what was installed, it is installed anew
and every change is read again.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

SQL = (Path(__file__).parent / "index.sql").read_text()
WATCHED: dict[str, tuple[str, ...]] = {
    "changes_change": ("INSERT", "UPDATE"),
    "changes_revision": ("INSERT",),
    "changes_linkedpullrequest": ("INSERT",),
    "changes_linkedpush": ("INSERT", "UPDATE"),
    "changes_approval": ("INSERT",),
    "changes_approvallapse": ("INSERT",),
    "portal_identity": ("INSERT", "UPDATE"),
    "portal_user": ("UPDATE",),
}
"""When the words of a change may differ afterwards. Facts about pull requests and releases are not here: ``rereading``."""
FINGERPRINT = hashlib.sha256(f"{SQL}{WATCHED}".encode()).hexdigest()
MARKED = "changes_search_refresh(bigint[])"
"""The function whose comment says what was installed."""
LOOK = """
SELECT current_schema(), to_regclass('changes_searchname') IS NOT NULL, obj_description(to_regprocedure(%s), 'pg_proc')
"""
OURS = r"""
SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgname LIKE 'search\_%' AND t.tgfoid = to_regproc('changes_search_follow')
"""
BATCH = 2000


def after_migrate(sender: AppConfig, using: str = "default", **_: Any) -> None:
    """Receiver of Django's ``post_migrate`` for the app of the changes. One look when nothing differs."""
    install(connections[using])


def install(connection: BaseDatabaseWrapper) -> bool:
    """Bring functions and triggers up to date, and read every change again if they were not. True when something was done."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [MARKED])
        schema, there, installed = cursor.fetchone() or ("", False, None)
        if not there or installed == FINGERPRINT:
            return False
        cursor.execute(OURS)
        old = [f"DROP TRIGGER {trigger} ON {table}" for table, trigger in cursor.fetchall()]
        cursor.execute(";\n".join([*old, SQL.replace("{schema}", schema).strip().rstrip(";"), *_triggers(schema)]))
        cursor.execute(f"COMMENT ON FUNCTION {MARKED} IS '{FINGERPRINT}'")
        cursor.execute("SELECT coalesce(max(id), 0) FROM changes_change")
        (last,) = cursor.fetchone() or (0,)
        for first in range(1, last + 1, BATCH):
            cursor.execute(
                "SELECT changes_search_refresh(ARRAY(SELECT id FROM changes_change WHERE id BETWEEN %s AND %s ORDER BY id))",
                [first, first + BATCH - 1],
            )
    return True


def _triggers(schema: str) -> Iterator[str]:
    for table, events in WATCHED.items():
        for event in events:
            seen = "NEW TABLE AS fresh" + (" OLD TABLE AS stale" if event == "UPDATE" else "")
            yield (
                f"CREATE TRIGGER search_{event.lower()} AFTER {event} ON {schema}.{table}"
                f" REFERENCING {seen} FOR EACH STATEMENT EXECUTE FUNCTION {schema}.changes_search_follow()"
            )
