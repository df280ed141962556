"""Columns that hold secrets, and pages that are made without reading them.

The auditors' role in PostgreSQL may not read a password's digest. Django selects all columns of a row, also of rows that are
joined, so such a column answers with an empty text while secrets are hidden, instead of making the whole query fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models
from django.db.models.sql.compiler import SQLCompiler

_hidden: ContextVar[bool] = ContextVar("secrets_hidden", default=False)


@contextmanager
def secrets_hidden() -> Iterator[None]:
    """Within it no secret column is selected. Follows the request through threads and coroutines."""
    before = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(before)


class SecretField(models.CharField):  # type: ignore[type-arg]  # generic for the type checker only
    """A CharField that is not selected while secrets are hidden. The same as one in migrations."""

    def select_format(self, compiler: SQLCompiler, sql: str, params: Any) -> tuple[str, Any]:
        return ("''::varchar", ()) if _hidden.get() else super().select_format(compiler, sql, params)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
