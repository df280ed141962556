"""What the address of the list says: filters, order, columns, and which of the three views. Pure.

The address holds all of it, so that a list can be sent as a link. What it cannot mean is said in words and nothing is listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from changes.desk.columns import USUAL, columns_of, written
from changes.proposals.listing import CHOICES, DEFAULT_SORT, SORTS, Wanted
from changes.proposals.searching.language import LONGEST, read

FILTERS = ("q", *CHOICES, "repository", "requester", "after", "before", "mine")
BASIC = frozenset({"q", "state"})
"""Filters that are always in sight; the others open with "More filters"."""
VIEWS = ("list", "board", "calendar")


@dataclass(frozen=True)
class Address:
    """The address, read. ``values`` has every filter, empty where none was given; ``columns`` is None where it names none."""

    values: Mapping[str, str]
    view: str = "list"
    sort: str = DEFAULT_SORT
    columns: tuple[str, ...] | None = None
    problems: tuple[str, ...] = ()

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: value for name, value in self.values.items() if value}

    @property
    def kept(self) -> dict[str, str]:
        """Everything that a link to the same list has to repeat, but for the page in it."""
        order = {"sort": self.sort} if self.sort != DEFAULT_SORT else {}
        shown = {"columns": written(self.columns)} if self.columns is not None else {}
        view = {"view": self.view} if self.view != "list" else {}
        return {**self.filters, **order, **shown, **view}

    @property
    def query(self) -> str:
        """The part behind the question mark, without cursors."""
        return urlencode(self.kept)

    def but(self, **changed: str) -> str:
        """A link to the same list with some of it changed; an empty value leaves that part out."""
        parts = {name: value for name, value in {**self.kept, **changed}.items() if value}
        return f"?{urlencode(parts)}" if parts else "?view=list"

    def wanted(self, *, reader: int, today: date) -> Wanted:
        """What to look for, for this person on this day."""
        values: dict[str, Any] = {name: self.values[name] for name in (*CHOICES, "repository", "requester", "after", "before")}
        mine = reader if self.values["mine"] else None
        return Wanted(text=self.values["q"], mine=mine, reader=reader, today=today, **values)


def read_address(given: QueryDict) -> Address:
    """Read an address. Never raises: unknown parts are left aside, impossible values become ``problems``."""
    values = {name: given.get(name, "").replace("\x00", "").strip()[:LONGEST] for name in FILTERS}
    values["q"] = given.get("q", "").replace("\x00", "")[:LONGEST]
    problems = [*_problems(values), *read(values["q"]).problems]
    view, sort = given.get("view", ""), given.get("sort", "")
    named = ",".join(given.getlist("columns"))
    address = Address(
        values=values,
        view=view if view in VIEWS else "list",
        sort=sort if sort in SORTS else DEFAULT_SORT,
        columns=columns_of(named) if named else None,
    )
    return replace(address, problems=tuple(problems))


def _problems(values: Mapping[str, str]) -> list[str]:
    """What a filter says that it does not know."""
    unknown = [
        f"There is no {name} “{values[name]}”. There are: {', '.join(code for code, _ in CHOICES[name])}."
        for name in CHOICES
        if values[name] and values[name] not in dict(CHOICES[name])
    ]
    days = [problem for name in ("after", "before") if values[name] for problem in read(f'{name}:"{values[name]}"').problems]
    return unknown + days


def shown_columns(address: Address, remembered: str) -> tuple[str, ...]:
    """The columns of the address, else those that the person chose last, else the usual ones."""
    if address.columns is not None:
        return address.columns
    return columns_of(remembered) if remembered else USUAL
