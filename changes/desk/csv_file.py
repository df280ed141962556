"""The list of changes as a file: the same filters, order and columns, all rows, for whoever may see them.

The first line carries the mark of confidentiality (P-31), how many rows there are and what was asked; the second names the
columns. The rows come from one statement through a cursor of the server, so memory does not grow with their number.
"""

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Protocol

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from changes.desk.columns import COLUMNS, moment_text
from changes.proposals.listing import SORTS
from changes.proposals.models import Change
from portal.spreadsheet import harmless

MOST = 50_000
"""Rows of one file."""
LIMIT = f"at most {MOST:,} rows".replace(",", " ")
AT_ONCE = 1000
PIECE = 64 * 1024


class Lines(Protocol):
    """What writes lines of CSV."""

    def writerow(self, row: Iterable[Any], /) -> Any:
        """Write one line."""


@dataclass(frozen=True)
class File:
    """The first line and the rest, which vanishes when it is closed; and how many rows it has."""

    mark: bytes
    body: IO[bytes]
    count: int


def file_of(
    *, rows: QuerySet[Change], sort: str, columns: Sequence[str], asked: str, reader: str, at: datetime, most: int = MOST
) -> File:
    """The rows in the order ``sort`` with these columns. ``asked`` is the filter as the address has it."""
    order = SORTS[sort]
    sign = "" if order.ascending else "-"
    ordered = rows.order_by(f"{sign}{order.column}", f"{sign}pk")[: most + 1]
    body = new_body()
    with lines_into(body) as lines:
        count, more = _write(lines, ordered.iterator(chunk_size=AT_ONCE), columns, most)
    return File(_mark(count, more, order.label, asked, reader, at), body, count)


def new_body() -> IO[bytes]:
    """A file that vanishes when it is closed."""
    return tempfile.TemporaryFile("w+b")  # the answer closes it, once it is sent


@contextmanager
def lines_into(body: IO[bytes]) -> Iterator[Lines]:
    """Whatever is written goes into ``body`` as lines of CSV; it stands at its beginning afterwards."""
    text = io.TextIOWrapper(body, encoding="utf-8", newline="")
    yield csv.writer(text)
    text.flush()
    text.detach()
    body.seek(0)


def mark_line(parts: Iterable[str]) -> bytes:
    """The first line of a file, as one cell. The sign before it tells spreadsheets the encoding."""
    line = io.StringIO()
    csv.writer(line).writerow(["; ".join(parts)])
    return ("\ufeff" + line.getvalue()).encode()


def _write(lines: Lines, rows: Iterable[Change], columns: Sequence[str], most: int) -> tuple[int, bool]:
    """Names and rows; returns how many were written, and whether there were more."""
    lines.writerow(["Change", "Title", *(COLUMNS[name].label for name in columns)])
    count = 0
    for change in rows:
        if count == most:
            return count, True
        lines.writerow([str(change), harmless(change.title), *(harmless(COLUMNS[name].text(change)) for name in columns)])
        count += 1
    return count, False


def _mark(count: int, more: bool, order: str, asked: str, reader: str, at: datetime) -> bytes:
    parts = [
        "Confidential: change records of Countersign",
        "1 row" if count == 1 else f"{count:,} rows".replace(",", " "),
        *([f"the first of more, since a file has {LIMIT}: narrow the filter for the others"] if more else []),
        f"order: {order.lower()}",
        f"filter: {asked or 'none'}",
        f"made {moment_text(at)} (UTC) by {reader}",
    ]
    return mark_line(parts)


@dataclass(frozen=True)
class Pieces:
    """The bytes of a file, one piece after the other. Django closes it with the answer, also when nobody reads it."""

    file: File

    def __iter__(self) -> Iterator[bytes]:
        with self.file.body as body:
            yield self.file.mark
            while piece := body.read(PIECE):
                yield piece

    def close(self) -> None:
        """Let the file vanish."""
        self.file.body.close()


@dataclass(frozen=True)
class LaterPieces:
    """The same for an answer that is sent while others are served."""

    file: File

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self.file.body as body:
            yield self.file.mark
            while piece := await sync_to_async(body.read)(PIECE):
                yield piece

    def close(self) -> None:
        """Let the file vanish."""
        self.file.body.close()


def answer_with(request: HttpRequest, file: File, *, name: str, whole: bool) -> StreamingHttpResponse:
    """The file as a download, piece by piece. ``whole`` for readers behind the wall, whose answers are read at once."""
    later = isinstance(request, ASGIRequest) and not whole
    # Identity: the compressing middleware makes each piece of an asynchronous answer a whole of its own, and browsers read one.
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Encoding": "identity"}
    pieces = LaterPieces(file) if later else Pieces(file)
    return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8", headers=headers)
