"""What can be done with a question of an audit, and what it is then. Pure."""

from collections.abc import Iterator
from enum import StrEnum


class State(StrEnum):
    """Of a request. It is open until its owner has answered, and closed by those who asked."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class Move(StrEnum):
    """What a message does to the request that it belongs to."""

    ASK = "ask"
    WRITE = "write"
    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"


AFTER: dict[tuple[str, Move], State] = {
    ("", Move.ASK): State.OPEN,
    (State.OPEN, Move.WRITE): State.OPEN,
    (State.OPEN, Move.ANSWER): State.ANSWERED,
    (State.OPEN, Move.CLOSE): State.CLOSED,
    (State.ANSWERED, Move.WRITE): State.ANSWERED,
    (State.ANSWERED, Move.ANSWER): State.ANSWERED,
    (State.ANSWERED, Move.CLOSE): State.CLOSED,
    (State.ANSWERED, Move.REOPEN): State.OPEN,
    (State.CLOSED, Move.REOPEN): State.OPEN,
}
"""By state before (empty: there is none yet) and move."""


def state_after(before: str, move: Move) -> State | None:
    """The state that a move leads to; None when it cannot be made."""
    return AFTER.get((before, move))


def triples() -> Iterator[tuple[str, str, str]]:
    """All that is possible, as the database is told: state before, move, state after."""
    return ((str(before), str(move), str(after)) for (before, move), after in AFTER.items())
