"""Several connections that see the same moment of the database, so that one verification can use both cores.

Read-only. Entries that are written meanwhile do not disturb it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL work_mem = '64MB'"


@contextmanager
def moment() -> Iterator[tuple[Any, str]]:
    """A cursor on a new connection, and the name of its snapshot for ``same_moment``."""
    with _reading() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor, str(cursor.fetchone()[0])


@contextmanager
def same_moment(snapshot: str) -> Iterator[Any]:
    """A cursor on another connection that sees exactly what the exporting one sees. May run in another thread."""
    with _reading() as cursor:
        cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
        yield cursor


def rows(cursor: Any, query: str, values: dict[str, Any] | None = None) -> Sequence[Any]:
    """All rows of a query."""
    cursor.execute(query, values)
    return list(cursor.fetchall())


@contextmanager
def _reading() -> Iterator[Any]:
    other: BaseDatabaseWrapper = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(BEGIN)
            yield cursor
    finally:
        other.close()
