"""The states of a change and the only moves between them. Pure but for Django's choices.

Facts win over wishes: a merge to production moves a change from any open state, approved or not; the gates and
the exceptions say what was missing. Clauses: P-05, P-08, P-17.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models


class State(models.TextChoices):
    DRAFT = "draft", "Draft"
    PROPOSED = "proposed", "In review"
    APPROVED = "approved", "Approved"
    MERGED = "merged", "Merged to production"
    RELEASED = "released", "In production"
    ROLLED_BACK = "rolled_back", "Rolled back"
    CLOSED = "closed", "Closed"
    WITHDRAWN = "withdrawn", "Withdrawn"


@dataclass(frozen=True)
class Move:
    """One permitted step: its verb, where from, where to, and whether a person may press it."""

    verb: str
    source: State
    target: State
    by_person: bool


MOVES: tuple[Move, ...] = (
    Move("propose", State.DRAFT, State.PROPOSED, True),
    Move("approve", State.PROPOSED, State.APPROVED, True),
    Move("lapse", State.APPROVED, State.PROPOSED, False),
    Move("withdraw", State.DRAFT, State.WITHDRAWN, True),
    Move("withdraw", State.PROPOSED, State.WITHDRAWN, True),
    Move("withdraw", State.APPROVED, State.WITHDRAWN, True),
    Move("reopen", State.WITHDRAWN, State.PROPOSED, True),
    Move("merge", State.DRAFT, State.MERGED, False),
    Move("merge", State.PROPOSED, State.MERGED, False),
    Move("merge", State.APPROVED, State.MERGED, False),
    Move("merge", State.WITHDRAWN, State.MERGED, False),
    Move("release", State.MERGED, State.RELEASED, False),
    Move("release", State.ROLLED_BACK, State.RELEASED, False),
    Move("roll_back", State.MERGED, State.ROLLED_BACK, False),
    Move("roll_back", State.RELEASED, State.ROLLED_BACK, False),
    Move("roll_back", State.CLOSED, State.ROLLED_BACK, False),
    Move("close", State.RELEASED, State.CLOSED, True),
    Move("close", State.ROLLED_BACK, State.CLOSED, True),
    # Only what the portal itself opened for a push, once later evidence shows that a pull request had brought it.
    Move("take_back", State.MERGED, State.WITHDRAWN, False),
    Move("take_back", State.RELEASED, State.WITHDRAWN, False),
    Move("take_back", State.ROLLED_BACK, State.WITHDRAWN, False),
    Move("take_back", State.CLOSED, State.WITHDRAWN, False),
)
OPEN_STATES = frozenset({State.DRAFT, State.PROPOSED, State.APPROVED})


def moves_from(state: str) -> list[Move]:
    """The moves that start at ``state``, in the order of the table."""
    return [move for move in MOVES if move.source == state]


def find_move(verb: str, state: str) -> Move | None:
    """The move ``verb`` from ``state``; None when the table does not have it."""
    return next((move for move in MOVES if move.verb == verb and move.source == state), None)


def permitted_pairs(moves: Iterable[Move] = MOVES) -> frozenset[tuple[str, str]]:
    """All (source, target) pairs, as the database guard needs them."""
    return frozenset((str(move.source.value), str(move.target.value)) for move in moves)
