"""The monthly reconciliation (P-23): what each source counted beside what the inventory has, signed by the compliance manager."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from changes.inventory.facts import What
from changes.inventory.models import Reconciliation, Snapshot, SourceReading
from changes.inventory.queries import NOT_SEEN
from portal.access.freshness import FRESH_FOR
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.clauses import Clause
from portal.policy.clocks import end_of
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

LOCK = 7312
DAYS_TO_SIGN = timedelta(days=10)
"""After the end of a month."""
MONTHS = 12
"""Months without a signature that the page goes back."""


@dataclass(frozen=True)
class Line:
    """One kind at one source. ``counted``: by the source in its newest readings; ``kept``: in the inventory at that moment."""

    source: str
    kind: str
    counted: int
    kept: int
    readings: int
    """How many scopes (apps, zones) the count is the sum of."""
    oldest: str
    """The oldest of those readings, ISO 8601 UTC."""
    late: bool
    """The oldest is more than a day older than the moment that is compared."""

    @property
    def agrees(self) -> bool:
        return self.counted == self.kept and not self.late


def first_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def end_of_month(month: date) -> datetime:
    """Midnight UTC at which a month is over. ``month`` is its first day."""
    return end_of(first_of(month + timedelta(days=31)) - timedelta(days=1))


def lines(*, at: datetime) -> list[Line]:
    """The comparison as of a moment, by source and kind. Three queries, whatever there is."""
    counted, kept = _counted(at), _kept(at)
    found = []
    for source, kind in sorted({*counted, *kept}):
        scopes = counted.get((source, kind), {})
        whole = scopes.get("")
        used = [whole] if whole is not None else list(scopes.values())
        oldest = min((read_at for _, read_at in used), default=None)
        found.append(
            Line(
                source=source,
                kind=kind,
                counted=sum(count for count, _ in used),
                kept=kept[source, kind],
                readings=len(used),
                oldest=oldest.isoformat() if oldest else "",
                late=oldest is None or at - oldest > NOT_SEEN,
            )
        )
    return found


def _counted(at: datetime) -> dict[tuple[str, str], dict[str, tuple[int, datetime]]]:
    """{(source, kind): {scope: (count, when)}} of the newest readings until then."""
    rows = SourceReading.objects.filter(read_at__lte=at).order_by("source", "kinds", "within", "-day")
    found: dict[tuple[str, str], dict[str, tuple[int, datetime]]] = defaultdict(dict)
    for row in rows.distinct("source", "kinds", "within"):
        for kind, count in row.counts.items():
            found[row.source, kind][row.within] = (int(count), row.read_at)
    return found


def _kept(at: datetime) -> Counter[tuple[str, str]]:
    """How many assets the inventory had then, by source and kind, from the snapshots."""
    rows = Snapshot.objects.filter(taken_at__lte=at).order_by("asset_id", "-id").distinct("asset_id")
    values = rows.values_list("asset__source", "asset__kind", "what")
    return Counter((source, kind) for source, kind, what in values if what != What.GONE)


def waiting(*, at: datetime) -> list[date]:
    """Months that are over and not signed, oldest first, since the first reading; at most a year back."""
    first = SourceReading.objects.order_by("day").values_list("day", flat=True).first()
    if first is None:
        return []
    signed = set(Reconciliation.objects.values_list("month", flat=True))
    found: list[date] = []
    month = first_of(at.astimezone(UTC).date())
    for _ in range(MONTHS):
        month = first_of(month - timedelta(days=1))
        if month < first_of(first):
            break
        found.append(month)
    return [month for month in reversed(found) if month not in signed]


def digest_for(*, month: date, compared: Sequence[Line], note: str = "") -> str:
    """What is signed: the month, its lines, the note."""
    return digest_of({"month": month.isoformat(), "lines": plain(compared), "note": note})


def plain(compared: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as they are stored."""
    return [asdict(line) | {"agrees": line.agrees} for line in compared]


@transaction.atomic
def sign(*, month: date, note: str, seen: str, by: User, authenticated_at: datetime | None, at: datetime) -> Reconciliation:
    """Sign a month that is over. ``seen``: digest of the lines that were read. Lines that do not agree need a note.

    Raises ``Refused``; ``Stale`` when it is signed already or the lines are others now.
    """
    if not may_at(by, P.INVENTORY_SIGN, at=at):
        raise Refused(Clause.INVENTORY, f"{by.name} may not sign the reconciliation.", "The compliance manager does.")
    if authenticated_at is None or at - authenticated_at > FRESH_FOR:
        raise Refused(Clause.INVENTORY, "A signature needs a sign-in of the last five minutes.", "Sign in again.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if Reconciliation.objects.filter(month=month).exists():
        raise Stale(f"{month:%B %Y} is signed already.")
    if month not in waiting(at=at):
        raise Refused(Clause.INVENTORY, f"{month:%B %Y} is not to be signed.", "A month is signed when it is over.")
    compared = lines(at=end_of_month(month))
    if digest_for(month=month, compared=compared) != seen:
        raise Stale("The numbers are others than those that you read.")
    differing = sum(not line.agrees for line in compared)
    if differing and not note.strip():
        raise Refused(Clause.INVENTORY, "Not all numbers agree.", "Write why, and what is done about it.")
    row = Reconciliation.objects.create(
        month=month,
        lines=plain(compared),
        differing=differing,
        note=note.strip(),
        digest=digest_for(month=month, compared=compared, note=note.strip()),
        signed_by=by,
        authenticated_at=authenticated_at,
        signed_at=at,
    )
    append(
        stream="inventory:reconciliation",
        kind="inventory.reconciled",
        actor=actor_of(by),
        fact={
            "month": month,
            "kinds": len(compared),
            "differing": differing,
            "note": note.strip(),
            "digest": row.digest,
            "by": by.name,
            "at": at,
        },
        rows=[row],
    )
    ring("inventory")
    return row
