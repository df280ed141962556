"""Conditions of an approval: set, done by their owner, confirmed by who set them. Each step is evidence."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from changes.approvals import policy, queries
from changes.approvals.models import Condition, ConditionStep
from changes.proposals import queries as proposals
from changes.proposals.models import Approval, Change
from changes.proposals.moving import ring_for, stream_of
from changes.proposals.people import user_actor
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.refusal import Stale
from portal.ui.doorbell import ring


@dataclass(frozen=True)
class Wanted:
    """A condition as somebody wants to set it. ``before`` is merge, release or after."""

    text: str
    owner: User
    before: str
    due_at: datetime
    to_confirm: bool = False


@transaction.atomic
def set_condition(*, change: Change, approval: Approval | None, wanted: Wanted, by: User, at: datetime) -> Condition:
    """Set one condition with an approval; a meeting's decision will set them without one. The caller has checked ``by``."""
    policy.check_condition(
        text=wanted.text,
        owner=wanted.owner.name,
        owner_may=may_at(wanted.owner, P.CHANGE_COMMENT, at=at),
        due_at=wanted.due_at,
        at=at,
    )
    row = Condition.objects.create(
        change=change,
        approval=approval,
        text=wanted.text.strip(),
        owner=wanted.owner,
        before=Condition.Before(wanted.before),
        due_at=wanted.due_at,
        to_confirm=wanted.to_confirm,
        set_by=by,
        set_at=at,
    )
    append(
        stream=stream_of(change),
        kind="condition.set",
        actor=actor_of(by),
        fact={
            "condition": row.pk,
            "by": by.name,
            "text": row.text,
            "owner": row.owner.name,
            "before": row.before,
            "due": row.due_at.isoformat(),
            "to_confirm": row.to_confirm,
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring_for(change)
    ring("inbox")
    return row


@transaction.atomic
def fulfil(*, condition: Condition, note: str, by: User, at: datetime) -> ConditionStep:
    """Its owner says that it is done, with a note."""
    row, state = _locked(condition)
    policy.check_fulfilling(
        owner=row.owner.name, is_owner=row.owner_id == by.pk, standing=queries.is_standing(row), state=state, note=note
    )
    return _step(row, ConditionStep.Kind.FULFILLED, note, by, at)


@transaction.atomic
def confirm(*, condition: Condition, kind: str, note: str, by: User, at: datetime) -> ConditionStep:
    """Who set it agrees (``confirmed``) or not (``sent_back``). While they are away, who stands in; once they may approve no
    longer, anybody who may and took no part."""
    row, state = _locked(condition)
    policy.check_confirming(
        set_by=row.set_by.name,
        may_confirm=_may_confirm(row, by, at),
        did_it=row.owner_id == by.pk,
        standing=queries.is_standing(row),
        state=state,
        note=note,
        kind=kind,
    )
    return _step(row, ConditionStep.Kind(kind), note, by, at)


def _may_confirm(row: Condition, by: User, at: datetime) -> bool:
    if by.pk == row.set_by_id:
        return True
    actor = user_actor(by)
    people = (*proposals.contributors(row.change), proposals.requester_of(row.change))
    if any(actor.same_as(other) for other in people) or not may_at(by, P.CHANGE_APPROVE, at=at):
        return False
    return queries.is_delegated(absent=row.set_by, to=by, at=at) or not may_at(row.set_by, P.CHANGE_APPROVE, at=at)


def _locked(condition: Condition) -> tuple[Condition, str]:
    """The condition under the lock of its change, and where it stands."""
    proposals.locked(condition.change_id)
    row = queries.with_steps(Condition.objects.filter(pk=condition.pk)).first()
    if row is None:
        raise Stale("There is no such condition.")
    return row, policy.progress(steps=queries.steps_of(row), to_confirm=row.to_confirm)


def _step(row: Condition, kind: ConditionStep.Kind, note: str, by: User, at: datetime) -> ConditionStep:
    step = ConditionStep.objects.create(condition=row, kind=kind, note=note.strip(), by=by, at=at)
    append(
        stream=stream_of(row.change),
        kind=f"condition.{kind}",
        actor=actor_of(by),
        fact={"condition": row.pk, "by": by.name, "text": row.text, "note": step.note, "at": at.isoformat()},
        rows=[step],
    )
    ring_for(row.change)
    ring("inbox")
    return step
