"""Counts and rows of a population: both from its one statement, so that a number opens exactly what it counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from changes.completeness.facts import Line
from changes.completeness.populations import Population
from changes.completeness.window import Window

COUNTS = """
SELECT q.place, count(*), count(*) FILTER (WHERE q.state = 'matched'), count(*) FILTER (WHERE q.state = 'unmatched'),
    count(*) FILTER (WHERE q.state = 'outside'),
    count(*) FILTER (WHERE q.state = 'unmatched' AND x.state = 'open' AND x.due_at > %(at)s),
    count(*) FILTER (WHERE q.state = 'unmatched' AND x.state = 'open' AND x.due_at <= %(at)s),
    count(*) FILTER (WHERE q.state = 'unmatched' AND x.state <> 'open'),
    count(*) FILTER (WHERE q.state = 'unmatched' AND x.id IS NULL),
    min(x.due_at) FILTER (WHERE q.state = 'unmatched' AND x.state = 'open' AND x.due_at > %(at)s), min(q.at), max(q.at)
FROM ({statement}) q LEFT JOIN changes_exceptionrecord x ON x.id = q.exception
GROUP BY q.place ORDER BY q.place
"""
ROWS = """
SELECT q.key, q.at, q.place, q.name, q.words, q.link, q.state, q.exception, x.state, x.due_at
FROM ({statement}) q LEFT JOIN changes_exceptionrecord x ON x.id = q.exception
WHERE (%(place)s::text IS NULL OR q.place = %(place)s) AND (%(state)s::text IS NULL OR q.state = %(state)s)
  AND (%(before_at)s::timestamptz IS NULL OR (q.at, q.key) < (%(before_at)s, %(before_key)s))
ORDER BY q.at DESC, q.key DESC LIMIT %(size)s
"""


@dataclass(frozen=True)
class Row:
    """One row of a population. ``exception`` is the number of the record that stands for it, ``due`` its clock."""

    key: str
    at: datetime
    place: str
    name: str
    words: str
    link: str
    state: str
    exception: int | None
    exception_state: str | None
    due: datetime | None

    @property
    def cursor(self) -> str:
        """Names this row in an address: the page after it begins behind it."""
        return f"{self.at.isoformat()}~{self.key}"


def lines(*, population: Population, window: Window) -> list[Line]:
    """One line for each place that the population has rows at."""
    statement, values = population.statement(window)
    with connection.cursor() as cursor:
        cursor.execute(COUNTS.format(statement=statement), values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return [_line(population, row) for row in found]


def _line(population: Population, row: tuple[Any, ...]) -> Line:
    place, at_source, matched, unmatched, outside, waiting, late, answered, unseen, due, first, last = row
    return Line(
        population=population.code,
        source=population.source,
        place=place,
        at_source=at_source,
        matched=matched,
        unmatched=unmatched,
        outside=outside,
        waiting=waiting,
        late=late,
        answered=answered,
        unseen=unseen,
        due=due,
        first=first,
        last=last,
    )


def rows(
    *,
    population: Population,
    window: Window,
    place: str | None = None,
    state: str | None = None,
    before: tuple[datetime, str] | None = None,
    size: int = 50,
) -> list[Row]:
    """Rows of a population, newest first, behind ``before`` (moment and key of a row), ``size`` of them at most."""
    statement, values = population.statement(window)
    asked = {
        "place": place,
        "state": state,
        "before_at": before[0] if before else None,
        "before_key": before[1] if before else None,
        "size": size,
    }
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(statement=statement), values | asked)
        return [Row(*row) for row in cursor.fetchall()]
