"""Somebody signed the policy: the changes whose gate waits for that are judged again at once."""

from datetime import datetime

from changes.gates.actions import reassess
from changes.gates.facts import GateState
from changes.gates.rules.training import PLACE
from changes.proposals.lifecycle import State
from changes.proposals.models import Change
from changes.training.hearing import listener
from portal.access.models import User

AT_ONCE = 50
"""More are left to the clock, which finds them within minutes."""


@listener
def judge_waiting(person: User, at: datetime) -> None:
    """Judge changes in review again whose gate waits and looked at training."""
    rows = Change.objects.filter(
        state__in=(State.PROPOSED, State.APPROVED),
        assessment__gates__contains=[{"state": str(GateState.WAITING), "evidence": [{"ref": PLACE.ref}]}],
    )
    for change in rows.order_by("-moved_at", "-pk")[:AT_ONCE]:
        reassess(change=change, at=at)
