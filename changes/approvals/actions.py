"""Give one's word with everything around it, for one change or for several. The parts stand in files of their own.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from changes.approvals import policy, queries
from changes.approvals.conditions import Wanted, confirm, fulfil, set_condition
from changes.approvals.delegating import delegate, end_delegation
from changes.approvals.waiving import propose_waiver, review_waiver, settle, sign_waiver, withdraw_waiver
from changes.proposals import approving
from changes.proposals import queries as proposals
from changes.proposals.approving import Seen
from changes.proposals.models import Approval, Change
from changes.proposals.people import user_actor
from portal.access.models import User
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

__all__ = [
    "Chosen",
    "Outcome",
    "Seen",
    "Wanted",
    "approve_routine",
    "confirm",
    "delegate",
    "end_delegation",
    "fulfil",
    "give",
    "propose_waiver",
    "review_waiver",
    "set_condition",
    "settle",
    "sign_waiver",
    "withdraw_waiver",
]


@transaction.atomic
def give(
    *,
    change: Change,
    by: User,
    verdict: str,
    note: str,
    seen: Seen,
    authenticated_at: datetime | None,
    at: datetime,
    on_behalf_of: User | None = None,
    conditions: Sequence[Wanted] = (),
) -> Approval:
    """A yes or no for production on what was ``seen``, perhaps for somebody away, a yes perhaps under conditions."""
    if on_behalf_of is not None:
        locked = proposals.locked(change.pk)
        policy.check_on_behalf(
            absent=user_actor(on_behalf_of),
            delegated=queries.is_delegated(absent=on_behalf_of, to=by, at=at),
            contributors=proposals.contributors(locked),
            requester=proposals.requester_of(locked),
        )
    if conditions and verdict != Approval.Verdict.YES:
        raise Refused(Clause.ACCESS_RESTRICTED, "Conditions belong to a yes.", "Write what should change into the note.")
    given = approving.approve(
        change=change,
        by=by,
        verdict=verdict,
        note=note,
        authenticated_at=authenticated_at,
        at=at,
        seen=seen,
        on_behalf_of=on_behalf_of,
    )
    for wanted in conditions:
        set_condition(change=given.change, approval=given, wanted=wanted, by=by, at=at)
    return given


@dataclass(frozen=True)
class Chosen:
    """One change that somebody wants to approve with others, as they saw it."""

    change: Change
    seen: Seen


@dataclass(frozen=True)
class Outcome:
    """What became of one of them. ``why_not`` is empty when the approval was given."""

    change: Change
    why_not: str


def approve_routine(
    *, chosen: Iterable[Chosen], by: User, note: str, authenticated_at: datetime | None, at: datetime
) -> list[Outcome]:
    """Approve several routine changes, each in a transaction with a lock and a ledger entry of its own.

    One that fails says why and leaves the others as they are.
    """
    outcomes = []
    for item in chosen:
        try:
            _approve_one(item, by, note, authenticated_at, at)
        except (Refused, Stale) as problem:
            outcomes.append(Outcome(item.change, problem.why if isinstance(problem, Refused) else str(problem)))
        else:
            outcomes.append(Outcome(item.change, ""))
    return outcomes


@transaction.atomic
def _approve_one(item: Chosen, by: User, note: str, authenticated_at: datetime | None, at: datetime) -> None:
    if not proposals.locked(item.change.pk).routine:
        raise Refused(Clause.ACCESS_RESTRICTED, "It is not routine, so it is approved on its own page.", "Open it.")
    give(
        change=item.change,
        by=by,
        verdict=Approval.Verdict.YES,
        note=note,
        seen=item.seen,
        authenticated_at=authenticated_at,
        at=at,
    )
