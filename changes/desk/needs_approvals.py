"""What approvals ask of people: one's own, those of somebody away, conditions, waivers and their reviews. For inbox and palette.

Each asks few queries whatever the number of items; what a person cannot act on is not shown to that person.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from changes.approvals import queries
from changes.approvals.models import Condition, ConditionStep, Delegation, Waiver
from changes.approvals.policy import FULFILLED, SENT_BACK
from changes.desk.approving.waiting import waiting_for
from changes.proposals.lifecycle import OPEN_STATES, State
from changes.proposals.models import Change
from portal.access.may import may, roles_of
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.home import inbox

MOST = 50
NOBODY = {"gates": [{"code": "approval", "evidence": [{"ref": "waiver:needed"}]}]}
"""An assessment in which gate 8 says that nobody is left who may approve."""


@inbox.provider
def approval_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Everything about approvals that this person can do something about now."""
    if may(user, P.CHANGE_APPROVE):
        yield from _approvals(user, at)
    if may(user, P.CHANGE_COMMENT):
        yield from _conditions(user, at)
    if may(user, P.WAIVER_DECIDE):
        yield from _waivers(user, at)
        yield from _nobody_left(at)


def _approvals(user: User, at: datetime) -> Iterator[inbox.Item]:
    """While somebody is away, what they would be asked goes to who stands in, who says so."""
    in_force = list(queries.in_force(at).filter(Q(absent=user) | Q(delegate=user)))
    if any(row.absent_id == user.pk for row in in_force):
        return
    theirs = _asked_of_absent([row for row in in_force if row.delegate_id == user.pk])
    for change in waiting_for(user)[:MOST]:
        names = theirs.get(change.pk, "")
        yield inbox.Item(
            title="Approve for production",
            about=change.title,
            why=f"You may approve for production and took no part in it; also asked for {names}."
            if names
            else "You may approve for production and took no part in it.",
            due_at=None,
            href=f"/changes/{change.number}/#approval",
            act="Review",
            tone="accent",
            icon="stamp",
            key=str(change),
        )


def _asked_of_absent(rows: list[Delegation]) -> dict[int, str]:
    """For each change that somebody away would be asked about: ``Bob, until 3 March``."""
    found: dict[int, list[str]] = {}
    for row in rows:
        words = f"{row.absent.name}, until {queries.last_day(row):%-d %B}"
        for pk in waiting_for(row.absent).values_list("pk", flat=True):
            found.setdefault(pk, []).append(words)
    return {pk: " and ".join(names) for pk, names in found.items()}


def _open_conditions() -> QuerySet[Any]:
    """Conditions that count, with the kind of their last step, on changes that are not over."""
    last = ConditionStep.objects.filter(condition=OuterRef("pk")).order_by("-id").values("kind")[:1]
    rows = Condition.objects.filter(Q(approval=None) | Q(approval__lapse=None)).annotate(last=Subquery(last))
    over = (State.WITHDRAWN, State.CLOSED)
    return rows.exclude(change__state__in=over).select_related("change", "owner", "set_by").order_by("due_at", "id")


def _conditions(user: User, at: datetime) -> Iterator[inbox.Item]:
    rows = _open_conditions()
    for row in rows.filter(Q(last=None) | Q(last=SENT_BACK), owner=user)[:MOST]:
        yield _condition(row, "Meet a condition", f"{row.set_by.name} approved on condition that you do it.", "Open")
    absent = list(queries.in_force(at).filter(delegate=user).values_list("absent_id", flat=True))
    for row in rows.filter(last=FULFILLED, to_confirm=True, set_by__in=[user.pk, *absent]).exclude(owner=user)[:MOST]:
        whose = "You set it" if row.set_by_id == user.pk else f"{row.set_by.name}, who is away, set it"
        yield _condition(row, "Confirm a condition", f"{whose}, and {row.owner.name} says that it is done.", "Look")


def _condition(row: Condition, title: str, why: str, act: str) -> inbox.Item:
    return inbox.Item(
        title=title,
        about=row.text,
        why=why,
        due_at=row.due_at,
        href=f"/changes/{row.change.number}/#condition-{row.pk}",
        act=act,
        tone="warn",
        icon="list-checks",
        key=str(row.change),
    )


def _waivers(user: User, at: datetime) -> Iterator[inbox.Item]:
    """Those that wait for this person's signature, and those whose review is due."""
    roles = roles_of(user)
    for row in queries.waiting_waivers(at)[:MOST]:
        if (row.chair_id is None and Role.CHAIR in roles) or (row.compliance_id is None and Role.COMPLIANCE in roles):
            yield _waiver(row, "Sign a waiver or turn it down", "Nobody is left who may approve it.", row.expires_at)
    for row in queries.waivers_to_review()[:MOST]:
        yield _waiver(row, "Review a waiver", "It passed by a waiver, which is looked at again (P-29).", row.review_at)


def _waiver(row: Waiver, title: str, why: str, due_at: datetime) -> inbox.Item:
    return inbox.Item(
        title=title,
        about=row.change.title,
        why=why,
        due_at=due_at,
        href=f"/changes/{row.change.number}/waiver/",
        act="Open",
        tone="warn",
        icon="signature",
        key=str(row.change),
    )


def _nobody_left(at: datetime) -> Iterator[inbox.Item]:
    """Changes that only a waiver or another approver can move, and that have no waiver yet: never silence."""
    decided = Waiver.objects.filter(chair__isnull=False, compliance__isnull=False, withdrawn_at=None, lapsed_at=None)
    rows = Change.objects.filter(state__in=(*OPEN_STATES, State.MERGED), assessment__contains=NOBODY)
    rows = rows.exclude(pk__in=queries.waiting_waivers(at).values("change")).exclude(pk__in=decided.values("change"))
    for change in rows.defer("assessment", "reasons").order_by("-moved_at", "-id")[:MOST]:
        yield inbox.Item(
            title="Nobody is left who may approve",
            about=change.title,
            why="Decide on a waiver with the other of you two, or have somebody else made an approver.",
            due_at=change.moved_at + timedelta(days=2),
            href=f"/changes/{change.number}/waiver/",
            act="Open",
            tone="bad",
            icon="users",
            key=str(change),
        )
