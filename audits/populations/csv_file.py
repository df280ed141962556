"""A frozen population as a file for spreadsheets: flat, no cell that one would run, memory flat."""

import json
from datetime import datetime

from audits.populations.facts import moment
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from changes.desk.csv_file import File, lines_into, mark_line, new_body
from portal.spreadsheet import harmless


def file_of(*, population: Population, reader: str, at: datetime) -> File:
    """The first line says what it is (P-31), the second names the columns; then every row in the order of the population."""
    columns = KINDS[population.kind].columns
    body = new_body()
    with lines_into(body) as lines:
        lines.writerow([column.label for column in columns])
        for line in population.rows.order_by("position").values_list("line", flat=True).iterator():
            row = json.loads(line)
            lines.writerow([harmless("" if row.get(column.name) is None else str(row[column.name])) for column in columns])
    return File(_mark(population, reader, at), body, population.count)


def _mark(population: Population, reader: str, at: datetime) -> bytes:
    parts = [
        "Confidential: population of Countersign",
        f"{population.engagement.name}, population {population.number}: {population.kind}",
        f"{population.count} rows from {moment(population.since)} to before {moment(population.until)}",
        f"sha256 of the frozen lines {population.digest}",
        f"frozen {moment(population.frozen_at)}",
        f"made {moment(at)} by {reader}",
    ]
    return mark_line(parts)
