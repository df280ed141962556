"""The first two files of a pack: what it is and how to check it, and the completeness sheets in words."""

from audits.packs.contents.book import flattened
from audits.packs.contents.work import Work, folder_of
from audits.populations.facts import moment
from audits.populations.kinds import KINDS
from audits.populations.models import Population

README = """\
{mark}

Evidence pack {number}: {name}
{line}
Period of the records: {since} to {until} (UTC, the end not included).
Asked for by {who} at {at} UTC. Everything in it is what was frozen by then; the controls were run once for this pack,
over the records up to then. Names of people are those of that day; the records name them by number.

Check it, on any machine with Python 3.11 and the package "cryptography":

    unzip -p PACK.zip verify.py > verify.py
    python verify.py PACK.zip --keys key-given-beforehand.txt --checkpoints checkpoints-kept.txt

Take verify.py from where you trust it: a pack that somebody forged may hold a forged verifier. The key that you were given
beforehand, and the checkpoints that you kept, are what cannot be forged; without them the pack proves only that it fits itself.

What is in it
    completeness.txt      where the rows come from, how many, what is missing: read it before the rows
    populations/          each frozen list: rows.jsonl (the exact lines that were hashed), rows.csv (the same, harmless in
                          spreadsheets), completeness.json, population.json
    samples/              how each sample was drawn; its items with sheets, a PDF for each, the raw records behind them
    records/              marks, requests and findings
    controls/             each control: every row of its population, and what the rows come to
    attestations/         the frozen verdict on each change, signed (DSSE, in-toto)
    oscal/                the results in the form of NIST's OSCAL; the plan of action only where something is open
    workbook.xlsx         everything flat, for reading and sorting; no formula
    ledger/               the entries about all that with their proofs, the signed checkpoint, earlier checkpoints, public keys;
                          timestamps/ (where there are any): an authority's RFC 3161 stamps over checkpoints
    verify.py             the verifier, one file
    manifest.json, .note  every file with its SHA-256; and the signature over that

Populations
{populations}
Samples
{samples}
In CSV, a text that a spreadsheet would run as a formula has an apostrophe in front. Times are UTC (RFC 3339).
"""


def put_readme(work: Work) -> None:
    """``README.txt`` and ``completeness.txt``."""
    name, engagement = f"Evidence pack {work.pack.number}: {work.engagement.name}", work.engagement
    text = README.format(
        mark=work.mark,
        number=work.pack.number,
        name=engagement.name,
        line="=" * len(name),
        since=moment(engagement.window_from),
        until=moment(engagement.window_to),
        who=work.name_of(work.pack.asked_by_id),
        at=moment(work.pack.asked_at),
        populations="".join(f"    {_said(one)}\n" for one in work.populations),
        samples="".join(
            f"    {one.number}: {one.size} of population {one.population.number}, {one.get_method_display().lower()},"
            f" seed {one.seed or 'none'}\n"
            for one in work.samples
        )
        or "    None was drawn yet.\n",
    )
    work.archive.put("README.txt", text)
    work.archive.put("completeness.txt", "\n".join([work.mark, "", *(_sheet(one) for one in work.populations)]))


def _said(population: Population) -> str:
    return f"{population.number}: {KINDS[population.kind].title}, {population.count} rows, {folder_of(population)}"


def _sheet(population: Population) -> str:
    lines = [f"{place}: {'none' if value is None else value}" for place, value in flattened(population.sheet)]
    head = f"{_said(population)}, SHA-256 {population.digest}"
    return "\n".join([head, *(f"    {line}" for line in lines), ""])
