"""Frozen populations of an audit, their rows, and cells as pages show them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404

from audits.engagements.models import Engagement
from audits.populations.facts import BETWEEN, IDS, TIME, Column, Kind
from audits.populations.kinds import KINDS
from audits.populations.models import Population, PopulationRow


@dataclass(frozen=True)
class Cell:
    """One value as the page shows it: a time, or words, with an address when there is one."""

    label: str
    text: str
    at: datetime | None = None
    href: str = ""


@dataclass(frozen=True)
class Shown:
    """One row of a list: its key, its cells, and where it leads."""

    key: str
    cells: list[Cell]


def populations_of(engagement: Engagement) -> list[Population]:
    """All of them, newest first."""
    return list(engagement.populations.select_related("frozen_by").order_by("-number"))


def population_at(engagement: Engagement, number: int) -> Population:
    """One by its number. Raises ``Http404``."""
    found = engagement.populations.select_related("frozen_by", "engagement").filter(number=number).first()
    if found is None:
        raise Http404("No such population.")
    return found


def rows_of(population: Population, filters: Mapping[str, str]) -> QuerySet[PopulationRow]:
    """The rows whose columns have these values; a column of ids has a value among others."""
    rows, kind = population.rows.all(), KINDS[population.kind]
    for name, value in filters.items():
        said = RawSQL("line::jsonb ->> %s", [name])
        if kind.column(name).holds == IDS:
            said = RawSQL("%s = ANY (string_to_array(line::jsonb ->> %s, %s))", [value, name, BETWEEN])
            value = "true"
        rows = rows.annotate(**{f"said_{name}": said}).filter(**{f"said_{name}": value})
    return rows


def shown(row: PopulationRow, kind: Kind) -> Shown:
    """A row with the columns that the list has room for."""
    said = json.loads(row.line)
    columns = [kind.column(name) for name in kind.shown]
    return Shown(row.key, [cell(column, said.get(column.name)) for column in columns])


def cell(column: Column, value: Any) -> Cell:
    """A value of a row for the page."""
    text = "" if value is None else str(value)
    if column.holds == TIME and text:
        return Cell(column.label, text, at=datetime.fromisoformat(text))
    return Cell(column.label, text, href=href_of(text))


def href_of(text: str) -> str:
    """Where an id leads in this portal; empty for what has no page of its own."""
    kind, _, rest = text.partition("-")
    if rest.isdecimal():
        return PAGES.get(kind, "").format(rest)
    return text if text.startswith("https://") else ""


PAGES = {
    "CHG": "/changes/{}/",
    "EXC": "/exceptions/{}/",
    "release": "/deploys/{}/",
    "meeting": "/meetings/{}/",
    "decision": "/decisions/{}/",
}
"""Addresses by the first word of a key."""
