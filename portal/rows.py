"""Writes many rows of one model with one statement each, for paths where a statement a row is too slow.

The rows travel as one JSON text, which PostgreSQL reads by the table's own types. Nothing of Django's signals or ``save`` runs,
and columns that the database computes are left to it.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from django.db import connection, models
from django.db.backends.postgresql.base import ServerBindingCursor


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model and give them their keys, in their order. Two statements; none for no rows."""
    if not rows:
        return
    model = type(rows[0])
    table, key = model._meta.db_table, model._meta.pk
    columns = _columns(model)
    with _cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, key.column, len(rows)])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
        names = ", ".join(f'"{column}"' for column in columns)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(null::{table}, %s::json)",  # noqa: S608 - names are Django's
            [_as_json(rows, columns)],
        )
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def update_rows(rows: Sequence[models.Model], *, names: Collection[str]) -> None:
    """Write these fields of rows of one model, found by their keys. One statement; none for no rows."""
    if not rows or not names:
        return
    model = type(rows[0])
    table, key = model._meta.db_table, str(model._meta.pk.column)
    columns = {column: attribute for column, attribute in _columns(model, names).items() if column != key}
    pairs = ", ".join(f'"{column}" = s."{column}"' for column in columns)
    with _cursor() as cursor:
        cursor.execute(
            f'UPDATE {table} t SET {pairs} FROM json_populate_recordset(null::{table}, %s::json) s WHERE t."{key}" = s."{key}"',  # noqa: S608 - names are Django's
            [_as_json(rows, {key: str(model._meta.pk.attname), **columns})],
        )


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor that sends values beside the statement. Django's own writes them into it, which PostgreSQL then has to read as
    part of the statement: with long texts that takes longer than the insert itself."""
    connection.ensure_connection()
    raw: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]  # the stubs do not know its base
    wrapped = connection.make_debug_cursor(raw) if connection.queries_logged else connection.make_cursor(raw)
    with wrapped as cursor:
        yield cursor


def _columns(model: type[models.Model], names: Collection[str] | None = None) -> dict[str, str]:
    """Column → attribute of what is written."""
    kept = [field for field in model._meta.concrete_fields if not field.generated]
    return {str(field.column): str(field.attname) for field in kept if names is None or {field.name, field.attname} & {*names}}


def _as_json(rows: Sequence[models.Model], columns: dict[str, str]) -> str:
    values: list[dict[str, Any]] = [{column: getattr(row, attribute) for column, attribute in columns.items()} for row in rows]
    return orjson.dumps(values).decode()
