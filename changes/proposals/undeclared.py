"""Emergencies that nobody declared: the portal does, after it found a way past the rules, and takes it back when refuted.

It adds duties (a retrospective review, a reason in writing) and excuses nothing; see docs/adr for why. Whether there is a
way past the rules is for the exceptions to say.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.proposals import queries
from changes.proposals.lifecycle import State
from changes.proposals.models import Category, Change
from changes.proposals.moving import move, ring_for, stream_of
from portal.ledger.actions import append

REASON = "The portal declared it: it went to production past the rules, and nobody had declared an emergency."
PORTAL = "portal"
OVER = (State.MERGED, State.RELEASED, State.ROLLED_BACK, State.CLOSED)


def upheld(change: Change, values: dict[str, Any]) -> dict[str, Any]:
    """The classes of a change as computed, with the emergency that the portal declared kept."""
    if not change.undeclared:
        return values
    return {**values, "category": Category.EMERGENCY, "reasons": {**values["reasons"], "category": [REASON]}}


@transaction.atomic
def declare_undeclared(*, change: Change, fact: Mapping[str, Any], at: datetime) -> bool:
    """Make a change an emergency on the portal's own word. Returns whether it was none before; a declared one stays as it is."""
    locked = queries.locked(change.pk)
    if locked.category == Category.EMERGENCY:
        return False
    locked.category, locked.undeclared = Category.EMERGENCY, True
    locked.reasons = {**locked.reasons, "category": [REASON]}
    locked.save(update_fields=["category", "undeclared", "reasons"])
    append(
        stream=stream_of(locked),
        kind="change.emergency_declared",
        actor=PORTAL,
        fact={**fact, "reason": REASON, "at": at.isoformat()},
        rows=[locked],
    )
    ring_for(locked)
    change.category, change.undeclared, change.reasons = locked.category, locked.undeclared, locked.reasons
    return True


@transaction.atomic
def take_back_declaration(*, change: Change, why: str, at: datetime) -> None:
    """Later evidence refutes it. A change that the portal opened for a push is withdrawn; any other is standard again."""
    locked = queries.locked(change.pk)
    if not locked.undeclared:
        return
    if locked.opened_by == PORTAL:
        if locked.state in OVER:
            move(change=locked, verb="take_back", actor=PORTAL, at=at, fact={"reason": why})
        Change.objects.filter(pk=locked.pk).update(merged_at=None, released_at=None, review_due_at=None, retrospective_due_at=None)
        return
    locked.category, locked.undeclared = Category.STANDARD, False
    locked.reasons = {**locked.reasons, "category": [f"The portal took its declaration back: {why}."]}
    locked.retrospective_due_at = None
    locked.save(update_fields=["category", "undeclared", "reasons", "retrospective_due_at"])
    append(
        stream=stream_of(locked),
        kind="change.classified",
        actor=PORTAL,
        fact={"category": str(Category.STANDARD), "reason": why, "at": at.isoformat()},
        rows=[locked],
    )
    ring_for(locked)
