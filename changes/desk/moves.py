"""Which buttons a change shows: the moves of the table that this person may press. The action still checks."""

from dataclasses import dataclass

from changes.proposals.lifecycle import moves_from
from changes.proposals.models import Change
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P

WORDS = {
    "propose": "Put up for review",
    "withdraw": "Withdraw the change",
    "reopen": "Open it again",
    "close": "Close the change",
}


@dataclass(frozen=True)
class Button:
    """A move and what its button says."""

    verb: str
    words: str


def moves_for(*, change: Change, reader: User) -> list[Button]:
    """The buttons, in the order of the table. Approval has a form of its own."""
    if not may(reader, P.CHANGE_PROPOSE) or (change.requester_id != reader.pk and not may(reader, P.CHANGE_CLASSIFY)):
        return []
    return [Button(move.verb, WORDS[move.verb]) for move in moves_from(change.state) if move.by_person and move.verb in WORDS]
