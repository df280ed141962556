"""The populations and the samples of a pack: exact lines, the same as CSV, sheets, and what the ledger keeps of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from audits.packs.contents.sheets import sheet_pdf
from audits.packs.contents.work import Work, columns_of, folder_of, lines_of, plain, sample_folder
from audits.packs.tables import csv_of
from audits.populations.facts import moment
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from audits.samples.models import Sample, SampleItem
from portal.ledger.actions import row_key
from portal.ledger.canonical import canonical

MANY = 1000


def put_population(work: Work, population: Population) -> None:
    """One population: what it is, its rows as they were hashed, the same as CSV, its completeness sheet."""
    folder = folder_of(population)
    names = [name for name, *_ in columns_of(population)]
    work.archive.put_json(f"{folder}/population.json", said_of_population(work, population, names))
    work.archive.put(f"{folder}/completeness.json", canonical(population.sheet))
    with work.archive.entry(f"{folder}/rows.jsonl") as file:
        for piece in _joined(lines_of(population)):
            file.write(piece)
    with work.archive.entry(f"{folder}/rows.csv") as file:
        for piece in csv_of(lines_of(population), names):
            file.write(piece)


def said_of_population(work: Work, population: Population, columns: list[str]) -> dict[str, Any]:
    """What a population is; the names of the ledger's row where they say the same."""
    return {
        "row": row_key(population),
        "number": population.number,
        "kind": population.kind,
        "title": KINDS[population.kind].title,
        "since": moment(population.since),
        "until": moment(population.until),
        "filters": population.filters,
        "count": population.count,
        "digest": population.digest,
        "sheet_digest": population.sheet_digest,
        "rules_version": population.rules_version,
        "frozen_by": work.name_of(population.frozen_by_id),
        "frozen_at": moment(population.frozen_at),
        "columns": columns,
    }


def put_sample(work: Work, sample: Sample) -> None:
    """One sample: how it was drawn, its items with their sheets, a paper and the raw records for each."""
    folder = sample_folder(sample)
    work.archive.put_json(f"{folder}/sample.json", said_of_sample(work, sample))
    items = work.items(sample)
    said = []
    for item in items:
        files = dict(_files(work, sample, item))
        said.append(said_of_item(work, item, files))
    work.archive.put(f"{folder}/items.jsonl", "".join(canonical(one) + "\n" for one in said))


def said_of_sample(work: Work, sample: Sample) -> dict[str, Any]:
    """How a sample was drawn."""
    return {
        "row": row_key(sample),
        "number": sample.number,
        "population": sample.population.number,
        "method": sample.method,
        "seed": sample.seed,
        "size": sample.size,
        "plan": sample.plan,
        "algorithm": sample.algorithm,
        "digest": sample.digest,
        "reason": sample.reason,
        "drawn_by": work.name_of(sample.drawn_by_id),
        "drawn_at": moment(sample.drawn_at),
    }


def said_of_item(work: Work, item: SampleItem, files: Mapping[str, str]) -> dict[str, Any]:
    """One item with its sheet, and the files about it."""
    return {
        "row": row_key(item),
        "position": item.position,
        "key": item.row.key,
        "replaces": item.replaces.position if item.replaces else None,
        "reason": item.reason,
        "sheet": item.sheet,
        "sheet_digest": item.sheet_digest,
        "added_by": work.name_of(item.added_by_id),
        "added_at": moment(item.added_at),
        "files": files,
    }


def _files(work: Work, sample: Sample, item: SampleItem) -> Iterator[tuple[str, str]]:
    """Write the paper and the raw records of one item; the path and digest of each."""
    folder = f"{sample_folder(sample)}/{item.position:04d}-{plain(item.row.key)}"
    paper = f"{folder}/sheet.pdf"
    work.archive.put(paper, sheet_pdf(work, sample, item))
    yield paper, work.archive.files[-1].sha256
    for attribute in attributes_of(item):
        letter = plain(attribute["letter"])
        yield _put_text(work, f"{folder}/{letter}-raw.json", attribute["raw"])
        for number, answer in enumerate(attribute.get("answers", ()), start=1):
            yield _put_text(work, f"{folder}/{letter}-answer-{number}.txt", answer["text"])


def _put_text(work: Work, path: str, text: str) -> tuple[str, str]:
    work.archive.put(path, text)
    return path, work.archive.files[-1].sha256


def attributes_of(item: SampleItem) -> list[dict[str, Any]]:
    """The attributes of an item's sheet."""
    return list(item.sheet.get("attributes", []))


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == MANY:
            yield ("\n".join(waiting) + "\n").encode()
            waiting.clear()
    if waiting:
        yield ("\n".join(waiting) + "\n").encode()
