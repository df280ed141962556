"""The way of a finding, from its opening to its end, and who takes each step. Pure."""

from collections.abc import Iterator
from enum import StrEnum


class State(StrEnum):
    """Of a finding. It ends only after a retest that it passed."""

    OPEN = "open"
    RESPONDED = "responded"
    CORRECTED = "corrected"
    RETESTED = "retested"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The word that people read."""
        return LABELS[self]


LABELS = {
    State.OPEN: "Open",
    State.RESPONDED: "Management responded",
    State.CORRECTED: "Corrected, to be retested",
    State.RETESTED: "Retest passed",
    State.CLOSED: "Closed",
}


class Move(StrEnum):
    """One step of a finding."""

    OPEN = "open"
    RESPOND = "respond"
    CORRECT = "correct"
    HOLDS = "holds"
    FAILS = "fails"
    CLOSE = "close"
    REOPEN = "reopen"


OWNERS: frozenset[Move] = frozenset({Move.RESPOND, Move.CORRECT})
"""What its owner does; all else is for whoever tests, and never for the owner."""

AFTER: dict[tuple[str, Move], State] = {
    ("", Move.OPEN): State.OPEN,
    (State.OPEN, Move.RESPOND): State.RESPONDED,
    (State.RESPONDED, Move.RESPOND): State.RESPONDED,
    (State.RESPONDED, Move.CORRECT): State.CORRECTED,
    (State.CORRECTED, Move.HOLDS): State.RETESTED,
    (State.CORRECTED, Move.FAILS): State.OPEN,
    (State.RETESTED, Move.CLOSE): State.CLOSED,
    (State.RETESTED, Move.REOPEN): State.OPEN,
    (State.CLOSED, Move.REOPEN): State.OPEN,
}
"""By state before (empty: there is none yet) and move."""


def state_after(before: str, move: Move) -> State | None:
    """The state that a move leads to; None when it cannot be made."""
    return AFTER.get((before, move))


def moves_from(state: str) -> tuple[Move, ...]:
    """What can be done next."""
    return tuple(move for before, move in AFTER if before == state)


def triples() -> Iterator[tuple[str, str, str]]:
    """All that is possible, as the database is told: state before, move, state after."""
    return ((str(before), str(move), str(after)) for (before, move), after in AFTER.items())
