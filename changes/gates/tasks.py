"""Gates move with time: a review that becomes overdue is judged again without anybody opening the page (P-22)."""

from datetime import datetime, timedelta

from celery import shared_task
from django.db.models import F, Max, Q
from django.utils.timezone import now

from changes.approvals.models import Delegation
from changes.gates.actions import reassess
from changes.gates.sealing import seal_day, unsealed_days
from changes.gates.waking import judge_moved
from changes.proposals.lifecycle import State
from changes.proposals.models import Change
from changes.training.queries import last_stirred
from portal.access.models import RoleGrant
from portal.access.permissions import P
from portal.access.roles import Role, roles_with

AT_ONCE = 200
FORGOTTEN = timedelta(minutes=10)
ROLES = sorted({*roles_with(P.CHANGE_APPROVE), Role.CHAIR, Role.COMPLIANCE})


def overdue(*, at: datetime) -> list[Change]:
    """Changes with a review that has become due since their gates were judged last, the longest due first."""
    due = Q()
    for name in ("review_due_at", "retrospective_due_at"):
        due |= Q(**{f"{name}__lte": at, f"{name}__gt": F("gates_at")})
    return list(Change.objects.filter(due).order_by("review_due_at", "id")[:AT_ONCE])


def stirred(*, at: datetime) -> list[Change]:
    """Changes in review that were judged before somebody who may approve went away, came back, got a role or lost one,
    or before somebody's training began to count or lapsed.

    Also those with a condition that has become due since.
    """
    delegated = [
        Delegation.objects.filter(**{f"{name}__lte": at}).aggregate(last=Max(name))["last"]
        for name in ("starts_at", "ends_at", "ended_at")
    ]
    granted = [
        RoleGrant.objects.filter(role__in=ROLES, **{f"{name}__lte": at}).aggregate(last=Max(name))["last"]
        for name in ("valid_from", "valid_until")
    ]
    moments = (*delegated, *granted, last_stirred(at=at))
    last = max((moment for moment in moments if moment is not None), default=None)
    due = Q(conditions__due_at__lte=at, conditions__due_at__gt=F("gates_at"))
    if last is not None:
        due |= Q(state__in=(State.PROPOSED, State.APPROVED), gates_at__lt=last)
    return list(Change.objects.filter(due).order_by("gates_at", "id").distinct()[:AT_ONCE])


def forgotten(*, at: datetime) -> list[Change]:
    """Changes in review that nothing has judged for ``FORGOTTEN``: whoever proposed them should have, and a page waits for it."""
    rows = Change.objects.filter(state__in=(State.PROPOSED, State.APPROVED), gates_at=None, moved_at__lte=at - FORGOTTEN)
    return list(rows.order_by("id")[:AT_ONCE])


@shared_task(name="changes.gates.tasks.judge_overdue")
def judge_overdue() -> None:
    """Judge again what a clock has changed, and what was never judged."""
    judge_due(at=now())


def judge_due(*, at: datetime) -> None:
    """The same at a moment."""
    for change in dict.fromkeys([*overdue(at=at), *stirred(at=at), *forgotten(at=at)]):
        reassess(change=change, at=at)
        Change.objects.filter(pk=change.pk).update(gates_at=at)


@shared_task(name="changes.gates.tasks.judge_freezes")
def judge_freezes() -> None:
    """Judge again what a freeze holds since its beginning, or lets go since its end."""
    judge_moved(at=now())


@shared_task(name="changes.gates.tasks.seal_gate_answers")
def seal_gate_answers() -> None:
    """Put the digest of each day's answers of the deploy gate into the ledger once the day is over; sent every hour."""
    for day in unsealed_days(at=now()):
        seal_day(day=day)
