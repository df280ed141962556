"""What the lists of access have in common: a part of a list, and the reader's moment."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

from changes.desk.columns import moment_text
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.ui.clock import time_of

AT_ONCE = 100
DIFFERENCES = 200
"""Changes that a page shows; more are named by their number."""


def latest(request: HttpRequest) -> datetime:
    """Now, or the end of an auditor's window."""
    now, scope = time_of(request), scope_for(request)
    return min(now, scope.window_to) if scope.window_to is not None else now


def day_in(request: HttpRequest, name: str) -> date | None:
    """The day under this name in the address; None for none and for nonsense. Never after the reader's last moment."""
    try:
        found = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None
    return min(found, latest(request).date()) if 2000 <= found.year <= 2200 else None


def part_of(request: HttpRequest, rows: QuerySet[Any], kept: Mapping[str, str]) -> dict[str, Any]:
    """The rows that the address asks for, how many there are, and the addresses of the parts around them."""
    text, count = request.GET.get("from", ""), rows.count()
    start = number_in(text, below=7, otherwise=0)
    start = start - start % AT_ONCE if start < count else 0
    end = min(start + AT_ONCE, count)
    return {
        "rows": list(rows[start:end]),
        "count": count,
        "shown": f"{start + 1} to {end} of {count}" if count else "0 of 0",
        "newer": address_of(kept, start - AT_ONCE) if start else "",
        "older": address_of(kept, end) if end < count else "",
        "query": query_of(kept),
    }


def query_of(kept: Mapping[str, str]) -> str:
    """The filters as they stand in an address, empty ones left out."""
    return urlencode({name: value for name, value in kept.items() if value})


def address_of(kept: Mapping[str, str], start: int) -> str:
    """The address of the part that begins at ``start``."""
    return "?" + query_of({**kept, "from": str(start) if start else ""})


def mark_of(request: HttpRequest, *, what: str, count: int, query: str) -> str:
    """The first line of a file: what it is, for whom, and with which filter (P-31)."""
    made = f"made {moment_text(time_of(request))} (UTC) by {person_of(request).email}"
    return f"Confidential: {what} of Countersign; {count} rows; filter: {query or 'none'}; {made}"
