"""What all parts of a pack build on: the pack, the archive, the checkpoint, the frozen populations and samples."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from audits.controls.models import ControlRun
from audits.engagements.models import Engagement
from audits.packs.archive import Archive
from audits.packs.models import Pack
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from audits.samples.models import Sample, SampleItem
from portal.ledger.actions import row_key
from portal.ledger.keys import Signer
from portal.ledger.models import LedgerCheckpoint

AT_ONCE = 5000
LINES = "SELECT position, line FROM audits_populationrow WHERE population_id = %s AND position > %s ORDER BY position LIMIT %s"
NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass
class Work:
    """One build. ``records`` are the marks, requests and findings, by sort (``contents.records``)."""

    pack: Pack
    engagement: Engagement
    archive: Archive
    signer: Signer
    checkpoint: LedgerCheckpoint
    populations: list[Population]
    samples: list[Sample]
    zone: ZoneInfo
    people: Mapping[int, str]
    covered: frozenset[str]
    """The rows that the ledger covers below the checkpoint: what the pack holds of the engagement's work (``contents.segment``)."""
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    run: ControlRun | None = None
    """What the controls found, kept for the pack; None until it is there."""

    @property
    def mark(self) -> str:
        """What stands on everything that leaves the portal (P-31)."""
        return f"Confidential. {self.engagement.name}, evidence pack {self.pack.number}, for {self.name_of(self.pack.asked_by_id)}."

    def name_of(self, person: int | None) -> str:
        """A person's name."""
        return self.people.get(person or 0, "")

    def marks_of(self, item: SampleItem) -> dict[str, list[dict[str, Any]]]:
        """The marks of one item by letter, oldest first."""
        return self._marks.get(item.pk, {})

    @cached_property
    def _marks(self) -> dict[int, dict[str, list[dict[str, Any]]]]:
        found: dict[int, dict[str, list[dict[str, Any]]]] = {}
        for mark in self.records.get("marks", []):
            found.setdefault(mark["item_id"], {}).setdefault(mark["letter"], []).append(mark)
        return found

    def items(self, sample: Sample) -> list[SampleItem]:
        """The items of a sample below the checkpoint, by position."""
        rows = SampleItem.objects.filter(sample=sample).select_related("row", "replaces").order_by("position")
        return [item for item in rows if row_key(item) in self.covered]


def lines_of(population: Population) -> Iterator[str]:
    """The exact lines of a population, in their order, some thousand at a time."""
    position = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(LINES, [population.pk, position, AT_ONCE])
            found = cursor.fetchall()
        if not found:
            return
        position = found[-1][0]
        for row in found:
            yield row[1]


def columns_of(population: Population) -> list[tuple[str, str, bool]]:
    """(name, heading, whether it holds a time) of each column: ``key`` first, then in the order of the kind."""
    columns = KINDS[population.kind].columns
    named = [(column.name, column.label, column.holds == "time") for column in columns]
    return named if any(name == "key" for name, *_ in named) else [("key", "Key", False), *named]


def folder_of(population: Population) -> str:
    """Where a population lies in the pack."""
    return f"populations/{population.number:02d}-{plain(population.kind)}"


def sample_folder(sample: Sample) -> str:
    """Where a sample lies in the pack."""
    return f"samples/{sample.number:02d}"


def plain(text: str) -> str:
    """A text as a part of a path."""
    return NOT_PLAIN.sub("-", text).strip("-.")[:60] or "x"


def local(text: str, zone: ZoneInfo) -> str:
    """A time of a row by the clocks of ``zone``, with its offset; as it is when it is none."""
    try:
        return datetime.fromisoformat(text).astimezone(zone).isoformat(sep=" ", timespec="seconds")
    except ValueError:
        return text


def portal(path: str) -> str:
    """The address of a page of the portal."""
    return f"{settings.BASE_URL}{path}"
