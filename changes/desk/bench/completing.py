"""Statements that insert rows by hand know the columns of their day; here they get the others with their model's default."""

import re
from typing import Any

import psycopg
from django.apps import apps
from django.db import connection as django
from django.db import models
from psycopg import sql

INSERT = re.compile(r"(?P<head>INSERT INTO (?P<table>\w+) \()(?P<columns>[^)]*)(?P<middle>\)\s*(?:SELECT |VALUES \())")


def complete(statement: str, connection: psycopg.Connection[Any]) -> str:
    """``INSERT INTO t (a) SELECT x`` with every column of the model that must have a value and is not named."""
    found = INSERT.search(statement)
    if found is None:
        return statement
    named = {column.strip() for column in found["columns"].split(",")}
    missing = [field for field in _model(found["table"])._meta.concrete_fields if _is_needed(field) and field.column not in named]
    columns = "".join(f"{field.column}, " for field in missing)
    values = "".join(f"{_default(field, connection)}, " for field in missing)
    before, after = statement[: found.start()], statement[found.end() :]
    return f"{before}{found['head']}{columns}{found['columns']}{found['middle']}{values}{after}"


def _model(table: str) -> type[models.Model]:
    return next(model for model in apps.get_models() if model._meta.db_table == table)


def _is_needed(field: "models.Field[Any, Any]") -> bool:
    """Whether the database refuses a row without it, and Django would give it a value."""
    by_database = field.generated or field.has_db_default() or field.primary_key
    return not field.null and not by_database and (field.has_default() or field.empty_strings_allowed)


def _default(field: "models.Field[Any, Any]", connection: psycopg.Connection[Any]) -> str:
    """As text of a statement into which values are filled in later."""
    value = field.get_db_prep_save(field.get_default(), django)
    return sql.Literal(value).as_string(connection).replace("%", "%%")
