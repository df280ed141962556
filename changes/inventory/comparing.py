"""One complete reading beside what the inventory has: which assets are new, changed, gone or back. Writes nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from changes.inventory.facts import Seen, What
from changes.inventory.models import Asset, Snapshot
from changes.inventory.policy import differences
from portal.ledger.canonical import digest_of

Key = tuple[str, str]
"""(kind, external id)."""


@dataclass(frozen=True)
class Finding:
    """One asset that is not as it was. ``asset`` is as it is to be written; ``snapshot`` has no asset yet where it is new."""

    what: What
    asset: Asset
    snapshot: Snapshot


def known(*, source: str, kinds: Collection[str], within: str | None, ids: Collection[str]) -> dict[Key, Asset]:
    """The assets that a reading is about: those of its scope, and those it shows that stood elsewhere before. One query."""
    rows = Asset.objects.filter(source=source, kind__in=kinds)
    if within is not None:
        rows = rows.filter(Q(within=within) | Q(external_id__in=ids))
    return {(row.kind, row.external_id): row for row in rows}


def findings(
    *, source: str, seen: Mapping[Key, Seen], have: Mapping[Key, Asset], within: str | None, at: datetime
) -> list[Finding]:
    """All differences between ``seen`` and ``have``, those seen first. One query for how they were."""
    told = [(_what(one, have.get(key)), one, have.get(key)) for key, one in seen.items()]
    gone = (row for key, row in have.items() if key not in seen and row.gone_at is None and within in {None, row.within})
    lost = sorted(gone, key=lambda row: row.pk)
    moved = [row for what, _, row in told if what is not None and row is not None]
    before = _newest([*moved, *lost])
    found = [_shown(what, one, row, before, source, at) for what, one, row in told if what is not None]
    return found + [_lost(row, before[row.pk], at) for row in lost]


def digest_of_seen(one: Seen) -> str:
    """SHA-256 of all that is compared: name, environment, place and configuration."""
    return digest_of(_described(one))


def _described(one: Seen | Snapshot) -> dict[str, object]:
    return {**one.configuration, "name": one.name, "environment": one.environment, "within": one.within}


def _what(one: Seen, row: Asset | None) -> What | None:
    if row is None:
        return What.NEW
    if row.gone_at is not None:
        return What.BACK
    return What.CHANGED if row.digest != digest_of_seen(one) else None


def _newest(rows: Iterable[Asset]) -> dict[int, Snapshot]:
    """{asset: its newest snapshot}."""
    ids = [row.pk for row in rows]
    if not ids:
        return {}
    found = Snapshot.objects.filter(asset__in=ids).order_by("asset_id", "-id").distinct("asset_id")
    return {snapshot.asset_id: snapshot for snapshot in found}


def _shown(what: What, one: Seen, row: Asset | None, before: Mapping[int, Snapshot], source: str, at: datetime) -> Finding:
    row = row or Asset(source=source, kind=one.kind, external_id=one.external_id, first_seen_at=at)
    digest = digest_of_seen(one)
    snapshot = Snapshot(
        what=what,
        taken_at=at,
        name=one.name,
        environment=one.environment,
        within=one.within,
        configuration=dict(one.configuration),
        digest=digest,
        differs=differences(_described(before[row.pk]), _described(one)) if row.pk else [],
    )
    row.name, row.environment, row.within, row.digest = one.name, one.environment, one.within, digest
    row.last_seen_at, row.gone_at = at, None
    return Finding(what, row, snapshot)


def _lost(row: Asset, before: Snapshot, at: datetime) -> Finding:
    row.gone_at = at
    snapshot = Snapshot(
        what=What.GONE,
        taken_at=at,
        name=before.name,
        environment=before.environment,
        within=before.within,
        configuration=before.configuration,
        digest=before.digest,
    )
    return Finding(What.GONE, row, snapshot)
