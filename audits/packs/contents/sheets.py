"""The paper of one sampled item: what it is, each attribute with source and time, and what the testers marked."""

from typing import Any

from audits.packs.contents.work import Work
from audits.populations.facts import moment
from audits.samples.models import Sample, SampleItem
from portal.pdf import paper_of


def sheet_pdf(work: Work, sample: Sample, item: SampleItem) -> bytes:
    """One sample sheet as PDF; the same bytes for the same sheet and marks."""
    population = sample.population
    title = f"Sample {sample.number}, item {item.position}: {item.row.key}"
    paper = paper_of(title=title, mark=work.mark, subject=work.engagement.name)
    paper.facts(
        [
            ("Population", f"{population.number}, {population.kind}, {population.count} rows"),
            ("Window (UTC)", f"{moment(population.since)} to {moment(population.until)}"),
            ("Drawn", f"{sample.get_method_display()}, seed {sample.seed or 'none'}, {moment(sample.drawn_at)}"),
            *([("Replaces", f"Item {item.replaces.position}: {item.reason}")] if item.replaces else []),
        ]
    )
    marks = work.marks_of(item)
    for attribute in item.sheet.get("attributes", []):
        paper.section(f"{attribute['letter']}  {attribute['name']}")
        paper.text(f"{attribute.get('state', '')}: {attribute.get('sentence', '')}")
        paper.small(f"Source: {attribute.get('source', '')}. Time (UTC): {attribute.get('at') or 'none'}.")
        paper.small(f"SHA-256 of the raw record: {attribute.get('digest') or 'no raw record'}")
        for mark in marks.get(attribute["letter"], []):
            paper.text(_said(mark, work))
    paper.section("Digests")
    paper.small(f"SHA-256 of this sheet as canonical JSON: {item.sheet_digest}")
    paper.small(f"SHA-256 of the population's rows: {population.digest}")
    return paper.content()


def _said(mark: dict[str, Any], work: Work) -> str:
    side = "Auditor" if mark["side"] == "auditor" else "Compliance"
    rest = " ".join(part for part in (mark["note"], f"({mark['workpaper']})" if mark["workpaper"] else "") if part)
    return f"{side}, {work.name_of(mark['by_id'])}, {mark['at']}: {mark['outcome'].replace('_', ' ')}. {rest}"
