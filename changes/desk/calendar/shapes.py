"""The calendar as month, week and agenda: which days, and what stands on each. Pure. Days are those of the reader's zone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from changes.calendar.entries import Entry
from changes.calendar.facts import Span

SHAPES = {"month": "Month", "week": "Week", "agenda": "Agenda"}
AGENDA_DAYS = 30
IN_A_CELL = 3
"""Entries that a day of the month shows; the rest is one link."""
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
"""Days that can be asked for."""


@dataclass(frozen=True)
class Line:
    """An entry on one day: when it is then, in the reader's zone."""

    entry: Entry
    when: str


@dataclass(frozen=True)
class Day:
    """One day with its entries."""

    date: date
    lines: tuple[Line, ...]
    today: bool = False
    outside: bool = False
    """It belongs to the month before or after."""

    @property
    def first(self) -> tuple[Line, ...]:
        """What fits into a cell of the month, in its order: conflicts before plans, and those before what has happened."""
        if len(self.lines) <= IN_A_CELL:
            return self.lines
        chosen = sorted(self.lines, key=lambda line: (not line.entry.conflicts, line.entry.kind == "release"))[: IN_A_CELL - 1]
        return tuple(line for line in self.lines if line in chosen)

    @property
    def more(self) -> int:
        """How many do not fit."""
        return len(self.lines) - len(self.first)

    @property
    def conflicts(self) -> int:
        """How many of its entries are in a conflict."""
        return sum(bool(line.entry.conflicts) for line in self.lines)


@dataclass(frozen=True)
class Range:
    """The days of one shape, and where its buttons lead."""

    shape: str
    first: date
    last: date
    title: str
    before: date
    after: date
    month: int = field(default=0)
    """The month that a grid is about; 0 for others."""

    def span(self, zone: ZoneInfo) -> Span:
        """From the first moment of the first day until the last day is over."""
        return Span(midnight(self.first, zone), midnight(self.last + timedelta(days=1), zone))

    def days(self) -> Iterator[date]:
        """Each day."""
        return (self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1))


def range_of(*, shape: str, on: date, days: int = AGENDA_DAYS) -> Range:
    """The range of a shape around a day: its month in whole weeks from Monday, its week, or ``days`` days from it on."""
    if shape == "month":
        first = on.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
        last = after - timedelta(days=1)
        monday = first - timedelta(days=first.weekday())
        sunday = last + timedelta(days=6 - last.weekday())
        return Range(shape, monday, sunday, f"{on:%B %Y}", (first - timedelta(days=1)).replace(day=1), after, on.month)
    if shape == "week":
        monday = on - timedelta(days=on.weekday())
        sunday = monday + timedelta(days=6)
        title = f"{monday:%-d %b} to {sunday:%-d %b %Y}"
        return Range(shape, monday, sunday, title, monday - timedelta(days=7), monday + timedelta(days=7))
    last = on + timedelta(days=days - 1)
    title = f"{on:%A, %-d %B %Y}" if days == 1 else f"{on:%-d %b} to {last:%-d %b %Y}"
    return Range("agenda", on, last, title, on - timedelta(days=days), on + timedelta(days=days))


def days_of(*, within: Range, entries: Iterable[Entry], zone: ZoneInfo, today: date) -> list[Day]:
    """Every day of the range with what stands on it."""
    lines: dict[date, list[Line]] = {day: [] for day in within.days()}
    for entry in entries:
        for day in _days_under(entry, within, zone):
            lines[day].append(Line(entry, when_on(entry.span, day, zone)))
    return [
        Day(day, tuple(found), today=day == today, outside=bool(within.month) and day.month != within.month)
        for day, found in lines.items()
    ]


def agenda_of(*, within: Range, entries: Iterable[Entry], zone: ZoneInfo, today: date) -> list[Day]:
    """The days on which something begins, and the first day with what began before: each entry stands once."""
    lines: dict[date, list[Line]] = {}
    for entry in entries:
        day = next(_days_under(entry, within, zone), None)
        if day is not None:
            lines.setdefault(day, []).append(Line(entry, whole_when(entry.span, day, zone)))
    return [Day(day, tuple(found), today=day == today) for day, found in sorted(lines.items())]


def whole_when(span: Span, day: date, zone: ZoneInfo) -> str:
    """When it is as a whole, told on one of its days: ``10:00 to 11:00``, ``since Mon 23 Nov, until Wed 2 Dec 09:00``."""
    begins, ends = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
    if midnight(day + timedelta(days=1), zone) >= span.ends_at and begins.date() == day:
        return when_on(span, day, zone)
    start = f"from {begins:%H:%M}" if begins.date() == day else f"since {begins:%a %-d %b}"
    return f"{start}, until {ends:%a %-d %b %H:%M}"


def weeks_of(days: list[Day]) -> list[list[Day]]:
    """The days of a month by weeks."""
    return [days[number : number + 7] for number in range(0, len(days), 7)]


def _days_under(entry: Entry, within: Range, zone: ZoneInfo) -> Iterator[date]:
    """The days of the range on which it is; what ends at midnight is not on the next day."""
    first = entry.span.starts_at.astimezone(zone).date()
    ends = max(entry.span.starts_at, entry.span.ends_at - timedelta(microseconds=1))
    last = ends.astimezone(zone).date()
    day = max(first, within.first)
    while day <= min(last, within.last):
        yield day
        day += timedelta(days=1)


def when_on(span: Span, day: date, zone: ZoneInfo) -> str:
    """When it is on that day: ``10:00 to 11:00``, ``from 18:00``, ``until 09:00``, ``all day``; one moment: ``10:00``."""
    begins, ends = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
    today = Span(midnight(day, zone), midnight(day + timedelta(days=1), zone))
    starts_before, ends_after = span.starts_at <= today.starts_at, span.ends_at >= today.ends_at
    if starts_before and ends_after:
        return "all day"
    if starts_before and span.ends_at > span.starts_at:
        return f"until {ends:%H:%M}"
    if ends_after:
        return f"from {begins:%H:%M}"
    return f"{begins:%H:%M}" if f"{begins:%H:%M}" == f"{ends:%H:%M}" else f"{begins:%H:%M} to {ends:%H:%M}"


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day in a zone, as UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def day_asked(text: str, *, today: date) -> date:
    """The day in an address, ``2026-11-30``; today when it names none, or one that no calendar of ours reaches."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return today
    return asked if EARLIEST <= asked <= LATEST else today
