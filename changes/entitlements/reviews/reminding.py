"""The clock of access reviews: opens the one that is due, and reminds; compliance hears of what is late.

Each reminder is an entry of the ledger, told by mail and Slack from there (changes.talk).
"""

from datetime import datetime

from django.db import transaction

from changes.entitlements.models import Thing
from changes.entitlements.reviews import policy, queries
from changes.entitlements.reviews.actions import open_review
from changes.entitlements.reviews.models import AccessReview, ReviewReminder
from portal.access.may import holders_of
from portal.access.models import User
from portal.access.people import PORTAL
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.in_force import parameters_at

LATE = ReviewReminder.Kind.LATE


def keep_reviews(*, at: datetime) -> int:
    """Open a review when three months are over, remind of the open one. Returns how many reminders were written."""
    if queries.due_since(at=at) is not None and Thing.objects.filter(rights__ended_at=None).exists():
        open_review(by=None, at=at)
    review = queries.open_review()
    return remind(review=review, at=at) if review is not None else 0


@transaction.atomic
def remind(*, review: AccessReview, at: datetime) -> int:
    """Tell each reviewer with open entries once: at the opening, before the day, and when it is over, compliance then as well."""
    AccessReview.objects.select_for_update().get(pk=review.pk)
    before = parameters_at(at).access_reminded_before
    kind = policy.reminder_for(opened_at=review.opened_at, due_at=review.due_at, at=at, before=before)
    progress = queries.progress_of(review)
    wanted = {share.reviewer: share.left for share in progress.shares if share.reviewer is not None and share.left}
    if kind == LATE and progress.left:
        wanted |= dict.fromkeys(holders_of(P.ACCESS_LEAD, at=at), progress.left)
    told = set(review.reminders.filter(kind=kind).values_list("person_id", flat=True))
    rows = [_write(review, user, kind, left, at) for user, left in wanted.items() if user.pk not in told]
    if rows:
        append(
            stream=f"access-review:{review.number}",
            kind="access_review.reminded",
            actor=PORTAL,
            fact={
                "review": review.number,
                "reminder": kind,
                "people": [row.person.name for row in rows],
                "left": {str(row.person_id): row.left for row in rows},
                "due_at": review.due_at.isoformat(),
                "at": at.isoformat(),
            },
            rows=rows,
        )
    return len(rows)


def _write(review: AccessReview, user: User, kind: str, left: int, at: datetime) -> ReviewReminder:
    return ReviewReminder.objects.create(review=review, person=user, kind=kind, left=left, at=at)
