"""Long lists a page at a time, by the place of the first row in the address: ``?from=51``."""

from django.http import HttpRequest
from django.utils.http import urlencode

from portal.numbers import number_in

SIZE = 50
"""Rows of a page."""


def first_of(request: HttpRequest) -> int:
    """The place of the first row of the page that is asked for, from 0."""
    return max(number_in(request.GET.get("from", ""), below=10, otherwise=0) - 1, 0)


def pager(request: HttpRequest, *, first: int, shown: int, count: int) -> dict[str, str]:
    """Which rows are shown in words, and the addresses of the older and the newer page; empty where there is none."""
    kept = {name: str(value) for name, value in request.GET.items() if name != "from"}
    words = f"{first + 1}–{first + shown} of {count}" if shown else f"{count} rows"
    older = f"?{urlencode(kept | {'from': str(first + 1 + SIZE)})}" if first + SIZE < count else ""
    newer = f"?{urlencode(kept | {'from': str(max(first + 1 - SIZE, 1))})}" if first else ""
    return {"words": words, "older": older, "newer": newer}
