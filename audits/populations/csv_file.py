"""A frozen population as a file for spreadsheets: flat, no cell that one would run, memory flat."""

import csv
import io
import json
import tempfile
from datetime import datetime

from audits.populations.facts import moment
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from changes.desk.csv_file import File
from portal.spreadsheet import harmless


def file_of(*, population: Population, reader: str, at: datetime) -> File:
    """The first line says what it is (P-31), the second names the columns; then every row in the order of the population."""
    columns = KINDS[population.kind].columns
    body = tempfile.TemporaryFile("w+b")  # noqa: SIM115  # the answer closes it, once it is sent
    text = io.TextIOWrapper(body, encoding="utf-8", newline="")
    lines = csv.writer(text)
    lines.writerow([column.label for column in columns])
    for line in population.rows.order_by("position").values_list("line", flat=True).iterator():
        row = json.loads(line)
        lines.writerow([harmless("" if row.get(column.name) is None else str(row[column.name])) for column in columns])
    text.flush()
    text.detach()
    body.seek(0)
    return File(_mark(population, reader, at).encode(), body, population.count)


def _mark(population: Population, reader: str, at: datetime) -> str:
    parts = [
        "Confidential: population of Countersign",
        f"{population.engagement.name}, population {population.number}: {population.kind}",
        f"{population.count} rows from {moment(population.since)} to before {moment(population.until)}",
        f"sha256 of the frozen lines {population.digest}",
        f"frozen {moment(population.frozen_at)}",
        f"made {moment(at)} by {reader}",
    ]
    line = io.StringIO()
    csv.writer(line).writerow(["; ".join(parts)])
    return "\ufeff" + line.getvalue()
