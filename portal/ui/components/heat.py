"""A heat map of days: weeks across, Monday on top, five fixed steps of one hue, a ring for what was out of the ordinary.

It is a table, so that everybody can read it; each day with something on it is a link to what happened then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STEPS = (1, 2, 3, 5)
"""The least number of each step after "none": one, two, three to four, five and more."""


@dataclass(frozen=True)
class HeatDay:
    """What happened on a day: how often, and how many of those were out of the ordinary."""

    count: int
    marked: int = 0


@dataclass(frozen=True)
class Heat:
    """The map from the Monday ``first`` on. ``href`` holds ``{day}``; ``noun`` is counted, ``marked`` says what a ring is.

    ``label`` states the finding. Days after ``today`` are left out.
    """

    first: date
    weeks: int
    days: Mapping[date, HeatDay]
    today: date
    href: str
    noun: str
    marked: str
    label: str


def step_of(count: int) -> int:
    """0 to 4. The steps never move, so that months can be compared."""
    return sum(count >= least for least in STEPS)


def heat_map(heat: Heat) -> SafeString:
    """The table."""
    mondays = [heat.first + timedelta(weeks=week) for week in range(heat.weeks)]
    return format_html(
        '<table class="heat"><caption class="sr-only">{}</caption><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table>',
        heat.label,
        _joined(_head(monday) for monday in mondays),
        _joined(_row(heat, mondays, number) for number in range(len(DAYS))),
    )


def _joined(parts: Iterator[SafeString]) -> SafeString:
    return SafeString("".join(parts))


def _head(monday: date) -> SafeString:
    """The head of a week: the month in sight where it begins, the day for screen readers."""
    month = f"{monday:%b}" if monday.day <= 7 else ""
    spoken = f"Week of {monday:%-d %B %Y}"
    return format_html('<th scope="col"><span class="sr-only">{}</span><span aria-hidden="true">{}</span></th>', spoken, month)


def _row(heat: Heat, mondays: list[date], number: int) -> SafeString:
    name = DAYS[number]
    shown = name[:3] if number % 2 == 0 else ""
    cells = _joined(_cell(heat, monday + timedelta(days=number)) for monday in mondays)
    return format_html(
        '<tr><th scope="row"><span aria-hidden="true">{}</span><span class="sr-only">{}</span></th>{}</tr>', shown, name, cells
    )


def _cell(heat: Heat, day: date) -> SafeString:
    found = heat.days.get(day, HeatDay(0))
    if day > heat.today:
        return SafeString("<td></td>")
    if not found.count:
        return SafeString('<td class="hm-0"><span class="sr-only">none</span></td>')
    noun = heat.noun if found.count == 1 else f"{heat.noun}s"
    words = f"{noun}{f', {found.marked} {heat.marked}' if found.marked else ''} on {day:%a %-d %b %Y}"
    return format_html(
        '<td class="hm-{}{}"><a href="{}" title="{} {}">{}<span class="sr-only"> {}</span></a></td>',
        step_of(found.count),
        " hm-ring" if found.marked else "",
        heat.href.format(day=day.isoformat()),
        found.count,
        words,
        found.count,
        words,
    )
