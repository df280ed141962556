"""Writes many rows of one model, or reads them again, with one statement each, for paths where a statement a row is too slow.

New rows travel by ``COPY``, in PostgreSQL's own binary form: it reads the first while the last are not put together yet. Values of
rows that are there travel as one JSON text, which it reads by the table's own types. Nothing of Django's signals or ``save``
runs, and columns that the database computes are left to it.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, models
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import postgres
from psycopg.types.json import Json, Jsonb

Row = TypeVar("Row", bound=models.Model)


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model and give them their keys, in their order. Two statements; none for no rows."""
    if not rows:
        return
    model = type(rows[0])
    table, key = model._meta.db_table, model._meta.pk
    columns = _columns(model)
    names = ", ".join(f'"{column}"' for column in columns)
    values = attrgetter(*columns.values())
    packed = _packed(model)
    with sending() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, key.column, len(rows)])
        keys = cursor.fetchall()
        with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(_types(model))
            for row, (pk,) in zip(rows, keys, strict=True):
                row.pk = pk
                copy.write_row(values(row) if not packed else _with_json(values(row), packed))
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
    with sending() as cursor:
        cursor.execute(
            f'UPDATE {table} t SET {pairs} FROM json_populate_recordset(null::{table}, %s) s WHERE t."{key}" = s."{key}"',  # noqa: S608 - names are Django's
            [_as_json(rows, {key: str(model._meta.pk.attname), **columns})],
        )


def reload_rows(rows: Sequence[Row], *, of: "models.QuerySet[Row]") -> None:
    """Give rows of one model the values that ``of`` reads for them now, in the order of their keys, as ``refresh_from_db`` does for
    one. One statement; none for no rows. Raises ``ObjectDoesNotExist`` when one of them is gone.
    """
    fresh = of.order_by("pk").in_bulk([row.pk for row in rows]) if rows else {}
    for row in rows:
        if row.pk not in fresh:
            raise ObjectDoesNotExist(f"{row._meta.verbose_name} {row.pk} is gone.")
        _take_values(row, fresh[row.pk])


def _take_values(row: models.Model, fresh: models.Model) -> None:
    """What ``row`` knew of other rows gives way to what ``fresh`` knows of them."""
    for field in row._meta.concrete_fields:
        setattr(row, field.attname, getattr(fresh, field.attname))
    related: Any
    for related in (*row._meta.concrete_fields, *row._meta.related_objects):
        if related.is_relation and related.is_cached(fresh):
            related.set_cached_value(row, related.get_cached_value(fresh))
        elif related.is_relation and related.is_cached(row):
            related.delete_cached_value(row)
    vars(row).pop("_prefetched_objects_cache", None)


@contextmanager
def sending() -> Iterator[Any]:
    """A cursor that sends values beside the statement. Django's own writes them into it, which PostgreSQL then has to read as
    part of the statement: with long texts that takes longer than the insert itself."""
    connection.ensure_connection()
    raw: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]  # the stubs do not know its base
    wrapped = connection.make_debug_cursor(raw) if connection.queries_logged else connection.make_cursor(raw)
    with wrapped as cursor:
        yield cursor


def as_json(value: Any) -> Json:
    """A value for a JSON parameter of a statement of ``sending``."""
    return Json(value, dumps=orjson.dumps)


def _columns(model: type[models.Model], names: Collection[str] | None = None) -> dict[str, str]:
    """Column → attribute of what is written."""
    return {
        str(field.column): str(field.attname)
        for field in _written(model)
        if names is None or {field.name, field.attname} & {*names}
    }


@cache
def _written(model: type[models.Model]) -> "tuple[models.Field[Any, Any], ...]":
    """The fields that are ours to write, in the order of the columns; the others the database computes."""
    return tuple(field for field in model._meta.concrete_fields if not field.generated)


def _as_json(rows: Sequence[models.Model], columns: dict[str, str]) -> Json:
    return as_json([{column: getattr(row, attribute) for column, attribute in columns.items()} for row in rows])


@cache
def _types(model: type[models.Model]) -> tuple[int, ...]:
    """PostgreSQL's numbers of the columns' types; all of them are built in."""
    return tuple(_type(str(field.db_type(connection))) for field in _written(model))


def _type(declared: str) -> int:
    """``varchar(40)[]`` as the number of a list of varchar."""
    name, _, _ = declared.removesuffix("[]").partition("(")
    found = postgres.types[name]
    return found.array_oid if declared.endswith("[]") else found.oid


@cache
def _packed(model: type[models.Model]) -> tuple[int, ...]:
    """The places of the columns that hold JSON."""
    return tuple(place for place, field in enumerate(_written(model)) if isinstance(field, models.JSONField))


def _with_json(values: tuple[Any, ...], places: Collection[int]) -> list[Any]:
    found = list(values)
    for place in places:
        if found[place] is not None:
            found[place] = Jsonb(found[place], dumps=orjson.dumps)
    return found
