"""What may be around an approval: delegations, conditions, waivers. Pure; answers by silence or by ``Refused``. Times are UTC.

Clauses: P-03, P-19, P-29.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from changes.delivery.actor import Actor
from changes.proposals.lifecycle import OPEN_STATES, State
from portal.access.roles import Role
from portal.policy.approvals import Need
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

FULFILLED, CONFIRMED, SENT_BACK = "fulfilled", "confirmed", "sent_back"
OPEN, TO_CONFIRM, DONE = "open", "to_confirm", "done"
"""Where a condition stands."""


@dataclass(frozen=True)
class Span:
    """A stretch of time, [from, to)."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: "Span") -> bool:
        """Whether both have a moment in common."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def check_span(*, span: Span, at: datetime, longest: timedelta) -> None:
    """A delegation begins now or later, ends after it begins, and does not last for ever."""
    if span.ends_at <= span.starts_at:
        raise Refused(Clause.ACCESS_RESTRICTED, "The end lies before the beginning.", "Choose a later end.")
    if span.starts_at < at:
        raise Refused(Clause.ACCESS_RESTRICTED, "A delegation cannot begin in the past.", "Let it begin now.")
    if span.ends_at - span.starts_at > longest:
        why = f"A delegation lasts at most {longest.days} days."
        raise Refused(Clause.ACCESS_RESTRICTED, why, "Choose an earlier end; make another one later if it is still needed.")


def check_maker(*, absent: str, by_self: bool, roles: Collection[Role], may_hand_over: bool) -> None:
    """One hands over one's own approvals; the chair does it for somebody who cannot (``absent`` is a name)."""
    if by_self and may_hand_over:
        return
    if not by_self and Role.CHAIR in roles:
        return
    who = "Only people who may approve hand approvals over." if by_self else f"Only {absent} or the chair can do that."
    raise Refused(Clause.ACCESS_RESTRICTED, who, "Ask the chair.")


def check_pair(*, absent: str, delegate: str, same: bool, absent_may: bool, delegate_may: tuple[bool, bool]) -> None:
    """``delegate_may``: whether the delegate may approve at the beginning and at the end."""
    if same:
        raise Refused(Clause.ACCESS_RESTRICTED, "Nobody stands in for themselves.", "Choose somebody else.")
    if not absent_may:
        why = f"{absent} may not approve changes, so there is nothing to hand over."
        raise Refused(Clause.ACCESS_RESTRICTED, why, "Choose somebody who may.")
    if not all(delegate_may):
        when = "at the beginning" if not delegate_may[0] else "at the end"
        why = f"{delegate} may not approve changes {when} of that time."
        raise Refused(Clause.ACCESS_RESTRICTED, why, "Choose somebody who may approve all the time.")


def check_no_chain(*, absent: str, delegate: str, away: str, standing_in: str, handed_over: bool) -> None:
    """A delegation is not handed on. ``away``: who acts for the delegate then; ``standing_in``: for whom the absent acts then.

    Both are names, empty when there is nobody.
    """
    if handed_over:
        why = f"Somebody stands in for {absent} in that time already."
        raise Refused(Clause.ACCESS_RESTRICTED, why, "End that delegation first.")
    if away:
        why = f"{delegate} is away in that time, and {away} stands in. A delegation is not handed on."
        raise Refused(Clause.ACCESS_RESTRICTED, why, f"Choose {away} or somebody else.")
    if standing_in:
        why = f"{absent} stands in for {standing_in} in that time. A delegation is not handed on."
        raise Refused(Clause.ACCESS_RESTRICTED, why, f"End it first, so that somebody else stands in for {standing_in}.")


def check_on_behalf(*, absent: Actor, delegated: bool, contributors: Iterable[Actor], requester: Actor) -> None:
    """May somebody's word be given on behalf of ``absent``? Their own independence is checked apart from this."""
    if not delegated:
        why = f"{absent.name} has not handed approvals over to you for this time."
        raise Refused(Clause.ACCESS_RESTRICTED, why, "Give your word in your own name.")
    if absent.same_as(requester) or any(absent.same_as(other) for other in contributors):
        why = f"{absent.name} took part in this change, so nobody approves it on behalf of {absent.name}."
        raise Refused(Clause.REVIEWED, why, "Give your word in your own name.")


@dataclass(frozen=True)
class Candidate:
    """Somebody who may approve for production, and what keeps them from approving this change; empty when nothing does."""

    actor: Actor
    why_not: str

    @property
    def free(self) -> bool:
        """Whether this person can still be asked."""
        return not self.why_not


def missing_approvers(*, need: Need, given: int, candidates: Sequence[Candidate]) -> int:
    """How many approvals nobody is left to give; 0 while there are people enough."""
    return max(0, need.count - given - sum(candidate.free for candidate in candidates))


def check_waiver(*, state: str, missing: int, free: Sequence[str], emergency: bool, head_sha: str) -> None:
    """A waiver is for a change that waits for an approval which nobody can give. ``free`` are names of those who could."""
    if state not in (State.PROPOSED, State.APPROVED) and not (emergency and state in (*OPEN_STATES, State.MERGED)):
        raise Refused(Clause.FOLLOWED, "A waiver is decided while a change is in review.")
    if not missing:
        why = f"{' and '.join(free)} can approve it." if free else "It has the approvals that it needs."
        raise Refused(Clause.REVIEWED, why, "Ask for the approval." if free else "")
    if not head_sha and not emergency:
        raise Refused(Clause.STARTS_AS_PULL_REQUEST, "There is no commit to approve yet.", "Wait until a pull request is linked.")


def check_waiver_text(*, reason: str, review_at: datetime, at: datetime, longest: timedelta) -> None:
    """A waiver has a reason, and a day on which somebody looks at it again."""
    if not reason.strip():
        raise Refused(Clause.FOLLOWED, "A waiver needs a reason.", "Say in a sentence or two why it cannot wait.")
    if not at < review_at <= at + longest:
        why = f"The review of a waiver is due within {longest.days} days."
        raise Refused(Clause.FOLLOWED, why, "Choose a day in that time.")


def check_signer(*, roles: Collection[Role], signed: Collection[Role]) -> Role:
    """As what somebody signs a waiver: chair or compliance manager. Each signs once."""
    held = [role for role in (Role.CHAIR, Role.COMPLIANCE) if role in roles]
    if not held:
        raise Refused(Clause.FOLLOWED, "The chair and the compliance manager decide on a waiver.", "Ask them.")
    if held[0] in signed:
        raise Stale(f"The {held[0].label.lower()} has signed this waiver already.")
    return held[0]


def check_one_took_no_part(*, signers: Sequence[Actor], contributors: Iterable[Actor], requester: Actor) -> None:
    """At least one of the two took no part in the change; otherwise two of its makers would let it pass."""
    people = (*contributors, requester)
    if all(any(signer.same_as(other) for other in people) for signer in signers):
        why = "Both of you took part in this change."
        raise Refused(Clause.REVIEWED, why, "Give somebody the right to approve who took no part.")


def progress(*, steps: Sequence[str], to_confirm: bool) -> str:
    """Where a condition stands after these steps: open, to_confirm or done."""
    last = steps[-1] if steps else SENT_BACK
    if last == SENT_BACK:
        return OPEN
    return TO_CONFIRM if last == FULFILLED and to_confirm else DONE


def check_condition(*, text: str, owner: str, owner_may: bool, due_at: datetime, at: datetime) -> None:
    """A condition says what, is due later, and belongs to somebody who works with changes."""
    if not text.strip():
        raise Refused(Clause.FOLLOWED, "A condition needs words.", "Say what has to be done.")
    if due_at <= at:
        raise Refused(Clause.FOLLOWED, "A condition cannot be due in the past.", "Choose a later day.")
    if not owner_may:
        raise Refused(Clause.ACCESS_RESTRICTED, f"{owner} does not work with changes.", "Choose somebody who does.")


def check_fulfilling(*, owner: str, is_owner: bool, standing: bool, state: str, note: str) -> None:
    """Its owner says that a condition is done, with a note."""
    if not is_owner:
        raise Refused(Clause.ACCESS_RESTRICTED, f"The condition belongs to {owner}.", f"Ask {owner}.")
    _check_standing(standing=standing)
    if state != OPEN:
        raise Stale("Somebody has said that this condition is done already.")
    if not note.strip():
        raise Refused(Clause.FOLLOWED, "Say how it was done.", "Write it in a sentence.")


def check_confirming(*, set_by: str, may_confirm: bool, did_it: bool, standing: bool, state: str, note: str, kind: str) -> None:
    """Who set it agrees that a condition is done, or sends it back and says what is missing."""
    if did_it:
        raise Refused(Clause.REVIEWED, "You have done it yourself.", "Ask somebody else to confirm it.")
    if not may_confirm:
        raise Refused(Clause.ACCESS_RESTRICTED, f"{set_by} set this condition and confirms it.", f"Ask {set_by}.")
    _check_standing(standing=standing)
    if state != TO_CONFIRM:
        raise Stale("There is nothing to confirm here any more.")
    if kind == SENT_BACK and not note.strip():
        raise Refused(Clause.FOLLOWED, "Say what is missing.", "Write it in a sentence.")


def _check_standing(*, standing: bool) -> None:
    if not standing:
        raise Stale("The approval with this condition no longer counts, and the condition neither.")
