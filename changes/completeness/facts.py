"""What the two-way ledger of completeness says about a window and a scope: frozen values, pure (P-02, P-14, P-26, P-27).

Times are UTC, windows half open, [since, until). Every number can be opened: ``population`` and ``place`` name its rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

MATCHED, UNMATCHED, OUTSIDE = "matched", "unmatched", "outside"
"""What a row is: it has its counterpart, it has none, or it lies outside of what has to have one (the reason is said)."""


@dataclass(frozen=True)
class Line:
    """One population at one place: how many rows the source has there, and how many have their counterpart.

    ``at_source`` = ``matched`` + ``unmatched`` + ``outside``. Of the unmatched, ``waiting`` have an open exception whose clock
    still runs, ``late`` one whose clock has run out, ``answered`` one that somebody has answered; ``unseen`` have none yet.
    ``due`` is the next clock that runs out.
    """

    population: str
    source: str
    place: str
    at_source: int
    matched: int
    unmatched: int
    outside: int
    waiting: int = 0
    late: int = 0
    answered: int = 0
    unseen: int = 0
    due: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class Numbers:
    """The numbers of one sequence that lie between the first and the last of the window, and which of them are missing.

    ``missing`` are ranges, both ends included, the first hundred; ``lacking`` counts all of them.
    """

    what: str
    place: str
    first: int
    last: int
    present: int
    lacking: int
    missing: tuple[tuple[int, int], ...]
    note: str = ""


@dataclass(frozen=True)
class Hole:
    """A stretch in which a source was not read or did not tell; clipped to nothing, so it may begin before the window."""

    id: int
    source: str
    kind: str
    began: datetime
    ended: datetime | None
    filled: datetime | None
    why: str
    missed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """How much of the window the readings of one source vouch for, in whole minutes.

    ``covered`` + ``outage`` + ``not_covered`` = ``minutes``. Covered is what lies between the first good reading and the last
    one, without the outages; never rounded up. ``filled`` are those minutes of outage that a later reading went back over.
    ``missed`` are deliveries that never came, however they were made up for, counted where their row begins. Before the first
    reading nothing is claimed.
    """

    source: str
    kind: str
    listens: bool
    """Whether it also sends deliveries."""
    minutes: int
    covered: int
    outage: int
    filled: int
    not_covered: int
    missed: int
    first_read: datetime | None
    last_read: datetime | None


@dataclass(frozen=True)
class Day:
    """Releases to production of one day (UTC), and those whose message stands in the channel of production changes."""

    day: date
    releases: int
    logged: int


@dataclass(frozen=True)
class InScope:
    """One thing in scope, from when until when, and why it came or went."""

    kind: str
    name: str
    since: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class Exclusion:
    """What a rule takes out of the register: of which kind, by what pattern, why, who made it, and how long."""

    kind: str
    pattern: str
    reason: str
    by: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Sheet:
    """The completeness sheet. ``clipped`` is the end of what was looked at: ``until``, or ``at`` where that comes first."""

    since: datetime
    until: datetime
    at: datetime
    clipped: datetime
    repositories: tuple[str, ...] | None
    """None: all of them."""
    forward: tuple[Line, ...]
    """From every source to the changes."""
    backward: tuple[Line, ...]
    """From every released change to its commit, its release and its message."""
    sequences: tuple[Numbers, ...]
    coverage: tuple[Coverage, ...]
    holes: tuple[Hole, ...]
    days: tuple[Day, ...]
    scope: tuple[InScope, ...]
    exclusions: tuple[Exclusion, ...]
    questions: tuple[tuple[str, str], ...] = field(default=())
    """Each population by its code, and how its source is asked."""
    notes: tuple[str, ...] = field(default=())
    """What this sheet does not say, and why."""

    @property
    def unmatched(self) -> int:
        """How many rows have no counterpart, in either direction."""
        return sum(line.unmatched for line in (*self.forward, *self.backward))

    def as_json(self) -> dict[str, Any]:
        """The same for canonical JSON: moments as ISO text, tuples as lists."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


Span = tuple[datetime, datetime]


def covering(
    *, since: datetime, until: datetime, first: datetime | None, last: datetime | None, holes: Iterable[Hole]
) -> tuple[int, int, int, int]:
    """(minutes, covered, outage, filled) of a window. ``first`` and ``last`` are the first and the last good reading."""
    minutes = max(0, _minutes(until - since))
    if first is None or last is None:
        return minutes, 0, 0, 0
    known = _clip((first, last), since, until)
    dark = [(hole, _clip((hole.began, hole.ended or until), max(since, first), until)) for hole in holes]
    gone = merged([span for _, span in dark if span is not None])
    filled = merged([span for hole, span in dark if span is not None and hole.filled is not None])
    lit = _length([known]) - _overlap(known, gone) if known is not None else timedelta(0)
    outage = min(minutes, -_minutes(-_length(gone)))
    return minutes, min(_minutes(lit), minutes - outage), outage, min(outage, _minutes(_length(filled)))


def _clip(span: Span, since: datetime, until: datetime) -> Span | None:
    begin, end = max(span[0], since), min(span[1], until)
    return (begin, end) if begin < end else None


def merged(spans: Sequence[Span]) -> list[Span]:
    """The same stretches of time without overlaps, in their order."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _overlap(span: Span, others: Iterable[Span]) -> timedelta:
    clipped = [_clip(one, *span) for one in others]
    return _length([one for one in clipped if one is not None])


def _length(spans: Iterable[Span]) -> timedelta:
    return sum((end - begin for begin, end in spans), timedelta(0))


def _minutes(length: timedelta) -> int:
    return length // timedelta(minutes=1)


def ranges(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Whole numbers as ranges, both ends included."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)
