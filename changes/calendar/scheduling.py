"""What stands in the way of a window, and when the next free one is. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from changes.calendar.facts import Assets, Conflict, Freezing, Span, Window
from portal.policy.clocks import SATURDAY
from portal.policy.parameters import Parameters

STEP = timedelta(minutes=15)
"""Windows begin at full quarters of an hour."""
DAYS = 60
"""How far ahead a free window is looked for."""


def conflicts_of(
    *, span: Span, assets: Assets, windows: Iterable[Window], freezes: Iterable[Freezing], own: int | None = None
) -> tuple[Conflict, ...]:
    """What overlaps in time and touches the same, earliest first. ``own`` is the change whose window it is."""
    found = [
        Conflict("window", other.title, other.span, shared, other.change)
        for other in windows
        if other.change != own and other.span.overlaps(span) and (shared := other.assets.shared_with(assets))
    ]
    found += [
        Conflict("hard" if freeze.hard else "soft", freeze.name, freeze.span)
        for freeze in freezes
        if freeze.span.overlaps(span) and freeze.covers(assets)
    ]
    return tuple(sorted(found, key=lambda conflict: (conflict.span, conflict.kind, conflict.title)))


def next_free(*, after: datetime, length: timedelta, busy: Iterable[Span], parameters: Parameters) -> Span | None:
    """The first window of ``length`` within the hours of release, at a quarter of an hour from ``after`` on.

    ``busy`` is what it must not overlap: other windows, freezes, meetings. None when there is none within sixty days.
    """
    taken = sorted(busy)
    for day in _days(after, parameters):
        start = _rounded(max(after, day.starts_at))
        while start + length <= day.ends_at:
            wanted = Span(start, start + length)
            clash = next((span for span in taken if span.overlaps(wanted)), None)
            if clash is None:
                return wanted
            start = _rounded(clash.ends_at)
    return None


def busy_for(*, assets: Assets, windows: Iterable[Window], freezes: Iterable[Freezing], own: int | None = None) -> list[Span]:
    """Every time in which another window or a freeze touches these assets."""
    spans = [other.span for other in windows if other.change != own and other.assets.shared_with(assets)]
    return [*spans, *(freeze.span for freeze in freezes if freeze.covers(assets))]


def _days(after: datetime, parameters: Parameters) -> Iterator[Span]:
    """The hours of release of each working day from the day of ``after`` on, as they lie in the zone of the parameters."""
    zone = ZoneInfo(parameters.release_zone)
    first, last = parameters.release_hours
    today = after.astimezone(zone).date()
    for number in range(DAYS):
        day = today + timedelta(days=number)
        if day.weekday() < SATURDAY:
            begins, ends = (datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC) for hour in (first, last))
            yield Span(begins, ends)


def _rounded(at: datetime) -> datetime:
    """The next quarter of an hour, or ``at`` itself when it is one."""
    past = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at if not past else at - past + STEP
