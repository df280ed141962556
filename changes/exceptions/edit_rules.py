"""Does an edit in a vendor's console belong to a change? Pure (P-13, P-24).

A change fits when it is of the kind that the edit needs, stood proposed before the edit and was not withdrawn, and the edit lies
in its window: that of its plan with an hour on either side, else the ninety days after it was opened, and not after it was closed.
It then has to be named by the edit (``CHG-…`` in a comment of the record or in the log), or to name what was edited in its text
and be asked for, or carried, by the very person who edited.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

AROUND = timedelta(hours=1)
"""Around a planned window."""
VALID = timedelta(days=90)
"""How long a change without a planned window covers edits; a decision of the meeting holds as long."""
STANDING = frozenset({"proposed", "approved", "merged", "released", "rolled_back", "closed"})


@dataclass(frozen=True)
class Edit:
    """What was edited: ``kind`` is the kind of change that it needs. ``names`` are ways to name it, each a group of words that
    all have to stand in the text. ``person`` is None when nobody is linked to the account."""

    kind: str
    at: datetime
    person: int | None
    names: tuple[tuple[str, ...], ...]
    references: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Candidate:
    """A change as it matters here. ``windows`` are the planned ones for production; ``ended_at`` is when it was closed."""

    number: int
    kind: str
    state: str
    opened_at: datetime
    ended_at: datetime | None
    people: frozenset[int]
    text: str
    windows: tuple[tuple[datetime, datetime], ...] = ()


def matching(edit: Edit, candidates: Iterable[Candidate]) -> tuple[Candidate, str] | None:
    """The change that the edit belongs to, and why. One that the edit names wins; else the one that was opened last."""
    fitting = [one for one in candidates if fits(edit, one)]
    for one in fitting:
        if one.number in edit.references:
            return one, f"The edit names CHG-{one.number}"
    for one in sorted(fitting, key=lambda one: (one.opened_at, one.number), reverse=True):
        name = named_in(edit, one.text)
        if name and edit.person is not None and edit.person in one.people:
            return one, f"It names {name}, and whoever edited asked for it or worked on it"
    return None


def fits(edit: Edit, one: Candidate) -> bool:
    """Kind, state and window."""
    if one.kind != edit.kind or one.state not in STANDING:
        return False
    if one.windows:
        return any(start - AROUND <= edit.at <= end + AROUND for start, end in one.windows)
    ended = one.ended_at is not None and edit.at > one.ended_at
    return one.opened_at <= edit.at <= one.opened_at + VALID and not ended


def named_in(edit: Edit, text: str) -> str:
    """The first way to name what was edited whose words all stand in the text as whole words; empty when there is none."""
    lowered = text.lower()
    for words in edit.names:
        if words and all(_stands(word.lower(), lowered) for word in words):
            return " ".join(words)
    return ""


def _stands(word: str, text: str) -> bool:
    return bool(word) and re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-]|\.\w)", text) is not None


def why_not(edit: Edit, candidates: Iterable[Candidate]) -> str:
    """Why a change that the edit names does not cover it; empty when it names none that is known."""
    for one in candidates:
        if one.number in edit.references:
            if one.kind != edit.kind:
                return f"It names CHG-{one.number}, which is a change of another kind"
            if one.state not in STANDING:
                return f"It names CHG-{one.number}, which was not proposed"
            return f"It names CHG-{one.number}, but lies outside its time"
    return ""
