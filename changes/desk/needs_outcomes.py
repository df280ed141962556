"""What remains to be said or done after a release: reviews, follow-ups, overdue drills. For the inbox."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from changes.outcomes.models import FollowUp
from changes.outcomes.queries import drill_clocks
from changes.proposals.lifecycle import State
from changes.proposals.models import Change, ReviewAfter
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.policy.clocks import end_of
from portal.policy.in_force import parameters_at

MOST = 50
LIVE = (State.MERGED, State.RELEASED, State.ROLLED_BACK)
SOON = timedelta(days=14)


@inbox.provider
def outcome_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """How one's changes went, what one promised, and (for those who oversee) which apps have not proved their way back."""
    if may(user, P.CHANGE_PROPOSE):
        yield from _reviews(user)
        yield from _follow_ups(user)
    if may(user, P.DRILL_RECORD) and may(user, P.CHANGE_CLASSIFY):
        yield from _drills(at)


def _reviews(user: User) -> Iterator[inbox.Item]:
    written = ReviewAfter.objects.filter(kind=ReviewAfter.Kind.POST_IMPLEMENTATION).values("change")
    rows = Change.objects.defer("assessment", "reasons").filter(requester=user, state__in=LIVE, review_due_at__isnull=False)
    for change in rows.exclude(pk__in=written).order_by("review_due_at", "id")[:MOST]:
        yield inbox.Item(
            title="Say how it went",
            about=change.title,
            why="Your change is in production; one answer is enough when nothing went wrong (P-22).",
            due_at=change.review_due_at,
            href=f"/changes/{change.number}/#review-after",
            act="Answer",
            tone="info",
            icon="clipboard-check",
            key=str(change),
        )


def _follow_ups(user: User) -> Iterator[inbox.Item]:
    rows = FollowUp.objects.filter(owner=user, done_at=None).select_related("review__change").order_by("due_on", "id")
    for row in rows[:MOST]:
        change = row.review.change
        yield inbox.Item(
            title="Close a follow-up",
            about=row.text,
            why="A review afterwards asked you for it.",
            due_at=end_of(row.due_on),
            href=f"/changes/{change.number}/#review-after",
            act="Close",
            tone="info",
            icon="list-checks",
            key=str(change),
        )


def _drills(at: datetime) -> Iterator[inbox.Item]:
    for line in drill_clocks(at=at, every=parameters_at(at).rollback_drill_every):
        if line.due_at <= at + SOON:
            yield inbox.Item(
                title="Practise a rollback",
                about=line.app,
                why="Each app in production proves regularly that it can go back (P-17).",
                due_at=line.due_at,
                href=f"/rollbacks/drills/new/?app={line.app}",
                act="Record a drill",
                tone="warn",
                icon="undo-2",
            )
