"""Reading the ledger, for pages and for the health of the seal. One query each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from portal.ledger.models import LedgerAnchor, LedgerCheck, LedgerCheckpoint, LedgerLeaf, LedgerRedaction, LedgerSealed

OLDEST_WAITING = """
SELECT count(*), min(recorded_at) FROM (
    SELECT l.recorded_at FROM portal_ledgerleaf l
    WHERE l.xid >= (
        SELECT CASE WHEN c.floor > pg_snapshot_xmin(pg_current_snapshot()) THEN '0'::xid8 ELSE c.floor END
        FROM (SELECT coalesce((SELECT floor FROM portal_ledgercheckpoint ORDER BY size DESC LIMIT 1), '0'::xid8) AS floor) c
    ) AND NOT EXISTS (SELECT FROM portal_ledgersealed s WHERE s.leaf_id = l.id)
    ORDER BY l.id LIMIT %s
) waiting
"""
COUNTED = 10_000


@dataclass(frozen=True)
class Entry:
    """One entry as people read it. ``seq`` is its number in the tree, None until it is sealed."""

    id: int
    stream: str
    stream_seq: int
    kind: str
    actor: str
    at: datetime
    fact: Mapping[str, Any]
    hash: str
    seq: int | None
    redacted: bool = False
    """Two people took the text away; ``fact`` is empty then. See ``redaction_of``."""


@dataclass(frozen=True)
class SealLag:
    """How far the seal is behind. ``waiting`` is counted up to 10,000; ``age`` is that of the oldest entry."""

    waiting: int
    oldest_at: datetime | None
    age: timedelta


def entries_about(*, stream: str, limit: int = 60, before: int | None = None) -> list[Entry]:
    """Entries of one stream, newest first; ``before`` is the ``stream_seq`` at which the last page ended."""
    leaves = LedgerLeaf.objects.filter(stream=stream).order_by("-stream_seq")
    if before is not None:
        leaves = leaves.filter(stream_seq__lt=before)
    return _entries(leaves, limit)


def latest_entries(*, limit: int = 60, before: int | None = None) -> list[Entry]:
    """Entries of all streams, newest first; ``before`` is the ``id`` at which the last page ended."""
    leaves = LedgerLeaf.objects.order_by("-id")
    if before is not None:
        leaves = leaves.filter(id__lt=before)
    return _entries(leaves, limit)


def entry_of(*, leaf: LedgerLeaf) -> Entry:
    """One entry as people read it."""
    return _entries(LedgerLeaf.objects.filter(pk=leaf.pk), 1)[0]


def redaction_of(*, leaf: LedgerLeaf) -> LedgerRedaction | None:
    """The redaction that took the entry's text away; None while it has one."""
    done = LedgerRedaction.objects.filter(leaf=leaf, confirmed_at__isnull=False)
    return done.select_related("proposed_by", "confirmed_by").first()


def last_seq() -> int:
    """The number of the newest sealed entry; -1 while there is none."""
    newest = LedgerSealed.objects.order_by("-seq").values_list("seq", flat=True).first()
    return -1 if newest is None else newest


def sealed_after(*, seq: int, limit: int = 200) -> list[tuple[Entry, list[str]]]:
    """Sealed entries behind ``seq`` in their order, each with the rows that it covers (``table:key``).

    Numbers have no gaps, so a reader that keeps the last one misses nothing.
    """
    leaves = LedgerLeaf.objects.filter(sealed__seq__gt=seq).order_by("sealed__seq")
    found = _entries(leaves, limit)
    rows = dict(LedgerLeaf.objects.filter(pk__in=[entry.id for entry in found]).values_list("pk", "rows"))
    return [(entry, rows[entry.id]) for entry in found]


def latest_checkpoints(*, limit: int = 20) -> list[LedgerCheckpoint]:
    """The last signed checkpoints, newest first."""
    return list(LedgerCheckpoint.objects.order_by("-size")[:limit])


def checkpoint_over(*, seq: int) -> LedgerCheckpoint | None:
    """The first checkpoint that fixes the entry with this number."""
    return LedgerCheckpoint.objects.filter(size__gt=seq).order_by("size").first()


def latest_checks(*, limit: int = 10) -> list[LedgerCheck]:
    """The last verifications and refused seals, newest first."""
    return list(LedgerCheck.objects.exclude(what="guards").order_by("-at", "-id")[:limit])


def latest_verification() -> LedgerCheck | None:
    """The last verification, however many refused seals were written down since."""
    return LedgerCheck.objects.filter(what="verify").order_by("-at", "-id").first()


def latest_guards() -> LedgerCheck | None:
    """What the last look at the schema found that was written down."""
    return LedgerCheck.objects.filter(what="guards").order_by("-at", "-id").first()


def anchor_states() -> list[LedgerAnchor]:
    """How far each place outside is."""
    return list(LedgerAnchor.objects.order_by("name"))


def seal_lag(*, at: datetime) -> SealLag:
    """What waits for a checkpoint at this moment. Over two minutes something is wrong with the sealer."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_WAITING, [COUNTED])
        waiting, oldest = cursor.fetchone()
    return SealLag(waiting, oldest, max(at - oldest, timedelta(0)) if oldest else timedelta(0))


def _entries(leaves: QuerySet[LedgerLeaf], limit: int) -> list[Entry]:
    columns = ("id", "stream", "stream_seq", "kind", "actor", "recorded_at", "body__payload", "hash", "sealed__seq")
    return [
        Entry(
            id=row[0],
            stream=row[1],
            stream_seq=row[2],
            kind=row[3],
            actor=row[4],
            at=row[5],
            fact=json.loads(row[6])["fact"] if row[6] else {},
            hash=bytes(row[7]).hex(),
            seq=row[8],
            redacted=row[6] is None,
        )
        for row in leaves.values_list(*columns)[:limit]
    ]
