"""What a control looks at and finds: a window, rows, and what the rows come to. Pure. Times are UTC.

Everything that a result says follows from its rows alone, so that a program with nothing of ours recomputes it (docs/controls.md).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from portal.ledger.canonical import canonical

RULES_VERSION = "7"
"""Of the readers. It rises with every change that can change a row."""
Flat = str | int | bool | None
"""What a fact may be: nothing nested, so that a row is a line of a table. Times are ISO 8601 in UTC."""


def when(moment: datetime | None) -> str | None:
    """A moment as a fact: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment is not None else None


@dataclass(frozen=True)
class Window:
    """From ``since`` up to, and without, ``until``."""

    since: datetime
    until: datetime


class RowState(StrEnum):
    """What one row comes to. The value stands in packs.

    ``unread`` is no member of the population: it names a source that could not be read, so that members may be missing.
    """

    PASSED = "passed"
    DEVIATES = "deviates"
    UNKNOWN = "unknown"
    UNREAD = "unread"


@dataclass(frozen=True)
class Row:
    """One member of a control's population, and whether it did as the clause asks.

    ``key`` names it for ever and is unique within the control. ``sentence`` says why it deviates or is unknown; empty for one that
    passed. ``facts`` are what that rests on. ``ref`` is where it can be read, as ``change:1042``; ``repository`` its repository,
    empty for what belongs to none.
    """

    key: str
    state: RowState = RowState.PASSED
    sentence: str = ""
    facts: Mapping[str, Flat] = field(default_factory=dict)
    ref: str = ""
    repository: str = ""

    @property
    def deviates(self) -> bool:
        """Whether it did not do as the clause asks."""
        return self.state == RowState.DEVIATES

    @property
    def passed(self) -> bool:
        """Whether nothing is the matter with it."""
        return self.state == RowState.PASSED

    def as_json(self) -> dict[str, Any]:
        """The row as it stands in packs."""
        return {
            "key": self.key,
            "state": self.state.value,
            "deviates": self.deviates,
            "sentence": self.sentence,
            "facts": dict(self.facts),
            "ref": self.ref,
            "repository": self.repository,
        }

    @cached_property
    def line(self) -> str:
        """Its canonical JSON (RFC 8785): what the digest is made of."""
        return canonical(self.as_json())


def deviating(key: str, sentence: str, **values: Any) -> Row:
    """A row that deviates."""
    return Row(key, RowState.DEVIATES, sentence, **values)


def judged(key: str, sentences: Iterable[str], *, unknown: Iterable[str] = (), **values: Any) -> Row:
    """A row that deviates when there is a sentence against it, is unknown when one says why nobody can tell, else passed."""
    for state, why in ((RowState.DEVIATES, sentences), (RowState.UNKNOWN, unknown)):
        words = " ".join(dict.fromkeys(why))
        if words:
            return Row(key, state, words, **values)
    return Row(key, **values)


@dataclass(frozen=True)
class Result:
    """What the rows come to. ``digest`` is SHA-256 over their lines, a line feed after each, in their order."""

    population: int = 0
    deviations: int = 0
    unknown: int = 0
    unread: int = 0
    digest: str = hashlib.sha256().hexdigest()

    @property
    def outcome(self) -> str:
        """``unknown`` when anything could not be read or judged; else ``deviations``, ``passed``, or ``never_operated``.

        What could not be read may hold anything, so it never passes. A control that had nothing to look at has proved nothing.
        """
        if self.unknown or self.unread:
            return "unknown"
        if self.deviations:
            return "deviations"
        return "passed" if self.population else "never_operated"


class Tally:
    """Counts rows as they go by, so that a year of them needs no memory."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(RowState, 0)
        self._hash = hashlib.sha256()

    def add(self, row: Row) -> Row:
        """Take one row in; returns it."""
        self._counts[row.state] += 1
        self._hash.update(row.line.encode())
        self._hash.update(b"\n")
        return row

    @property
    def result(self) -> Result:
        """What the rows so far come to."""
        counts = self._counts
        members = sum(counts.values()) - counts[RowState.UNREAD]
        found = (counts[RowState.DEVIATES], counts[RowState.UNKNOWN], counts[RowState.UNREAD])
        return Result(members, *found, digest=self._hash.hexdigest())
