"""What may be declared, confirmed and answered: pure functions that answer by silence or by ``Refused`` (P-21, P-22)."""

from changes.proposals.lifecycle import OPEN_STATES, State
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

LONGEST = 10_000
"""Characters of one field, and of an answer. An emergency is described in sentences; more belongs into the proposal."""
FIELDS = {"broken": "what is broken", "fix": "the fix", "undo": "how to undo it"}


def check_fields(*, broken: str, fix: str, undo: str) -> None:
    """All three are there, and none is endless."""
    given = {"broken": broken, "fix": fix, "undo": undo}
    missing = [words for name, words in FIELDS.items() if not given[name].strip()]
    if missing:
        raise Refused(
            Clause.EMERGENCY_COORDINATED,
            f"An emergency says in a sentence each what is broken, the fix, and how to undo it. Missing: {', '.join(missing)}.",
            "Write it in the order: what is broken | the fix | how to undo it.",
        )
    long = [words for name, words in FIELDS.items() if len(given[name]) > LONGEST]
    if long:
        raise Refused(
            Clause.EMERGENCY_COORDINATED,
            f"Too long, more than {LONGEST} characters: {', '.join(long)}.",
            "Say it in a few sentences; the rest belongs into the proposal.",
        )


def check_open_for_plus_one(*, state: str, undeclared: bool) -> None:
    """A +1 opens the gate of an emergency that somebody declared and that is not over."""
    if undeclared:
        raise Refused(
            Clause.EMERGENCY_REVIEW,
            "Nobody declared this emergency in time, so a +1 can no longer open its gate.",
            "Write the retrospective review instead.",
        )
    if state == State.WITHDRAWN:
        raise Refused(Clause.EMERGENCY_REVIEW, "The change was withdrawn.", "If something is broken still, declare it anew.")


def check_not_declarer(*, is_declarer: bool) -> None:
    """Somebody else than the declarer gives the +1, even where somebody else wrote the fix."""
    if is_declarer:
        raise Refused(Clause.EMERGENCY_REVIEW, "You declared this emergency.", "Ask somebody else for the +1.")


def check_can_be_declared(*, state: str, name: str) -> None:
    """An existing change becomes an emergency only before it is in production."""
    if state not in OPEN_STATES:
        raise Refused(
            Clause.EMERGENCY_COORDINATED,
            f"{name}, to which that pull request belongs, is {State(state).label.lower()}.",
            "Describe the fix without naming that pull request, or name another one.",
        )


def check_answerer(*, is_asked: bool, nobody_linked: bool, oversees: bool, may_explain: bool) -> None:
    """Whoever was asked answers; where the account is linked to nobody, anybody who may explain; and who oversees, for them."""
    if is_asked or oversees or (nobody_linked and may_explain):
        return
    raise Refused(Clause.FOLLOWED, "Somebody else was asked for this reason.", "They answer, or the architecture team for them.")


def check_reason(*, text: str) -> None:
    """A reason is a sentence or more."""
    if not text.strip():
        raise Refused(Clause.FOLLOWED, "The answer is empty.", "Write in a sentence or two why it was done so.")
    if len(text) > LONGEST:
        raise Refused(Clause.FOLLOWED, f"The answer has more than {LONGEST} characters.", "Say it in a few sentences.")
