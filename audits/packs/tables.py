"""Flat rows as CSV (RFC 4180) that no spreadsheet runs, from the exact lines of a population. Pure.

A cell of text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP ASVS 1.2.10). The lossless form is the
JSON beside it. Numbers are numbers, true and false words, nothing is nothing; what is not flat stands as canonical JSON.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from portal.ledger.canonical import canonical
from portal.spreadsheet import harmless

MANY = 2000


def cell(value: Any) -> str:
    """One value as a cell."""
    if type(value) is str:
        return harmless(value)
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return canonical(value) if isinstance(value, dict) else canonical({"": value})[4:-1]


def csv_of(lines: Iterable[str], columns: Sequence[str]) -> Iterator[bytes]:
    """The header and one row for each line of JSON, in pieces. A line without a column has an empty cell there."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([cell(column) for column in columns])
    for number, line in enumerate(lines, start=1):
        row = orjson.loads(line)
        writer.writerow([cell(row.get(column)) for column in columns])
        if number % MANY == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
