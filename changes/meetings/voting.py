"""Who may vote, and what the votes come to. Pure (P-01, P-30; separation of duties P-03). People are ids.

The last word of a person counts. Whoever contributed to a change, or asked for it, is recused by the rule and not by their own
word; recused and abstaining people count for the quorum and not for the majority.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from changes.meetings.quorum import Quorum, quorum_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

YES, NO, ABSTAIN, RECUSED = "yes", "no", "abstain", "recused"
CHOICES = (YES, NO, ABSTAIN, RECUSED)


@dataclass(frozen=True)
class Cast:
    """One word: who, what, when."""

    person: int
    choice: str
    at: datetime


@dataclass(frozen=True)
class Tally:
    """What a vote came to. ``silent`` were there and said nothing."""

    yes: tuple[int, ...]
    no: tuple[int, ...]
    abstained: tuple[int, ...]
    recused: tuple[int, ...]
    silent: tuple[int, ...]
    quorum: Quorum

    @property
    def carried(self) -> bool:
        """Whether more said yes than no, somebody said it, and there was a quorum."""
        return self.quorum.met and len(self.yes) > len(self.no)

    @property
    def sentence(self) -> str:
        """The result in words."""
        return f"{'Carried' if self.carried else 'Not carried'}: {self.counts}. {self.quorum.sentence}"

    @property
    def counts(self) -> str:
        """How many said what."""
        return f"{len(self.yes)} yes, {len(self.no)} no, {len(self.abstained)} abstained, {len(self.recused)} recused"


def last_words(casts: Iterable[Cast]) -> dict[int, str]:
    """The last choice of each person."""
    return {cast.person: cast.choice for cast in sorted(casts, key=lambda cast: cast.at)}


def tally(
    *,
    casts: Iterable[Cast],
    roster: frozenset[int],
    leads: frozenset[int],
    present: frozenset[int],
    involved: frozenset[int],
    percent: int,
) -> Tally:
    """What the votes come to. ``present`` are those who were there when the vote closed (of a written one: who spoke)."""
    said: Mapping[int, str] = {person: choice for person, choice in last_words(casts).items() if person in roster & present}
    counted = {person: RECUSED if person in involved else said.get(person, "") for person in sorted(roster & present)}
    by = {choice: tuple(person for person, word in counted.items() if word == choice) for choice in (*CHOICES, "")}
    quorum = quorum_of(roster=roster, leads=leads, present=present, percent=percent)
    return Tally(by[YES], by[NO], by[ABSTAIN], by[RECUSED], by[""], quorum)


def check_voter(
    *, person: int, name: str, choice: str, roster: frozenset[int], present: frozenset[int] | None, involved: frozenset[int]
) -> None:
    """May this person say this now? ``present`` None: the vote is written, and nobody has to be there."""
    if choice not in CHOICES:
        raise Refused(Clause.OVERSEEN, "That is no vote.", "Say yes, no, abstain, or that you take no part.")
    if person not in roster:
        raise Refused(Clause.OVERSEEN, f"{name} has no seat in this meeting today.", "Ask the chair for a seat.")
    if present is not None and person not in present:
        raise Refused(Clause.OVERSEEN, f"{name} is not at the meeting.", "Come to the meeting first, then vote.")
    if person in involved and choice != RECUSED:
        raise Refused(Clause.REVIEWED, "You asked for this change, or contributed to it.", "You are recused; the others decide.")


def check_open(*, closed: bool, over: bool, edited: bool) -> None:
    """A vote takes words while it is open, on the text with which it was opened."""
    if closed or over:
        raise Stale("The vote is closed; your word was not counted.")
    if edited:
        raise Stale("The text was edited after the vote was opened. The chair closes this vote and opens another.")


def check_decision(
    *,
    outcome: str,
    reason: str,
    needs_vote: bool,
    carried: bool | None,
    void: str,
    quorum: bool,
    recorder_involved: bool,
    conditions: int,
) -> None:
    """May the chair record this? ``carried`` None: there was no vote. Nobody records a decision alone on the own proposal."""
    if not reason.strip():
        raise Refused(Clause.LARGE_DECIDED, "A decision has its reason.", "Write in a sentence why.")
    if not quorum:
        raise Refused(Clause.OVERSEEN, "There is no quorum, so nothing can be decided.", "Wait until enough voters are there.")
    if recorder_involved:
        raise Refused(Clause.REVIEWED, "You asked for this change, or contributed to it.", "A deputy records this decision.")
    if (outcome == "conditional") != bool(conditions):
        raise Refused(
            Clause.LARGE_DECIDED,
            "Conditions belong to a decision with conditions, and to no other.",
            "Name at least one, or choose another outcome.",
        )
    if needs_vote and outcome != "deferred":
        _check_vote(outcome, carried, void)


def _check_vote(outcome: str, carried: bool | None, void: str) -> None:
    if void:
        raise Refused(Clause.LARGE_DECIDED, f"The vote does not count: {void}.", "Open another vote, or defer the point.")
    if carried is None:
        raise Refused(Clause.LARGE_DECIDED, "There was no vote on this text.", "Open a vote first, or defer the point.")
    if carried != (outcome in ("approved", "conditional")):
        said = "carried" if carried else "did not carry"
        raise Refused(Clause.LARGE_DECIDED, f"The vote {said} it.", "Record what was voted.")
