"""Hand approvals over while away, and end that. It routes what is asked, and gives nobody a right that they lack (P-19)."""

from datetime import datetime, timedelta

from django.db import transaction

from changes.approvals import policy, queries
from changes.approvals.models import Delegation
from portal.access.may import may_at, roles_at
from portal.access.models import User
from portal.access.people import actor_of, stream_of
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

MOMENT = timedelta(microseconds=1)
"""The end of a delegation no longer counts; the last moment that does is this much earlier."""


@transaction.atomic
def delegate(
    *,
    absent: User,
    to: User,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: User,
    at: datetime,
) -> Delegation:
    """``to`` stands in for ``absent`` from one moment to another. One does it for oneself; the chair for somebody ill.

    Refused unless ``to`` may approve all that time, and when either of them has handed over or stands in already then.
    """
    # Locked in one order, as the database does it too: two delegations at once cannot each miss the other.
    list(User.objects.select_for_update(no_key=True).filter(pk__in=(absent.pk, to.pk)).order_by("pk"))
    span = policy.Span(starts_at, ends_at)
    policy.check_maker(
        absent=absent.name,
        by_self=by.pk == absent.pk,
        roles=roles_at(by, at=at),
        may_hand_over=may_at(by, P.APPROVAL_DELEGATE, at=at),
    )
    policy.check_span(span=span, at=at, longest=parameters_at(at).delegation_longest)
    policy.check_pair(
        absent=absent.name,
        delegate=to.name,
        same=absent.pk == to.pk,
        absent_may=may_at(absent, P.CHANGE_APPROVE, at=at),
        delegate_may=(may_at(to, P.CHANGE_APPROVE, at=starts_at), may_at(to, P.CHANGE_APPROVE, at=ends_at - MOMENT)),
    )
    _check_no_chain(absent, to, span)
    if not reason.strip():
        raise Refused(Clause.ACCESS_RESTRICTED, "A reason is missing.", "Say in a few words why, such as a holiday.")
    made = Delegation.objects.create(
        absent=absent, delegate=to, starts_at=starts_at, ends_at=ends_at, reason=reason.strip(), made_by=by, made_at=at
    )
    _tell(made, kind="approvals.delegated", by=by, at=at)
    return made


def _check_no_chain(absent: User, to: User, span: policy.Span) -> None:
    others = list(queries.meeting(starts_at=span.starts_at, ends_at=span.ends_at))
    policy.check_no_chain(
        absent=absent.name,
        delegate=to.name,
        away=next((row.delegate.name for row in others if row.absent_id == to.pk), ""),
        standing_in=next((row.absent.name for row in others if row.delegate_id == absent.pk), ""),
        handed_over=any(row.absent_id == absent.pk for row in others),
    )


@transaction.atomic
def end_delegation(*, delegation: Delegation, by: User, at: datetime) -> Delegation:
    """End it now, or take it back before it begins. The absent person may, who stands in, and the chair."""
    row = Delegation.objects.select_for_update(of=("self",)).select_related("absent", "delegate").get(pk=delegation.pk)
    if by.pk not in (row.absent_id, row.delegate_id) and Role.CHAIR not in roles_at(by, at=at):
        why = f"Only {row.absent.name}, {row.delegate.name} and the chair end this."
        raise Refused(Clause.ACCESS_RESTRICTED, why, "Ask one of them.")
    if row.ended_at is not None or row.ends_at <= at:
        raise Stale("This delegation has ended already.")
    return end(row, by=by, at=at)


def end(row: Delegation, *, by: User, at: datetime) -> Delegation:
    """Write the end of a locked delegation, for whoever has asked already."""
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    _tell(row, kind="approvals.delegation_ended", by=by, at=at)
    return row


def _tell(row: Delegation, *, kind: str, by: User, at: datetime) -> None:
    append(
        stream=stream_of(row.absent),
        kind=kind,
        actor=actor_of(by),
        fact={
            "delegation": row.pk,
            "for": row.absent.name,
            "to": row.delegate.name,
            "from": row.starts_at.isoformat(),
            "until": row.ends_at.isoformat(),
            "reason": row.reason,
            "by": by.name,
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring("inbox")
