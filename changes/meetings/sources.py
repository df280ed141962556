"""Where the points of an agenda come from by themselves.

A feature joins with ``@sources.provider``: a function of a moment that gives what the next meeting has to look at then. It
runs few queries whatever the number of points, and gives a point as long as it waits: what is given no more is taken off.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from changes.meetings.models import AgendaItem

Kind = AgendaItem.Kind
MINUTES = {
    Kind.PROPOSAL: 15,
    Kind.LAPSED: 10,
    Kind.RETROSPECTIVE: 10,
    Kind.EXCEPTION: 5,
    Kind.POLICY: 15,
    Kind.ACTION: 5,
    Kind.FINDING: 10,
    Kind.POINT: 10,
}
"""How long a point takes as long as the chair has said nothing else."""


@dataclass(frozen=True)
class Point:
    """What waits for a meeting. ``key`` is the same every time (``change:1042``), ``note`` one sentence below the title."""

    kind: AgendaItem.Kind
    key: str
    title: str
    href: str = ""
    note: str = ""
    change: int | None = None
    """Primary key of the change that it is about."""

    @property
    def minutes(self) -> int:
        """How long it takes at first."""
        return MINUTES[self.kind]


Provider = Callable[[datetime], Iterable[Point]]
_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Register a function that gives points. Registering it again changes nothing."""
    if function not in _providers:
        _providers.append(function)
    return function


def points(*, at: datetime) -> dict[str, Point]:
    """All that waits at that moment, by key, in the order of the providers; of two with one key the first."""
    found: dict[str, Point] = {}
    for function in _providers:
        for point in function(at):
            found.setdefault(point.key, point)
    return found
