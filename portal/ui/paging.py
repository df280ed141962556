"""Keyset paging: a cursor names the last row seen, so that page 2,000 costs what page 1 costs. Never an offset."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row")
Key = datetime | int
"""What lists are sorted by: a moment or a whole number."""
SIZE = 50
"""Rows of a page, unless a list says otherwise."""


class BadCursor(BadRequest):
    """The cursor in the address was not made by this list."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page in the order of the list, and the cursors of its neighbours (empty when there is none)."""

    rows: list[Row]
    older: str
    newer: str


def cursor_of(key: Key, pk: int) -> str:
    """The cursor of a row with this sort key."""
    value = key.isoformat() if isinstance(key, datetime) else f"n{key}"
    return base64.urlsafe_b64encode(f"{value}|{pk}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[Key, int]:
    """The sort key in a cursor. Raises ``BadCursor`` for anything that ``cursor_of`` did not make."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        value, _, pk = raw.partition("|")
        return int(value[1:]) if value.startswith("n") else _moment(value), int(pk)
    except (binascii.Error, UnicodeDecodeError, ValueError) as problem:
        raise BadCursor("This cursor is not from this list. Start again without it.") from problem


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment of ours has its zone")
    return moment


def page_of(
    rows: QuerySet[Any], *, by: str, size: int = SIZE, older_than: str = "", newer_than: str = "", ascending: bool = False
) -> Page[Any]:
    """One page of ``rows`` sorted by ``by`` (a column that is never null) and id, both descending unless ``ascending``.

    ``older_than`` is the cursor of the row before the page, ``newer_than`` of the one after it. One query whatever the page.
    """
    cursor = newer_than or older_than
    backwards = bool(newer_than)
    up = ascending != backwards
    if cursor:
        rows = rows.filter(_past(rows, by, cursor, up=up))
    found = list(rows.order_by(*((by, "pk") if up else (f"-{by}", "-pk")))[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    follows, leads = (bool(found), more) if backwards else (more, bool(older_than) and bool(found))
    return Page(found, _cursor(found[-1], by) if follows else "", _cursor(found[0], by) if leads and found else "")


def _past(rows: QuerySet[Any], by: str, cursor: str, *, up: bool) -> Q:
    """The rows beyond a cursor; the bound on the column alone lets its index begin there."""
    key, pk = read_cursor(cursor)
    if isinstance(key, int) == _is_time(rows, by):
        raise BadCursor("This cursor is from a list that is sorted by something else. Start again without it.")
    sign = "gt" if up else "lt"
    return Q(**{f"{by}__{sign}e": key}) & (Q(**{f"{by}__{sign}": key}) | Q(**{f"pk__{sign}": pk}))


def _is_time(rows: QuerySet[Any], by: str) -> bool:
    kind = rows.model._meta.get_field(by)
    kind = getattr(kind, "output_field", None) or kind
    return bool(kind.get_internal_type() == "DateTimeField")


def _cursor(row: Any, by: str) -> str:
    return cursor_of(getattr(row, by), row.pk)


@dataclass(frozen=True)
class Asked:
    """Where in a list an address stands: its two cursors."""

    older: str = ""
    newer: str = ""


def asked_in(request: HttpRequest) -> Asked:
    """The cursors in the address."""
    return Asked(request.GET.get("older", ""), request.GET.get("newer", ""))


def listed(request: HttpRequest, rows: QuerySet[Any], *, by: str, kept: Mapping[str, str], size: int = SIZE) -> dict[str, Any]:
    """The part of a context that every plain list has: ``rows`` of the page asked for, ``older`` and ``newer`` as addresses
    that keep the filters ``kept`` (empty ones are left out)."""
    at = asked_in(request)
    return {**links(page := page_of(rows, by=by, size=size, older_than=at.older, newer_than=at.newer), kept), "rows": page.rows}


def links(page: Page[Any], kept: Mapping[str, str]) -> dict[str, str]:
    """``older`` and ``newer`` as addresses; empty where there is no such page."""
    filters = {name: value for name, value in kept.items() if value}
    cursors = {"older": page.older, "newer": page.newer}
    return {name: f"?{urlencode({**filters, name: cursor})}" if cursor else "" for name, cursor in cursors.items()}
