"""Which decisions stand: what the meeting (or a written vote) decided about a change, and what ended it. Read by gate 2 (P-01)."""

from datetime import datetime
from typing import Any

from django.db import transaction

from changes.meetings.exporting import export
from changes.meetings.models import Decision, DecisionLapse, Series
from changes.proposals.models import Change, Revision
from changes.proposals.moving import ring_for, stream_of
from portal.ledger.actions import append
from portal.ui.doorbell import ring

FOR = (Decision.Outcome.APPROVED, Decision.Outcome.CONDITIONAL)
"""Outcomes on which a change goes on."""


def meetings_are_kept(*, at: datetime) -> bool:
    """Whether this installation keeps its architecture meetings here: a series has begun and not ended."""
    return Series.objects.filter(made_at__lte=at, ended_at=None).exists()


def decisions_about(*changes: Change) -> list[Decision]:
    """Every decision about these changes, oldest first, with meeting, chair and lapse."""
    rows = Decision.objects.filter(change__in=[change.pk for change in changes])
    return list(rows.select_related("meeting", "by", "lapse", "revision").order_by("at", "id"))


def standing_for(change: Change) -> list[Decision]:
    """Decisions for a change that nothing has ended."""
    return list(
        Decision.objects.filter(change=change, lapse=None, outcome__in=FOR).select_related("revision", "change").order_by("id")
    )


@transaction.atomic
def lapse(*, decision: Decision, reason: str, at: datetime, actor: str = "portal") -> DecisionLapse | None:
    """Record why a decision no longer counts; None when it has lapsed already."""
    if DecisionLapse.objects.filter(decision=decision).exists():
        return None
    row = DecisionLapse.objects.create(decision=decision, reason=reason, at=at)
    fact: dict[str, Any] = {"decision": decision.number, "reason": reason, "at": at.isoformat()}
    stream = stream_of(decision.change) if decision.change is not None else f"decision:{decision.number}"
    append(stream=stream, kind="decision.lapsed", actor=actor, fact=fact, rows=[row])
    export(decision=decision, at=at)
    ring("decisions")
    if decision.change is not None:
        ring_for(decision.change)
    return row


def lapse_outdated(*, change: Change, revision: Revision, at: datetime) -> int:
    """End decisions whose text was edited materially, and those whose time ran out before the merge. Returns how many."""
    ended = 0
    for decision in standing_for(change):
        if decision.digest != revision.binds:
            ended += lapse(decision=decision, reason=f"the proposal was edited: revision {revision.number}", at=at) is not None
        elif change.merged_at is None and decision.expires_at is not None and decision.expires_at <= at:
            ended += lapse(decision=decision, reason=f"it held until {decision.expires_at:%Y-%m-%d}", at=at) is not None
    return ended
