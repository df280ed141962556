"""Read a frozen population again, in front of whoever doubts it, and compare row by row. Pure reading."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from audits.populations.facts import Row, Tell, untold
from audits.populations.kinds import KINDS, rows
from audits.populations.lines import TOLD_EVERY, line_of
from audits.populations.models import Population
from audits.populations.scoping import asked_of

LISTED = 200
"""Rows of each sort that are named; all of them are counted."""


@dataclass(frozen=True)
class Field:
    """One column that is not what it was."""

    label: str
    frozen: str
    now: str


@dataclass
class Comparison:
    """What a second reading of the same window, scope and filters gave."""

    at: datetime
    equal: int = 0
    added: int = 0
    missing: int = 0
    different: int = 0
    added_keys: list[str] = field(default_factory=list)
    missing_keys: list[str] = field(default_factory=list)
    different_rows: list[tuple[str, list[Field]]] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.missing or self.different)

    def as_json(self) -> dict[str, Any]:
        """For keeping; the time stands beside it."""
        return {name: value for name, value in asdict(self).items() if name != "at"}

    @classmethod
    def kept(cls, *, found: dict[str, Any], at: datetime) -> "Comparison":
        """The same from what was kept."""
        rows = [(key, [Field(**one) for one in fields]) for key, fields in found["different_rows"]]
        return cls(at, **{**found, "different_rows": rows})


def compare(*, population: Population, at: datetime, tell: Tell = untold) -> Comparison:
    """The frozen rows beside those that the same question gives now. Of each frozen line a digest is in memory, no more."""
    kind, found = KINDS[population.kind], Comparison(at)
    asked = asked_of(engagement=population.engagement, since=population.since, until=population.until, at=at)
    frozen = {key: _digest(line) for key, line in population.rows.order_by("position").values_list("key", "line").iterator()}
    differing: dict[str, Row] = {}
    for read, row in enumerate(rows(kind=kind, asked=asked, filters=population.filters), start=1):
        if read % TOLD_EVERY == 0:
            tell(read, "Reading rows again")
        key = str(row["key"])
        before = frozen.pop(key, None)
        if before is None:
            found.added += 1
            _name(found.added_keys, [key])
        elif before == _digest(line_of(row)):
            found.equal += 1
        else:
            found.different += 1
            if len(differing) < LISTED:
                differing[key] = row
    found.missing = len(frozen)
    _name(found.missing_keys, frozen)
    lines = dict(population.rows.filter(key__in=differing).values_list("key", "line"))
    found.different_rows = [(key, _fields(population.kind, json.loads(lines[key]), row)) for key, row in differing.items()]
    return found


def _digest(line: str) -> bytes:
    return hashlib.sha256(line.encode()).digest()


def _name(names: list[str], more: Iterable[str]) -> None:
    names.extend(islice(more, LISTED - len(names)))


def _fields(kind: str, before: Row, now: Row) -> list[Field]:
    columns = KINDS[kind].columns
    pairs = ((column.label, str(before.get(column.name, "")), str(now.get(column.name, ""))) for column in columns)
    return [Field(label, old, new) for label, old, new in pairs if old != new]
