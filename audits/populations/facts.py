"""What a kind of population is, as frozen values: its columns, where its rows come from, and what is asked of it. Times are UTC."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audits.controls.result import when
from portal.access.scope import Scope

Value = str | int | bool | None
Row = dict[str, Value]
"""A flat row: texts, whole numbers and nothing else, so that its canonical JSON is the same in any language."""
Filters = Mapping[str, str]
"""{column: the value that a row must have there}."""

TEXT, TIME, NUMBER, IDS = "text", "time", "number", "ids"
"""What a column holds. Times are RFC 3339 in UTC, or empty; ids stand in one text, with ", " between them."""
BETWEEN = ", "
Tell = Callable[[int, str], None]
"""Says how many rows were read so far, and what is being done. It may raise, and so end the reading."""
SYSTEMS = ("git", "fly", "slack", "doppler", "cloudflare", "portal")


@dataclass(frozen=True)
class Column:
    """One column: its name in the row, its heading, what it holds."""

    name: str
    label: str
    holds: str = TEXT


@dataclass(frozen=True)
class Asked:
    """What is asked of a kind: rows of [since, until) within a scope. ``at`` is now: what lies later is not looked at."""

    since: datetime
    until: datetime
    scope: Scope
    at: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        """The same for a statement in SQL; ``repositories`` is NULL for all of them."""
        repositories = None if self.scope.repositories is None else sorted(self.scope.repositories)
        wanted = {"since": self.since, "until": self.until, "repositories": repositories, "at": self.at}
        return {**wanted, "systems": list(self.systems)}

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems in scope by name."""
        return tuple(system for system in SYSTEMS if self.scope.covers_system(system=system))


@dataclass(frozen=True)
class Kind:
    """One kind of population.

    ``read`` gives the rows, oldest first, with the stable ``key`` of each; ``count_sql`` is another way to their number:
    one plain statement over the tables of the source.
    """

    code: str
    title: str
    one: str
    """What one row is, and when it lies in the window."""
    columns: tuple[Column, ...]
    read: Callable[[Asked], Iterator[Row]]
    count_sql: str
    source: str
    """The system that the rows come from, in words."""
    systems: tuple[str, ...]
    """Systems of an engagement's scope by which the kind is reached: one of them is enough."""
    filters: tuple[str, ...] = ()
    """Columns by whose value the rows may be narrowed, and a sample stratified."""
    providers: tuple[str, ...] = ()
    """Kinds of connected sources that the rows come from; none: the portal itself."""
    counts: str = ""
    """What ``count_sql`` counts where it is not rows: the different values of this column."""
    wide: str = ""
    """Why the scope's repositories do not narrow it; empty where they do."""
    shown: tuple[str, ...] = field(default=())
    """Columns of the list on the page, where there is not room for all."""

    def column(self, name: str) -> Column:
        """A column by its name. Raises ``KeyError``."""
        return {column.name: column for column in self.columns}[name]


def untold(rows: int, step: str) -> None:
    """Where nobody asks how far a reading is."""


def moment(at: datetime | None) -> str:
    """A time as RFC 3339 in UTC, with microseconds where there are any; empty for none."""
    return when(at) or ""


def ids(names: Any) -> str:
    """Several ids in one text: each once, in their order."""
    return BETWEEN.join(dict.fromkeys(str(name) for name in names if name))
