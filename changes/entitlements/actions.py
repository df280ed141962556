"""The one door for what sources say about rights: a complete reading, kept as intervals, with its evidence."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction

from changes.entitlements.facts import Held, Right
from changes.entitlements.models import AccessSnapshot, Entitlement, Thing
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.ui.doorbell import ring

SPOKEN = 50
"""Differences that stand in the entry word by word. All of them stand in the snapshot, whose digests the entry keeps."""
THROUGH, WORD = 300, 200
"""Characters of what gives a right, and of the vendor's word for it."""
Key = tuple[str, str, str, str, str, str]
"""Thing, kind and id of the account, right, through, the vendor's word: two rights that are equal in these are the same."""


@transaction.atomic
def take(*, source: str, things: Collection[str], held: Sequence[Held], at: datetime) -> AccessSnapshot | None:
    """The complete rights on these things, read at ``at``. What was known and is not in ``held`` has ended.

    A thing that no longer exists is named in ``things`` and has no right in ``held``. The first reading of a day and each that
    differs is kept as a snapshot, with one entry in the ledger; any other writes only when the things were last read.
    A thing that was read later already is left out: an old answer says nothing about now. Raises ``ValueError`` for a right
    on a thing that is not in ``things``.
    """
    if strange := {one.thing for one in held} - set(things):
        raise ValueError(f"rights on {', '.join(sorted(strange))}, of which nothing was read")
    held = [_fitting(one) for one in held]
    rows = {row.key: row for row in _locked(source, things, at) if row.last_read_at is None or row.last_read_at <= at}
    seen = {_key(one): one for one in held if one.thing in rows}
    standing = Entitlement.objects.filter(thing__in=rows.values(), ended_at=None).select_related("thing")
    known = {_key_of(row): row for row in standing}
    began, ended = [seen[key] for key in sorted(seen.keys() - known)], [known[key] for key in sorted(known.keys() - seen)]
    first_today = any(row.last_read_at is None or _day(row.last_read_at) < _day(at) for row in rows.values())
    _name(rows, seen.values(), known)
    snapshot = _keep(source, rows, list(seen.values()), began, ended, at) if began or ended or first_today else None
    Thing.objects.filter(pk__in=[row.pk for row in rows.values()]).update(last_read_at=at)
    return snapshot


def _fitting(one: Held) -> Held:
    """The same with words that an index holds; a longer one is cut in sight. Two that are alike until there are one right."""
    if len(one.through) <= THROUGH and len(one.vendor_word) <= WORD:
        return one
    return replace(one, through=_cut(one.through, THROUGH), vendor_word=_cut(one.vendor_word, WORD))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def digest_of_rights(rights: Iterable[Held]) -> str:
    """SHA-256 of these rights, whatever their order."""
    return digest_of({"rights": [list(key) for key in sorted(map(_key, rights))]})


def _locked(source: str, things: Collection[str], at: datetime) -> list[Thing]:
    """The things, made known where they are new, and locked: two readings of one thing wait for each other."""
    keys = sorted(set(things))
    Thing.objects.bulk_create([Thing(source=source, key=key, first_read_at=at) for key in keys], ignore_conflicts=True)
    return list(Thing.objects.select_for_update().filter(source=source, key__in=keys).order_by("key"))


def _name(rows: dict[str, Thing], seen: Iterable[Held], known: dict[Key, Entitlement]) -> None:
    """Names are not rights: they follow the vendor."""
    renamed = {}
    for one in seen:
        row, right = rows[one.thing], known.get(_key(one))
        if one.thing_name and row.name != one.thing_name:
            row.name = one.thing_name
            row.save(update_fields=["name"])
        if right is not None and right.account_name != one.account_name:
            right.account_name = one.account_name
            renamed[right.pk] = right
    if renamed:
        Entitlement.objects.bulk_update(renamed.values(), ["account_name"])


def _keep(
    source: str, rows: dict[str, Thing], seen: list[Held], began: list[Held], ended: list[Entitlement], at: datetime
) -> AccessSnapshot:
    counts = dict.fromkeys(rows, 0)
    for one in seen:
        counts[one.thing] += 1
    snapshot = AccessSnapshot.objects.create(
        source=source,
        at=at,
        things=[{"thing": key, "name": row.name, "rights": counts[key]} for key, row in rows.items()],
        rights=len(seen),
        began=[asdict(one) for one in began],
        ended=[asdict(held_of(row)) for row in ended],
        digest=digest_of_rights(seen),
    )
    Entitlement.objects.bulk_create([_begun(one, rows[one.thing], snapshot) for one in began], batch_size=1000)
    for row in ended:
        row.last_seen_at, row.ended_at, row.ended_in = rows[row.thing.key].last_read_at or at, at, snapshot
    Entitlement.objects.bulk_update(ended, ["last_seen_at", "ended_at", "ended_in"], batch_size=1000)
    _tell(snapshot)
    ring("access")
    return snapshot


def _begun(one: Held, thing: Thing, snapshot: AccessSnapshot) -> Entitlement:
    return Entitlement(
        thing=thing,
        account_id=one.account_id,
        account_name=one.account_name,
        account_kind=one.account_kind,
        right=one.right,
        through=one.through,
        vendor_word=one.vendor_word,
        first_seen_at=snapshot.at,
        last_seen_at=snapshot.at,
        began_in=snapshot,
    )


def _tell(snapshot: AccessSnapshot) -> None:
    append(
        stream=f"access:{snapshot.source}",
        kind="access.changed" if snapshot.began or snapshot.ended else "access.read",
        actor="portal",
        fact={
            "source": snapshot.source,
            "things": len(snapshot.things),
            "rights": snapshot.rights,
            "new": len(snapshot.began),
            "ended": len(snapshot.ended),
            "first_new": [_words(one) for one in snapshot.began[:SPOKEN]],
            "first_ended": [_words(one) for one in snapshot.ended[:SPOKEN]],
            "digest": snapshot.digest,
            "at": snapshot.at.isoformat(),
        },
        rows=[snapshot],
    )


def _words(one: dict[str, Any]) -> str:
    through = f" through {one['through']}" if one["through"] else ""
    return f"{one['account_name'] or one['account_id']}: {one['right']} on {one['thing_name'] or one['thing']}{through}"


def held_of(row: Entitlement) -> Held:
    """A kept right as the source said it."""
    return Held(
        account_id=row.account_id,
        account_name=row.account_name,
        thing=row.thing.key,
        thing_name=row.thing.name,
        right=Right(row.right),
        account_kind=row.account_kind,
        through=row.through,
        vendor_word=row.vendor_word,
    )


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _key(one: Held) -> Key:
    return (one.thing, one.account_kind, one.account_id, one.right.value, one.through, one.vendor_word)


def _key_of(row: Entitlement) -> Key:
    return (row.thing.key, row.account_kind, row.account_id, row.right, row.through, row.vendor_word)
