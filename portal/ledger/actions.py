"""Write to the ledger. The entry and the rows it is about are committed together, or not at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models

from portal.bell import after_commit
from portal.ledger.canonical import canonical
from portal.ledger.kinds import is_urgent
from portal.rows import as_json, sending

CHANNEL = "ledger"
"""Wakes the sealer."""
APPEND = "SELECT portal_ledger_append(%s, %s, %s, %s, %s::text[], false)"
APPEND_MANY = "SELECT portal_ledger_append_many(%s)"


@dataclass(frozen=True)
class Draft:
    """An entry that is not written yet; the fields are those of ``append``."""

    stream: str
    kind: str
    actor: str
    fact: Mapping[str, Any]
    rows: Iterable[models.Model] = field(default=())


def append(*, stream: str, kind: str, actor: str, fact: Mapping[str, Any], rows: Iterable[models.Model] = ()) -> None:
    """Append one entry inside the caller's transaction, after the rows were written. One statement.

    ``stream`` groups the entries about one thing (``change:1042``), ``kind`` is a dotted past-tense word
    (``approval.given``), ``actor`` is ``user:<id>``, ``<forge>:<uid>:<login>`` or ``portal``; ``fact`` is JSON that a
    person can read; ``rows`` are the evidence rows (inserted or moved) that this entry covers.

    The database reads the covered rows itself, as they stand at this moment, and computes time, place and hashes. It
    takes the lock of the stream until the transaction ends: write and lock domain rows first, append last. An entry of
    an urgent kind wakes the sealer right after the commit; the sealer's own tick finds it a second later in any case.
    """
    values: list[Any] = [stream, kind, actor, canonical(fact), [row_key(row) for row in rows]]
    with connection.cursor() as cursor:
        cursor.execute(APPEND, values)
    _wake_sealer([kind])


def append_many(*, drafts: Iterable[Draft]) -> int:
    """Append several entries in one statement, in order of their streams. Returns how many.

    For bulk work keep one transaction at some hundred entries, each with one row: the check at commit looks an entry up
    by its first row.
    """
    ordered = sorted(drafts, key=lambda draft: draft.stream)
    values = [
        {
            "stream": draft.stream,
            "kind": draft.kind,
            "actor": draft.actor,
            "fact": canonical(draft.fact),
            "rows": [row_key(row) for row in draft.rows],
        }
        for draft in ordered
    ]
    with sending() as cursor:
        cursor.execute(APPEND_MANY, [as_json(values)])
    _wake_sealer(draft.kind for draft in ordered)
    return len(ordered)


def _wake_sealer(kinds: Iterable[str]) -> None:
    for kind in kinds:
        if is_urgent(kind):
            after_commit(CHANNEL, kind)


def row_key(row: models.Model) -> str:
    """``table:key``, by which entries and the database name one evidence row. The row must be saved."""
    if row.pk is None:
        raise ValueError(f"{row!r} is not saved yet; an entry covers rows that are in the database.")
    return f"{row._meta.db_table}:{row.pk}"
