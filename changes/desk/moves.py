"""Which buttons a change shows: the moves of the table that this person may press. The action still checks."""

from dataclasses import dataclass

from changes.proposals.lifecycle import OPEN_STATES, moves_from
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
    moves = [move for move in moves_from(change.state) if move.by_person and move.verb in WORDS]
    return [Button(move.verb, WORDS[move.verb]) for move in moves if move.verb != "reopen" or change.joined_to_id is None]


@dataclass(frozen=True)
class Ways:
    """Which pages about its text and its pull requests a change leads to."""

    edit: bool
    link: bool
    join: bool


def ways_for(*, change: Change, reader: User) -> Ways:
    """Whoever asked for a change, and the architecture team, edit its text and say what belongs to it. The actions still check."""
    hand = may(reader, P.CHANGE_PROPOSE) and (change.requester_id == reader.pk or may(reader, P.CHANGE_CLASSIFY))
    still = hand and change.state in OPEN_STATES
    by_itself = change.opened_by == "pull_request"
    return Ways(edit=still and change.opened_by == "form", link=still, join=still and by_itself)
