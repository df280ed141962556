"""W8: the evidence of many changes, as lines and CSV in a ZIP, and as a workbook, into pieces in the database; rows a second.

Joined to ``manage.py bench`` by its name (``changes.desk.bench.run``), for changes know nothing of audits.
"""

import resource
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from audits.engagements.models import Engagement
from audits.packs.archive import Archive
from audits.packs.contents.book import population_sheet
from audits.packs.contents.lists import put_population
from audits.packs.contents.work import Work
from audits.packs.models import Pack, PackPiece
from audits.packs.pieces import PieceWriter
from audits.packs.workbook import write_workbook
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from changes.desk.bench.figures import Line
from portal.access.models import User
from portal.ledger.actions import append
from portal.ledger.canonical import canonical

PLAIN, BOOK, PEAK = 40_000, 10_000, 150
"""Rows a second, rows a second, and MB: the targets of W8."""
ROWS = """
INSERT INTO audits_populationrow (population_id, position, key, line)
SELECT %s, n, 'CHG-' || n, replace(%s, 'CHG-0', 'CHG-' || n) FROM generate_series(1, %s::bigint) n
"""
MB = 1024
"""``ru_maxrss`` counts KiB."""


def measure(*, rows: int, person: User, at: datetime) -> Iterator[Line]:
    """A population of ``rows`` changes and one of a quarter of that; each is written both ways."""
    engagement = _engagement(person, at)
    small, large = _population(engagement, rows // 4, person, at), _population(engagement, rows, person, at)
    pack = _pack(engagement, person, at)
    before = _peak()
    for words, run, target in (("CSV and JSONL in a ZIP", _plain, PLAIN), ("XLSX", _book, BOOK)):
        quarter, whole = _rate(pack, small, run), _rate(pack, large, run)
        yield Line(f"W8 {words}, {rows:,} rows", f"{whole:,.0f}/s", "", whole, "/s", target, "more")
        yield Line(f"W8 {words}, growth", f"{quarter:,.0f}/s at a quarter", "", quarter / whole, "x", 1.2)
    peak = _peak()
    yield Line("W8 memory that building adds", f"{peak:,.0f} MB at most", f"{before:,.0f} MB before", peak - before, "MB", PEAK)


def _plain(work: Work, population: Population) -> None:
    put_population(work, population)


def _book(work: Work, population: Population) -> None:
    with work.archive.entry("workbook.xlsx", stored=True) as file:
        write_workbook(file, [population_sheet(work, population)])


def _rate(pack: Pack, population: Population, run: Callable[[Work, Population], None]) -> float:
    """Rows a second, pieces in the database included."""
    PackPiece.objects.filter(pack=pack).delete()

    def keep(place: int, content: bytes) -> None:
        PackPiece.objects.create(pack=pack, attempt=1, position=place, content=content)

    writer = PieceWriter(keep)
    fake = SimpleNamespace(
        archive=Archive(writer), zone=ZoneInfo("Europe/Berlin"), mark="Confidential.", name_of=lambda person: "Bob"
    )
    began = time.perf_counter()
    run(cast(Work, fake), population)
    writer.close()
    return population.count / (time.perf_counter() - began)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB


@transaction.atomic
def _engagement(person: User, at: datetime) -> Engagement:
    window = {"window_from": at - timedelta(days=90), "window_to": at, "starts_at": at, "ends_at": at + timedelta(days=1)}
    row = Engagement.objects.create(name="Benchmark", digest="0" * 64, created_by=person, created_at=at, **window)
    _cover("engagement.made", row)
    return row


@transaction.atomic
def _population(engagement: Engagement, rows: int, person: User, at: datetime) -> Population:
    columns = {column.name: _said(column.holds, at) for column in KINDS["changes"].columns}
    row = Population.objects.create(
        engagement=engagement,
        number=engagement.populations.count() + 1,
        kind="changes",
        since=at - timedelta(days=90),
        until=at,
        count=rows,
        digest="0" * 64,
        sheet={},
        sheet_digest="0" * 64,
        rules_version="1",
        frozen_by=person,
        frozen_at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [row.pk, canonical({**columns, "key": "CHG-0"}), rows])
    _cover("population.frozen", row)
    return row


@transaction.atomic
def _pack(engagement: Engagement, person: User, at: datetime) -> Pack:
    row = Pack.objects.create(engagement=engagement, number=1, asked_by=person, asked_at=at, contents={})
    _cover("pack.asked", row)
    return row


def _cover(kind: str, row: Any) -> None:
    append(stream="bench:packs", kind=kind, actor="portal", fact={}, rows=[row])


def _said(holds: str, at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z") if holds == "time" else "Move the session store"
