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


class NotSelected:
    """Makes a field answer with ``instead`` while secrets are hidden. In migrations it is the field that it extends."""

    instead: str
    plain: str

    def select_format(self, compiler: SQLCompiler, sql: str, params: Any) -> tuple[str, Any]:
        return (self.instead, ()) if _hidden.get() else super().select_format(compiler, sql, params)  # type: ignore[misc]  # the field's

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()  # type: ignore[misc]  # the field's
        return name, self.plain, args, kwargs


class SecretField(NotSelected, models.CharField):  # type: ignore[type-arg]  # generic for the type checker only
    """A text, such as the digest of a password."""

    instead, plain = "''::varchar", "django.db.models.CharField"


class SecretBinaryField(NotSelected, models.BinaryField):  # type: ignore[type-arg]  # as above
    """Bytes, such as a sealed token."""

    instead, plain = "''::bytea", "django.db.models.BinaryField"


class SecretJSONField(NotSelected, models.JSONField):
    """JSON, such as the payload of a letter with a link in it."""

    instead, plain = "'{}'::jsonb", "django.db.models.JSONField"
