"""What emergencies ask of people: the +1, its confirmation, a reason, the reviews afterwards and what is overdue. For the inbox.

Each asks few queries whatever the number of items; what a person cannot act on is not shown to that person.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from changes.emergencies.models import Ask, Emergency
from changes.emergencies.queries import noted, with_reviews
from changes.proposals.lifecycle import State
from changes.proposals.models import Approval, LinkedPullRequest
from changes.proposals.policy import SLACK
from portal.access.may import may
from portal.access.models import Identity, User
from portal.access.permissions import P
from portal.home import inbox
from portal.policy.clocks import add_working_days
from portal.policy.in_force import parameters_at

MOST = 50
WAITS_FOR_PLUS_ONE = "^.{7}w"
"""Gate 8 waits, by the letters of the gates."""
AT_ONCE = timedelta(minutes=15)
OPEN = (State.DRAFT, State.PROPOSED, State.APPROVED, State.MERGED)


@inbox.provider
def emergency_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Everything about emergencies that this person can do something about now."""
    if may(user, P.EMERGENCY_PLUS_ONE):
        yield from _plus_ones(user)
        yield from _confirmations(user, at)
    yield from _reasons(user, at)
    own = list(_retrospectives(user)) if may(user, P.CHANGE_REVIEW_AFTER) else []
    yield from own
    if may(user, P.EXCEPTION_ACCEPT):
        # Who can write the review is asked for that, and not a second time for seeing to it.
        written_by_them = {item.key for item in own}
        yield from (item for item in _overdue(at) if item.key not in written_by_them)


def _without_part_of(rows: QuerySet[Emergency], user: User) -> QuerySet[Emergency]:
    """Without those that the person asked for, declared, or wrote something for (P-03)."""
    uids = [uid for uid in _accounts(user) if uid.isdecimal()]
    links = LinkedPullRequest.objects.filter(pull_request__author_uid__in=uids).exclude(role=LinkedPullRequest.Role.BACK_MERGE)
    pushed = Q(change__pushes__pusher_uid__in=uids, change__pushes__taken_back_at=None)
    rows = rows.exclude(change__requester=user).exclude(declared_by=user).exclude(change__in=links.values("change"))
    return rows.exclude(pk__in=Emergency.objects.filter(pushed).values("pk"))


def _accounts(user: User) -> list[str]:
    return list(Identity.objects.filter(user=user, provider="github", ended_at=None).values_list("uid", flat=True))


def _plus_ones(user: User) -> Iterator[inbox.Item]:
    waiting = noted().filter(change__undeclared=False, change__state__in=OPEN, change__gates__regex=WAITS_FOR_PLUS_ONE)
    for row in _without_part_of(waiting, user).order_by("-at", "-id")[:MOST]:
        asked = row.asked_id == user.pk
        who = row.declared_by.name if row.declared_by else row.change.requester_login or "Somebody"
        yield inbox.Item(
            title="Give the +1",
            about=row.change.title,
            why=f"{who} asks you for it." if asked else "You may give the +1 of an emergency and took no part in it.",
            due_at=row.at + AT_ONCE,
            href=f"/changes/{row.change.number}/#emergency",
            act="Look at it",
            tone="bad",
            icon="siren",
            key=str(row.change),
        )


def _confirmations(user: User, at: datetime) -> Iterator[inbox.Item]:
    words = Approval.objects.filter(by=user, via=SLACK, lapse=None, confirmation=None, verdict=Approval.Verdict.YES)
    for word in words.select_related("change").order_by("at", "id")[:MOST]:
        yield inbox.Item(
            title="Confirm your +1",
            about=word.change.title,
            why="You gave it in Slack. Stand by it here within a day, with a fresh sign-in.",
            due_at=word.at + parameters_at(at).slack_plus_one_confirmed_within,
            href=f"/changes/{word.change.number}/#emergency",
            act="Confirm",
            tone="warn",
            icon="badge-check",
            key=str(word.change),
        )


def _reasons(user: User, at: datetime) -> Iterator[inbox.Item]:
    """What one was asked oneself; for those who oversee also what was asked of accounts that are linked to nobody."""
    mine = Q(person=user) | Q(person=None) if may(user, P.CHANGE_CLASSIFY) else Q(person=user)
    rows = Ask.objects.filter(mine, answer=None, emergency__change__undeclared=True)
    for row in (
        rows.exclude(emergency__change__state=State.WITHDRAWN).select_related("emergency__change").order_by("at", "id")[:MOST]
    ):
        change = row.emergency.change
        yield inbox.Item(
            title="Give the reason",
            about=row.question,
            why=row.why
            if row.person_id
            else f"The account {row.account} is linked to nobody; somebody finds out and writes it down.",
            due_at=add_working_days(row.at, parameters_at(at).retrospective_within_working_days),
            href=f"/changes/{change.number}/#emergency",
            act="Answer",
            tone="bad",
            icon="message-square-warning",
            key=str(change),
        )


def _unreviewed() -> QuerySet[Emergency]:
    rows = with_reviews(noted()).filter(Q(retrospective_written=False), change__retrospective_due_at__isnull=False)
    return rows.exclude(change__state=State.WITHDRAWN).order_by(F("change__retrospective_due_at"), "id")


def _retrospectives(user: User) -> Iterator[inbox.Item]:
    given = Approval.objects.filter(by=user, lapse=None, verdict=Approval.Verdict.YES).values("change")
    for row in _without_part_of(_unreviewed(), user).exclude(change__in=given)[:MOST]:
        yield inbox.Item(
            title="Review the emergency afterwards",
            about=row.change.title,
            why="An emergency is reviewed in full within two working days, by somebody who took no part (P-22).",
            due_at=row.change.retrospective_due_at,
            href=f"/changes/{row.change.number}/#review-after",
            act="Review",
            tone="warn",
            icon="clipboard-check",
            key=str(row.change),
        )


def _overdue(at: datetime) -> Iterator[inbox.Item]:
    for row in _unreviewed().filter(change__retrospective_due_at__lte=at - parameters_at(at).review_escalated_after)[:MOST]:
        yield inbox.Item(
            title="See to an overdue review",
            about=row.change.title,
            why="The retrospective review of this emergency is overdue and was escalated to you (P-22).",
            due_at=row.change.retrospective_due_at,
            href=f"/changes/{row.change.number}/#emergency",
            act="Open",
            tone="bad",
            icon="alarm-clock",
            key=str(row.change),
        )
