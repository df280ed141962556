"""Keyset paging: a cursor names the last row seen, so that page 2,000 costs what page 1 costs. Never an offset."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Q, QuerySet

Row = TypeVar("Row")


class BadCursor(ValueError):
    """The cursor in the address was not made by this list."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page, newest first, and the cursors of its neighbours (empty when there is none)."""

    rows: list[Row]
    older: str
    newer: str


def cursor_of(moment: datetime, pk: int) -> str:
    """The cursor of a row with this sort key."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{pk}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, int]:
    """The sort key in a cursor. Raises ``BadCursor`` for anything that ``cursor_of`` did not make."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        moment, _, pk = raw.partition("|")
        return datetime.fromisoformat(moment), int(pk)
    except (binascii.Error, UnicodeDecodeError, ValueError) as problem:
        raise BadCursor("This cursor is not from this list. Start again without it.") from problem


def page_of(rows: QuerySet[Any], *, by: str, size: int, older_than: str = "", newer_than: str = "") -> Page[Any]:
    """One page of ``rows`` sorted by ``by`` (a time column) and id, both descending. One query whatever the page."""
    if newer_than:
        moment, pk = read_cursor(newer_than)
        later = rows.filter(Q(**{f"{by}__gt": moment}) | Q(**{by: moment, "pk__gt": pk}))
        found = list(later.order_by(by, "pk")[: size + 1])
        more, found = len(found) > size, found[:size][::-1]
        return Page(found, _cursor(found[-1], by) if found else "", _cursor(found[0], by) if more and found else "")
    if older_than:
        moment, pk = read_cursor(older_than)
        rows = rows.filter(**{f"{by}__lte": moment}).exclude(**{by: moment, "pk__gte": pk})
    found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
    more, found = len(found) > size, found[:size]
    return Page(
        found,
        _cursor(found[-1], by) if more else "",
        _cursor(found[0], by) if older_than and found else "",
    )


def _cursor(row: Any, by: str) -> str:
    return cursor_of(getattr(row, by), row.pk)
