"""What a vendor answered, and what its status means: go on, ask again later, or stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Passing, Permanent, Unauthorised
from changes.connectors.json_text import decoded

LONGEST_WAIT = 24 * 3600.0
"""Seconds. No vendor makes us wait longer than this."""
PERMANENT: Mapping[int, type[Permanent]] = {401: Unauthorised, 403: Forbidden, 404: NotFound, 410: NotFound}
PASSING = frozenset({408, 425, 429})
HIDDEN_FROM = 6
"""Characters; shorter words of a header are not worth hiding and would blacken ordinary text."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, headers (lower-case names) and decoded body. Shows neither headers nor body, which may hold a secret."""

    what: str
    """Method and path, for reasons."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Header values that were sent: a vendor that echoes them must not get them into a reason."""

    def json(self) -> Any:
        """The body as JSON. Raises ``NotJson``."""
        try:
            return decoded(self.body)
        except orjson.JSONDecodeError:
            kind = self.headers.get("content-type", "no content type")[:60]
            raise NotJson(f"{self.what} answered {self.status} with {self.shown(kind)} instead of JSON") from None

    @property
    def is_limit(self) -> bool:
        """A 403 that says when to come back, or that nothing is left: a limit of requests, and no word on rights."""
        said = "retry-after" in self.headers or self.headers.get("x-ratelimit-remaining") == "0"
        return self.status == 403 and said

    def checked(self) -> "Answer":
        """Itself when the status is 2xx or 304. Raises ``Passing`` or a ``Permanent``, with the vendor's own message."""
        if 200 <= self.status < 300 or self.status == 304:
            return self
        reason = f"{self.what} answered {self.status}{self.message()}"
        if self.status in PASSING or self.status >= 500 or self.is_limit:
            raise Passing(reason, retry_after=self.retry_after())
        raise PERMANENT.get(self.status, Invalid)(reason)

    def message(self) -> str:
        """The vendor's own words (``message`` of the JSON body), shortened, without what we sent as a secret."""
        try:
            body = decoded(self.body)
        except orjson.JSONDecodeError:
            return ""
        said = body.get("message") if isinstance(body, dict) else None
        return f": {self.shown(said)}" if isinstance(said, str) and said else ""

    def retry_after(self) -> float | None:
        """Seconds to wait, from ``Retry-After`` in seconds or as a date (then counted from the answer's own Date)."""
        said = self.headers.get("retry-after", "")
        if said.isascii() and said.isdecimal():
            return min(float(said), LONGEST_WAIT)
        try:
            wait = parsedate_to_datetime(said) - parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(wait.total_seconds(), 0.0), LONGEST_WAIT)

    def shown(self, text: str) -> str:
        """A vendor's words, shortened and printable, without what we sent."""
        words = sorted({word for value in self.hidden for word in (value, *value.split())}, key=len, reverse=True)
        for word in words:
            if len(word) >= HIDDEN_FROM:
                text = text.replace(word, "•••")
        return "".join(sign if sign.isprintable() else " " for sign in text[:200])
