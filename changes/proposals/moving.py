"""The moves of a change between its states, each with its evidence in the same transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.proposals import queries
from changes.proposals.lifecycle import Move, State, find_move
from changes.proposals.models import Change
from portal.ledger.actions import Draft, append
from portal.policy.refusal import Stale
from portal.ui.doorbell import ring

MOVED = ("state", "moved_at", "version")
"""What a move writes."""


def stream_of(change: Change) -> str:
    """The ledger stream of one change."""
    return f"change:{change.number}"


def take_step(*, change: Change, step: Move, actor: str, at: datetime, fact: Mapping[str, Any] | None = None) -> Draft:
    """Put the change where a move leads, in memory, and say what the ledger is to keep of it. Who calls it writes both."""
    change.state = step.target
    change.moved_at = max(change.moved_at, at)
    change.version += 1
    said = {"from": str(step.source), "to": str(step.target), "at": at.isoformat(), **(fact or {})}
    return Draft(stream_of(change), f"change.{step.verb}", actor, said, [change])


@transaction.atomic
def move(*, change: Change, verb: str, actor: str, at: datetime, fact: Mapping[str, Any] | None = None) -> Change:
    """Make one move of the table. Raises ``Stale`` when the change is not where the move starts."""
    locked = queries.locked(change.pk)
    step = find_move(verb, locked.state)
    if step is None:
        raise Stale(f"{locked} is {State(locked.state).label.lower()} now; it cannot {verb.replace('_', ' ')} from there.")
    draft = take_step(change=locked, step=step, actor=actor, at=at, fact=fact)
    locked.save(update_fields=MOVED)
    append(**vars(draft))
    ring_for(locked)
    change.state, change.version, change.moved_at = locked.state, locked.version, locked.moved_at
    return locked


def ring_for(change: Change) -> None:
    """Tell open pages that this change has moved."""
    ring(f"change-{change.number}")
    ring("inbox")
