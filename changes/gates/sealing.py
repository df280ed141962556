"""The answers of the deploy gate in the ledger: one digest for each UTC day, once the day is over."""

import hashlib
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from changes.gates.models import GateAnswer
from portal.access.people import PORTAL
from portal.ledger.actions import append
from portal.ledger.canonical import canonical
from portal.ledger.queries import entries_about
from portal.policy.clocks import bounds_of

LOOKED_BACK = 30
"""Days within which a day that was left out is caught up with."""


def unsealed_days(*, at: datetime) -> list[date]:
    """UTC days that are over, on which something was asked, and whose digest is not in the ledger yet; oldest first."""
    today = at.astimezone(UTC).date()
    days = [today - timedelta(days=number) for number in range(LOOKED_BACK, 0, -1)]
    return [day for day in days if _answers(day).exists() and not entries_about(stream=stream_of_day(day), limit=1)]


@transaction.atomic
def seal_day(*, day: date) -> str:
    """Write the digest of one UTC day's answers into the ledger; returns it. Call it when the day is over."""
    digest, count, last = hashlib.sha256(), 0, 0
    for row in _answers(day).order_by("id").iterator():
        digest.update(canonical(plain(row)).encode() + b"\n")
        count, last = count + 1, row.pk
    fact = {"day": day.isoformat(), "answers": count, "last": last, "sha256": digest.hexdigest()}
    append(stream=stream_of_day(day), kind="gate.answers_sealed", actor=PORTAL, fact=fact)
    return digest.hexdigest()


def plain(row: GateAnswer) -> dict[str, object]:
    """An answer as it is digested."""
    names = ("id", "repository", "commit", "environment", "allow", "failed_open", "rollback", "reasons", "notes", "changes")
    return {**{name: getattr(row, name) for name in names}, "by": row.by_id, "token": row.token_id, "at": row.at.isoformat()}


def stream_of_day(day: date) -> str:
    """The ledger's stream that seals the answers of one UTC day."""
    return f"gate_answers:{day.isoformat()}"


def _answers(day: date) -> QuerySet[GateAnswer]:
    start, end = bounds_of(day)
    return GateAnswer.objects.filter(at__gte=start, at__lt=end)
