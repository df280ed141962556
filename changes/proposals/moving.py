"""The moves of a change between its states, each with its evidence in the same transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.proposals import queries
from changes.proposals.lifecycle import State, find_move
from changes.proposals.models import Change
from portal.ledger.actions import append
from portal.policy.refusal import Stale
from portal.ui.doorbell import ring


def stream_of(change: Change) -> str:
    """The ledger stream of one change."""
    return f"change:{change.number}"


@transaction.atomic
def move(*, change: Change, verb: str, actor: str, at: datetime, fact: Mapping[str, Any] | None = None) -> Change:
    """Make one move of the table. Raises ``Stale`` when the change is not where the move starts."""
    locked = queries.locked(change.pk)
    step = find_move(verb, locked.state)
    if step is None:
        raise Stale(f"{locked} is {State(locked.state).label.lower()} now; it cannot {verb.replace('_', ' ')} from there.")
    locked.state = step.target
    locked.moved_at = max(locked.moved_at, at)
    locked.version += 1
    locked.save(update_fields=["state", "moved_at", "version"])
    append(
        stream=stream_of(locked),
        kind=f"change.{verb}",
        actor=actor,
        fact={"from": str(step.source), "to": str(step.target), "at": at.isoformat(), **(fact or {})},
        rows=[locked],
    )
    ring_for(locked)
    change.state, change.version, change.moved_at = locked.state, locked.version, locked.moved_at
    return locked


def ring_for(change: Change) -> None:
    """Tell open pages that this change has moved."""
    ring(f"change-{change.number}")
    ring("inbox")
