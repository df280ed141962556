"""Points that meetings know by themselves: large changes without a decision, decisions that lapsed, actions that are open."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from changes.meetings import sources
from changes.meetings.models import Action, AgendaItem, Decision
from changes.meetings.sources import Point
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change, Size

MOST = 200
WAITING = (State.PROPOSED, State.APPROVED)
DECIDED = (Decision.Outcome.APPROVED, Decision.Outcome.CONDITIONAL, Decision.Outcome.REJECTED)
"""Outcomes that settle a point. What was deferred waits on."""


def standing_decisions(*, at: datetime) -> QuerySet[Decision]:
    """Decisions that settle something and count at that moment: not lapsed, and not too old."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=at)
    return Decision.objects.filter(lasting, outcome__in=DECIDED, lapse=None)


def waiting_changes(*, at: datetime) -> QuerySet[Change]:
    """Large standard changes in review that no decision settles. ``lapsed_because`` is filled for those that one once did."""
    settled = standing_decisions(at=at).exclude(change=None).values("change")
    former = Decision.objects.filter(change=OuterRef("pk"), outcome__in=DECIDED).order_by("-at", "-id")
    rows = Change.objects.filter(size=Size.LARGE, category=Category.STANDARD, state__in=WAITING).exclude(pk__in=settled)
    rows = rows.annotate(decided=Subquery(former.values("number")[:1]), lapsed_because=Subquery(former.values("lapse__reason")[:1]))
    return rows.select_related("requester").order_by("moved_at", "id")


@sources.provider
def open_actions(at: datetime) -> Iterator[Point]:
    """What earlier meetings asked somebody to do and is not done."""
    rows = Action.objects.filter(done_at=None).select_related("owner", "meeting").order_by("due_on", "id")
    for action in rows[:MOST]:
        yield Point(
            kind=AgendaItem.Kind.ACTION,
            key=f"action:{action.pk}",
            title=action.text,
            href=f"/meetings/{action.meeting.number}/#action-{action.pk}",
            note=f"{action.owner.name}, due {action.due_on:%-d %b %Y}, from meeting {action.meeting.number}",
        )


@sources.provider
def changes_to_decide(at: datetime) -> Iterator[Point]:
    """Large proposals that are ready, and those whose decision counts no more."""
    for change in waiting_changes(at=at)[:MOST]:
        decided, reason = vars(change)["decided"], vars(change)["lapsed_because"]
        who = change.requester.name if change.requester else change.requester_login
        because = f"Decision {decided} counts no more: {reason or 'its time ran out'}"
        yield Point(
            kind=AgendaItem.Kind.LAPSED if decided else AgendaItem.Kind.PROPOSAL,
            key=f"change:{change.number}",
            title=f"{change} {change.title}",
            href=f"/changes/{change.number}/",
            note=because if decided else f"Proposed by {who}" if who else "",
            change=change.pk,
        )
