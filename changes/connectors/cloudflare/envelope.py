"""Cloudflare's envelope: a yes or a no with any status, pages, and the token that asks. Pure.

``Declined`` is the envelope's own no, which comes with any status, 200 too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changes.connectors.fields import SMALL, Fields

ID = 90
"""Characters. An asset inside another is known by both ids, of which the inventory holds two hundred characters."""


class Declined(Exception):
    """``success`` is false: Cloudflare's first error, as code and words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list. ``pages`` is how many there are, where that can be told; ``cursor`` leads to the next one."""

    items: tuple[Fields, ...]
    pages: int | None = None
    cursor: str = ""


@dataclass(frozen=True, kw_only=True)
class TokenState:
    """What Cloudflare says about the token that asks."""

    vendor_id: str
    status: str
    expires_at: datetime | None


def declined(body: Any) -> Declined | None:
    """The envelope's no; None when it is a yes. Raises ``Unreadable`` when the body is no envelope."""
    envelope = Fields.of(value=body, path="answer")
    if envelope.flag("success"):
        return None
    errors = envelope.items("errors")
    if not errors:
        return Declined(0, "an error without words")
    words = "".join(sign if sign.isprintable() else " " for sign in (errors[0].text("message") or "an error without words")[:200])
    return Declined(errors[0].number("code", largest=SMALL) or 0, words)


def log_page(body: Any) -> Page:
    """A page of a log. What is no object stands there as an empty one, which no reader takes and which hides no other entry."""
    rows = _agreed(body).values.get("result")
    given = [row if isinstance(row, Mapping) else {} for row in rows] if isinstance(rows, list) else rows
    return page({**body, "result": given})


def page(body: Any) -> Page:
    """A page of any list. Raises ``Declined``."""
    envelope = _agreed(body)
    info = envelope.within("result_info")
    return Page(
        items=envelope.items("result"),
        pages=_pages(info) if info is not None else None,
        cursor=(info.text("cursor") or "") if info is not None else "",
    )


def one(body: Any) -> Fields:
    """The single object of an answer. Raises ``Declined``."""
    return _agreed(body).needed("result")


def _agreed(body: Any) -> Fields:
    no = declined(body)
    if no is not None:
        raise no
    return Fields.of(value=body, path="answer")


def _pages(info: Fields) -> int | None:
    """How many pages there are: said, or counted from the total. Audit log v2 writes numbers as text and says neither."""
    if info.has("cursor") or isinstance(info.values.get("count"), str):
        return None
    said = info.number("total_pages", largest=SMALL)
    if said is not None:
        return said
    total, size = info.number("total_count"), info.number("per_page", largest=SMALL)
    return None if total is None or not size else -(-total // size)


def token_state(body: Any) -> TokenState:
    """The answer of a token's own verification."""
    found = one(body)
    return TokenState(
        vendor_id=found.needed_text("id", limit=ID), status=found.needed_text("status"), expires_at=found.moment("expires_on")
    )
