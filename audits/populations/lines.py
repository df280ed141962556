"""Rows as the lines that are hashed, kept in a file while they are many, and copied into the table in one stream."""

import hashlib
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from django.db import connection

from audits.populations.facts import Filters, Kind, Row, Tell, untold
from audits.populations.kinds import fits
from audits.populations.sheet import Seen
from portal.ledger.canonical import canonical

IN_MEMORY = 8_000_000
"""Bytes of lines that are kept in memory before they go to a file."""
TOLD_EVERY = 500
"""Rows between two words about how far a reading is."""
COPY = "COPY audits_populationrow (population_id, position, key, line) FROM STDIN"


class Lines:
    """The lines of a population in their order, once read from the source. Use it as a context manager."""

    def __init__(self) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (closed in __exit__)
        self._digest = hashlib.sha256()
        self.count = 0

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *problem: object) -> None:
        self._file.close()

    @property
    def digest(self) -> str:
        """SHA-256 over all lines so far, a line feed after each."""
        return self._digest.hexdigest()

    def add(self, row: Row) -> None:
        """One more row."""
        line = f"{line_of(row)}\n".encode()
        self._digest.update(line)
        self._file.write(f"{row['key']}\n".encode() + line)
        self.count += 1

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Key and line of each row, from the beginning."""
        self._file.seek(0)
        for key in self._file:
            yield key.decode().removesuffix("\n"), next(self._file).decode().removesuffix("\n")

    def copy_into(self, *, population: int) -> None:
        """Write them into the table as rows of a population, within the caller's transaction."""
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for position, (key, line) in enumerate(self, start=1):
                copy.write_row((population, position, key, line))


def line_of(row: Row) -> str:
    """A row as canonical JSON (RFC 8785), as it is kept and hashed."""
    return canonical(row)


def collect(*, lines: Lines, rows: Iterator[Row], kind: Kind, filters: Filters, tell: Tell = untold) -> Seen:
    """Read every row, keep those that the filters let through, and note what the sheet says about both."""
    seen = Seen(kind, {name: value for name, value in filters.items() if value})
    for row in rows:
        seen.read_one(row)
        if fits(kind=kind, row=row, filters=seen.filters):
            seen.keep_one(row)
            lines.add(row)
        if seen.read % TOLD_EVERY == 0:
            tell(seen.read, "Reading rows")
    return seen
