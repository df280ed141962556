"""The sheets of the workbook: flat, a stable id in the first column, times in UTC and by the company's clocks."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from audits.packs.contents.controlled import Controlled
from audits.packs.contents.lists import attributes_of
from audits.packs.contents.work import Work, columns_of, folder_of, lines_of, local, plain, portal, sample_folder
from audits.packs.workbook import Row, Sheet, write_workbook
from audits.populations.facts import moment
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from audits.populations.queries import href_of

PATH = "workbook.xlsx"


def put_workbook(work: Work, controls: Sequence[Controlled]) -> None:
    """One workbook with everything flat."""
    sheets = [
        _readme(work),
        _completeness(work),
        *(population_sheet(work, population) for population in work.populations),
        _samples(work),
        _items(work),
        _attributes(work),
        *(_records(work, name) for name in work.records),
        _controls(work, controls),
        _deviations(work, controls),
    ]
    with work.archive.entry(PATH, stored=True) as file:
        write_workbook(file, sheets)


def _readme(work: Work) -> Sheet:
    engagement = work.engagement
    pairs = [
        ("What", f"{engagement.name}, evidence pack {work.pack.number}"),
        ("Mark", work.mark),
        ("Window from (UTC)", moment(engagement.window_from)),
        ("Window to (UTC), not included", moment(engagement.window_to)),
        ("Asked for by", work.name_of(work.pack.asked_by_id)),
        ("Asked for at (UTC)", moment(work.pack.asked_at)),
        ("Checkpoint of the ledger", str(work.checkpoint.size)),
        ("Clock of the local columns", str(work.zone)),
        ("Lossless form", "The JSON files beside this workbook; it is made for reading and sorting, and holds no formula."),
    ]
    return Sheet("Read me", ("About", "Says"), (Row(pair) for pair in pairs), work.mark)


def _completeness(work: Work) -> Sheet:
    rows = (
        Row((f"population-{population.number}", *pair), f"{folder_of(population)}/completeness.json")
        for population in work.populations
        for pair in flattened(population.sheet)
    )
    return Sheet("Completeness", ("Population", "Place", "Says"), rows, work.mark)


def flattened(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value with its place, as ``sources[0].count``."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from flattened(value[key], f"{place}.{key}" if place else key)
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            yield from flattened(one, f"{place}[{number}]")
    else:
        yield place, None if value in ({}, []) else value


def population_sheet(work: Work, population: Population) -> Sheet:
    """The rows of one population, with their times twice."""
    columns = columns_of(population)
    header = [cell for _, label, holds_time in columns for cell in _heads(label, holds_time, work)]
    title = f"{population.number} {KINDS[population.kind].title}"
    return Sheet(title, header, _rows(work, population, columns), work.mark)


def _heads(label: str, holds_time: bool, work: Work) -> tuple[str, ...]:
    return (f"{label} (UTC)", f"{label} ({work.zone})") if holds_time else (label,)


def _rows(work: Work, population: Population, columns: Sequence[tuple[str, str, bool]]) -> Iterator[Row]:
    zone = work.zone
    names = [(name, holds_time) for name, _, holds_time in columns]
    for line in lines_of(population):
        row = orjson.loads(line)
        cells: list[Any] = []
        for name, holds_time in names:
            value = row.get(name)
            cells.append(value if isinstance(value, str | int | float | None) else json.dumps(value, ensure_ascii=False))
            if holds_time:
                cells.append(local(value, zone) if value else value)
        yield Row(cells, page_of(row["key"]))


def page_of(key: str) -> str:
    """Where a record can be read in the portal; empty when it has no page of its own."""
    path = href_of(key)
    return portal(path) if path.startswith("/") else path


def _samples(work: Work) -> Sheet:
    header = (
        "Sample",
        "Population",
        "Method",
        "Seed",
        "Size",
        "Algorithm",
        "Digest",
        "Reason",
        "Drawn by",
        "Drawn at (UTC)",
        "Local",
    )
    rows = (
        Row(
            (
                f"sample-{one.number}",
                f"population-{one.population.number}",
                one.get_method_display(),
                one.seed,
                one.size,
                one.algorithm,
                one.digest,
                one.reason,
                work.name_of(one.drawn_by_id),
                moment(one.drawn_at),
                local(moment(one.drawn_at), work.zone),
            ),
            f"{sample_folder(one)}/sample.json",
        )
        for one in work.samples
    )
    return Sheet("Samples", header, rows, work.mark)


def _items(work: Work) -> Sheet:
    header = ("Item", "Sample", "Position", "Key", "Replaces", "Reason", "Sheet's SHA-256", "Added by", "Added at (UTC)", "Local")
    rows = (
        Row(
            (
                f"item-{item.pk}",
                f"sample-{sample.number}",
                item.position,
                item.row.key,
                item.replaces.position if item.replaces else None,
                item.reason,
                item.sheet_digest,
                work.name_of(item.added_by_id),
                moment(item.added_at),
                local(moment(item.added_at), work.zone),
            ),
            f"{sample_folder(sample)}/{item.position:04d}-{plain(item.row.key)}/sheet.pdf",
        )
        for sample in work.samples
        for item in work.items(sample)
    )
    return Sheet("Items", header, rows, work.mark)


def _attributes(work: Work) -> Sheet:
    header = ("Item", "Key", "Attribute", "Name", "State", "Says", "Source", "At (UTC)", "Local", "Raw SHA-256", "Marks")
    return Sheet("Attributes", header, _attribute_rows(work), work.mark)


def _attribute_rows(work: Work) -> Iterator[Row]:
    for sample in work.samples:
        for item in work.items(sample):
            marks = work.marks_of(item)
            for one in attributes_of(item):
                said = "; ".join(f"{mark['side']}: {mark['outcome']}" for mark in marks.get(one["letter"], []))
                at = str(one.get("at") or "")
                cells = (one["letter"], one["name"], one.get("state"), one.get("sentence"), one.get("source"), at)
                yield Row((f"item-{item.pk}", item.row.key, *cells, local(at, work.zone), one.get("digest"), said))


def _records(work: Work, name: str) -> Sheet:
    records = work.records[name]
    columns = ["row", *sorted({key for record in records for key in record} - {"row"})]
    rows = (Row([_flat(record.get(column)) for column in columns]) for record in records)
    return Sheet(name.capitalize().replace("-", " "), columns, rows, work.mark)


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else value


def _controls(work: Work, controls: Sequence[Controlled]) -> Sheet:
    header = ("Control", "Title", "Clause", "Outcome", "Population", "Deviations", "Unknown", "Unread", "SHA-256 of the rows")
    rows = (
        Row(
            (
                one.control.id,
                one.control.title,
                one.control.clause.value,
                one.result.outcome.replace("_", " "),
                one.result.population,
                one.result.deviations,
                one.result.unknown,
                one.result.unread,
                one.result.digest,
            ),
            f"{one.folder}/rows.jsonl",
        )
        for one in controls
    )
    return Sheet("Controls", header, rows, work.mark)


def _deviations(work: Work, controls: Sequence[Controlled]) -> Sheet:
    rows = (
        Row((row.key, one.control.id, row.state.value, row.sentence, row.ref, row.repository), page_of(row.key))
        for one in controls
        for row in one.notable
    )
    return Sheet("Deviations", ("Key", "Control", "State", "Says", "Reference", "Repository"), rows, work.mark)
