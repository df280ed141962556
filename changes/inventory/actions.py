"""The doors into the inventory: a complete reading of assets, and entries of a vendor's own log (P-23).

Whatever is new, different, gone or back is evidence, with its ledger entry in the same transaction. The same said twice
writes nothing. A few statements for a reading of any size, never one for each asset.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import connection, transaction

from changes.inventory import comparing, facts, policy
from changes.inventory.comparing import Finding
from changes.inventory.facts import Difference, Seen
from changes.inventory.models import Asset, Snapshot, SourceReading, VendorEvent
from portal.ledger.actions import Draft, append_many
from portal.ui.doorbell import ring

LOCKS = 7310
"""First key of the advisory locks under which each source is written by one at a time."""
AN_ENTRY = 20
"""Assets or events that one ledger entry covers: the check at commit reads the whole entry for each of its rows."""
NAMED = 10
"""Differences that an entry spells out; its rows hold them all."""
AT_ONCE = 1000
"""Rows of one INSERT."""
MOVING = ("name", "environment", "within", "digest", "last_seen_at", "gone_at")
Row = TypeVar("Row")


@transaction.atomic
def observe(
    *, source: str, kinds: Collection[str], within: str | None = None, seen: Sequence[Seen], at: datetime
) -> list[Difference]:
    """Take one complete reading: ``seen`` is everything of these kinds (inside ``within``, if given) that the source shows.

    What is not in it is gone. Returns what is new, changed, gone and back. A reading older than the last one of the same
    scope is not taken. Raises ``policy.NotTaken`` for assets outside the scope, and for the value of a secret.
    """
    seen = [policy.fitting(one) for one in seen]
    policy.check_seen(kinds=kinds, within=within, seen=seen)
    _lock(source)
    if not _note_reading(source=source, kinds=kinds, within=within, seen=seen, at=at):
        return []
    shown = {(one.kind, one.external_id): one for one in seen}
    have = comparing.known(source=source, kinds=kinds, within=within, ids=[one.external_id for one in seen])
    Asset.objects.filter(pk__in=[row.pk for key, row in have.items() if key in shown]).update(last_seen_at=at)
    found = comparing.findings(source=source, seen=shown, have=have, within=within, at=at)
    if not found:
        return []
    _write(found)
    append_many(drafts=[_entry_of_reading(source, part, at) for part in _parts(found)])
    ring("inventory")
    return [_difference(finding) for finding in found]


@transaction.atomic
def note_events(*, source: str, events: Sequence[facts.VendorEvent], at: datetime) -> list[int]:
    """Keep entries of a vendor's log. Those that are kept already, by their id, are left as they are; returns new rows' ids.

    Raises ``policy.NotTaken`` for an entry without an id, and for one that holds the value of a secret.
    """
    events = [policy.fitting_event(event) for event in events]
    for event in events:
        policy.check_event(event=event)
    _lock(source)
    given = {event.external_id: event for event in events}
    for external_id in VendorEvent.objects.filter(source=source, external_id__in=given).values_list("external_id", flat=True):
        del given[external_id]
    ordered = sorted(given.values(), key=lambda event: (event.at, event.external_id))
    if not ordered:
        return []
    rows = VendorEvent.objects.bulk_create([_event_row(source, event, at) for event in ordered], batch_size=AT_ONCE)
    append_many(drafts=[_entry_of_events(source, part) for part in _parts(rows)])
    ring("inventory")
    return [row.pk for row in rows]


def _lock(source: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, source])


def _note_reading(*, source: str, kinds: Collection[str], within: str | None, seen: Sequence[Seen], at: datetime) -> bool:
    """Keep what was counted, one row a day and scope. False when a newer reading of the same scope is known."""
    scope: dict[str, Any] = {"source": source, "kinds": ",".join(sorted(kinds)), "within": within or ""}
    if SourceReading.objects.filter(**scope, read_at__gt=at).exists():
        return False
    counted = Counter(kind for kind, _ in {(one.kind, one.external_id) for one in seen})
    given = {"read_at": at, "counts": {kind: counted[kind] for kind in sorted(kinds)}}
    SourceReading.objects.update_or_create(**scope, day=at.astimezone(UTC).date(), defaults=given)
    return True


def _write(found: Sequence[Finding]) -> None:
    """The assets as they are now and a snapshot of each, in one statement for each thousand."""
    Asset.objects.bulk_create(
        [finding.asset for finding in found],
        update_conflicts=True,
        unique_fields=["source", "kind", "external_id"],
        update_fields=MOVING,
        batch_size=AT_ONCE,
    )
    for finding in found:
        finding.snapshot.asset = finding.asset
    Snapshot.objects.bulk_create([finding.snapshot for finding in found], batch_size=AT_ONCE)


def _entry_of_reading(source: str, part: Sequence[Finding], at: datetime) -> Draft:
    new = [finding.asset for finding in part if finding.what == facts.What.NEW]
    return Draft(
        stream=f"inventory:{source}",
        kind="inventory.read",
        actor="portal",
        fact={
            "source": source,
            "at": at,
            "found": dict(Counter(str(finding.what) for finding in part)),
            "kinds": dict(Counter(finding.asset.kind for finding in part)),
            "first": [_sentence(finding) for finding in part[:NAMED]],
        },
        rows=[*(finding.snapshot for finding in part), *new],
    )


def _sentence(finding: Finding) -> str:
    words = "; ".join(finding.snapshot.differs)
    return f"{finding.what} {finding.asset.kind} {finding.asset.name}{f': {words}' if words else ''}"[:400]


def _difference(finding: Finding) -> Difference:
    asset = finding.asset
    return Difference(
        what=finding.what,
        asset_id=asset.pk,
        snapshot_id=finding.snapshot.pk,
        kind=asset.kind,
        external_id=asset.external_id,
        name=asset.name,
        environment=asset.environment,
        words=tuple(finding.snapshot.differs),
    )


def _event_row(source: str, event: facts.VendorEvent, at: datetime) -> VendorEvent:
    return VendorEvent(
        source=source,
        external_id=event.external_id,
        at=event.at,
        action=event.action,
        actor_id=event.actor_id,
        actor_name=event.actor_name,
        kind=event.kind,
        object_id=event.object_id,
        object_name=event.object_name,
        environment=event.environment,
        detail=dict(event.detail),
        noted_at=at,
    )


def _entry_of_events(source: str, part: Sequence[VendorEvent]) -> Draft:
    return Draft(
        stream=f"inventory:{source}",
        kind="vendor_log.read",
        actor="portal",
        fact={
            "source": source,
            "events": len(part),
            "first": part[0].at,
            "last": part[-1].at,
            "actions": dict(Counter(row.action for row in part)),
        },
        rows=part,
    )


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), AN_ENTRY):
        yield rows[start : start + AN_ENTRY]
