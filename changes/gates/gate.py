"""What a gate says, and the table of the twelve. Pure.

A gate is one condition of the policy, judged at one moment: its state, one plain sentence with names, numbers and
commits (seven digits), who can do what next, and references to the facts behind it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from changes.gates.facts import GateState
from portal.policy.clauses import Clause

Item = TypeVar("Item")

REPORTED = "reported, not confirmed yet"
"""The words on every judgement that rests on a webhook alone."""
LATE = "It can no longer be mended: somebody explains it, and the architecture team judges the answer."


class Code(StrEnum):
    """The gates in the order of the policy."""

    PROPOSAL = "proposal"
    DECISION = "decision"
    PULL_REQUEST = "pull_request"
    REVIEW = "review"
    CI = "ci"
    ROLLBACK = "rollback"
    STAGING = "staging"
    APPROVAL = "approval"
    MERGE = "merge"
    RELEASE = "release"
    LOG = "log"
    REVIEW_AFTER = "review_after"


@dataclass(frozen=True)
class Kind:
    """The unchanging part of a gate: its name on pages, its name inside a sentence, its clause, and others it enforces."""

    name: str
    phrase: str
    clause: Clause
    also: tuple[Clause, ...] = ()


KINDS: dict[Code, Kind] = {
    Code.PROPOSAL: Kind("Proposal", "description", Clause.CATEGORY),
    Code.DECISION: Kind("Decision", "decision of the meeting", Clause.LARGE_DECIDED),
    Code.PULL_REQUEST: Kind("Pull request", "pull request", Clause.STARTS_AS_PULL_REQUEST),
    Code.REVIEW: Kind("Review", "review", Clause.REVIEWED, (Clause.MAIN_RESTRICTED,)),
    Code.CI: Kind("CI", "CI", Clause.CI_PASSES, (Clause.MAIN_RESTRICTED,)),
    Code.ROLLBACK: Kind("Rollback plan", "rollback plan", Clause.ROLLBACK, (Clause.SNAPSHOT,)),
    Code.STAGING: Kind("Staging", "proof in staging", Clause.STAGING_FIRST),
    Code.APPROVAL: Kind("Approval", "production approval", Clause.ACCESS_RESTRICTED, (Clause.REVIEWED, Clause.EMERGENCY_REVIEW)),
    Code.MERGE: Kind("Merge", "authorised merge", Clause.AUTHORISED_MERGE, (Clause.PROD_RESTRICTED,)),
    Code.RELEASE: Kind("Release", "release", Clause.PROD_RESTRICTED, (Clause.DEPLOYED_THROUGH_FLY,)),
    Code.LOG: Kind("Log", "log message in Slack", Clause.LOGGED),
    Code.REVIEW_AFTER: Kind("Review after", "review afterwards", Clause.EMERGENCY_REVIEW),
}
NUMBERS: dict[Code, int] = {code: number for number, code in enumerate(Code, start=1)}


@dataclass(frozen=True)
class Evidence:
    """A fact behind a judgement: what to call it, and where it is (``pull_request:acme/web#18``, ``commit:…``)."""

    label: str
    ref: str


@dataclass(frozen=True)
class Gate:
    """One gate, judged."""

    number: int
    code: str
    name: str
    clause: Clause
    state: GateState
    reason: str
    """One plain sentence."""
    who: str = ""
    """Who can do what next; empty when the gate is met or not needed."""
    evidence: tuple[Evidence, ...] = ()
    confirmed: bool = True
    """False when the judgement rests on something that only a webhook has said."""
    doubt: str = ""
    """What keeps a met gate from being proof, such as an account that is linked to no person; empty when nothing does."""
    held: bool = False
    """It waits although its turn has come: a freeze holds it, so that the change is not ready."""


@dataclass(frozen=True)
class Judgement:
    """What a rule says about one part of a change (one pull request, one repository); parts add up to a gate."""

    state: GateState
    reason: str
    """A sentence without its full stop."""
    who: str = ""
    evidence: tuple[Evidence, ...] = ()
    confirmed: bool = True
    doubt: str = ""
    clause: Clause | None = None
    """When it is another than the gate's own."""
    held: bool = False


WORST_FIRST = (
    GateState.FAILED,
    GateState.WAITING,
    GateState.NOT_CONNECTED,
    GateState.MET,
    GateState.NOT_NEEDED,
)


def gate(code: Code, judgement: Judgement) -> Gate:
    """The gate of one judgement."""
    return combined(code, [judgement])


def combined(code: Code, parts: Sequence[Judgement]) -> Gate:
    """The gate of several judgements: the worst of them decides and speaks; all of them give evidence.

    ``parts`` must not be empty: a gate about nothing would be met by everything.
    """
    state = min((part.state for part in parts), key=WORST_FIRST.index)
    speaking = [part for part in parts if part.state == state]
    confirmed = all(part.confirmed for part in parts)
    reason = "; ".join(unique(part.reason for part in speaking))
    if not confirmed and state in (GateState.MET, GateState.FAILED):
        reason = f"{reason} ({REPORTED})"
    kind = KINDS[code]
    return Gate(
        number=NUMBERS[code],
        code=str(code),
        name=kind.name,
        clause=next((part.clause for part in speaking if part.clause), kind.clause),
        state=state,
        reason=f"{reason}.",
        who=" ".join(unique(part.who for part in speaking)),
        evidence=tuple(unique(item for part in parts for item in part.evidence)),
        confirmed=confirmed,
        doubt=" ".join(unique(part.doubt for part in parts)),
        held=any(part.held for part in speaking),
    )


def unique(items: Iterable[Item]) -> list[Item]:
    """The items once each, without empty ones, in their order."""
    return [item for item in dict.fromkeys(items) if item]


def met(reason: str, *evidence: Evidence, confirmed: bool = True, doubt: str = "", clause: Clause | None = None) -> Judgement:
    """The condition holds."""
    return Judgement(GateState.MET, reason, evidence=evidence, confirmed=confirmed, doubt=doubt, clause=clause)


def not_needed(reason: str) -> Judgement:
    """The policy does not ask it of this change."""
    return Judgement(GateState.NOT_NEEDED, reason)


def not_connected(reason: str, *evidence: Evidence, who: str, confirmed: bool = True) -> Judgement:
    """It cannot be judged: the source has not told, or is not there. Never read as met."""
    return Judgement(GateState.NOT_CONNECTED, f"Not connected: {reason}", who=who, evidence=evidence, confirmed=confirmed)


def open_or_failed(
    *,
    late: bool,
    reason: str,
    who: str,
    evidence: tuple[Evidence, ...] = (),
    confirmed: bool = True,
    clause: Clause | None = None,
    remedy: str = LATE,
) -> Judgement:
    """The condition does not hold: still to be done (``who`` can), or, its moment having passed (``late``), failed.

    ``remedy`` says what can be done after a failure; most cannot be mended.
    """
    if late:
        return Judgement(GateState.FAILED, reason, remedy, evidence, confirmed, clause=clause)
    return Judgement(GateState.WAITING, reason, who, evidence, confirmed, clause=clause)
