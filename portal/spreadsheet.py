"""Tables as files for spreadsheets: cells that no spreadsheet runs, and a first line that says what it is and for whom."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


def harmless(text: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe stands before what could begin a formula."""
    return f"'{text}" if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run this cell."""
    return text.lstrip(" ").startswith(DANGEROUS)


def answer_with_table(*, name: str, mark: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A small table as a download. ``mark`` is the first line: what it is, confidential, made when and by whom (P-31).

    The sign before it tells spreadsheets the encoding.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([mark])
    lines.writerow(header)
    lines.writerows([harmless(cell) for cell in row] for row in rows)
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8", headers=disposition)
