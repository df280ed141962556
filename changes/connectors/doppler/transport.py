"""How Doppler is asked: one allowance for a run, pages, and what an answer that is none means.

No word of Doppler's own gets into a reason, whatever the status: error bodies may quote what was sent. Limits are counted by plan,
token and minute (120 of the smallest plan for reading secrets); ``x-ratelimit-remaining`` and ``-reset`` are minded, and a run
asks at most 60 times. Nothing here sleeps.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import orjson

from changes.connectors.allowance import Allowance
from changes.connectors.answer import LONGEST_WAIT, Answer
from changes.connectors.doppler import payloads
from changes.connectors.errors import Invalid, NotJson, Passing, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable, readable
from changes.connectors.http import Client
from changes.connectors.json_text import decoded
from changes.connectors.models import Source
from portal import vault

Read = TypeVar("Read")
SECONDS = 40.0
REQUESTS = 60
"""Of one run, one a minute: half of what the smallest plan allows."""
RESERVE = 20
PAGE = 20
PAGES = 200
LONGEST_NUMBER = 12
"""Digits of a header."""


@dataclass
class Transport:
    """Asks with the source's token. Raises ``Passing`` and ``Permanent`` as the HTTP client does, with reasons of our own words."""

    source: Source
    allowance: Allowance = field(default_factory=lambda: Allowance(seconds=SECONDS, requests=REQUESTS, reserve=RESERVE))
    unusable: list[str] = field(default_factory=list, init=False, repr=False)
    """Why entries of logs could not be used: one of them must not hide the others. Whoever reads a log looks here."""
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headers = {"User-Agent": "Countersign", "Accept": "application/json"}
        if token := _token(self.source):
            headers["Authorization"] = f"Bearer {token}"
        self._client = Client(base_url=self.source.api_url, headers=headers)

    def _listed(
        self, path: str, name: str, read: Callable[[Fields], Read], query: dict[str, str | int] | None = None, *, size: int = PAGE
    ) -> list[Read]:
        """All of a list. One entry that cannot be read spoils it: what is left out of such a list is gone."""
        pages = self._pages(path, name, query or {}, size=size)
        return [row for rows in pages for row in _read(path, partial(each, rows, name, read))]

    def _events(self, path: str, name: str, read: Callable[[Fields], Read], query: dict[str, str | int]) -> Iterator[list[Read]]:
        """Pages of a log, lazily. An entry that cannot be read is named in ``unusable``, and the others are read."""
        for rows in self._pages(path, name, query):
            yield list(readable(rows, read, self.unusable, path=name))

    def _pages(self, path: str, name: str, query: dict[str, str | int], *, size: int = PAGE) -> Iterator[list[Any]]:
        """Pages until one is short, empty, or the same as the one before. Without ``size`` only the last two tell."""
        before: list[Any] = []
        sized = {"per_page": size} if size else {}
        for number in range(1, PAGES + 1):
            rows = self._ask(path, lambda body: payloads.entries(body, name), {**query, "page": number, **sized})
            if not rows or rows == before:
                return
            yield rows
            before = rows
            if size and len(rows) < size:
                return
        raise Invalid(f"{path} has pages without an end")

    def _ask(self, path: str, read: Callable[[Any], Read], query: dict[str, str | int] | None = None) -> Read:
        seconds = self.allowance.take(vendor="Doppler")
        answer = self._client.request(path=path, query=query, deadline=seconds)
        self._note(answer)
        checked(answer)
        try:
            body = decoded(answer.body)
        except orjson.JSONDecodeError:
            raise NotJson(f"{answer.what} answered {answer.status} with something that is no JSON") from None
        if isinstance(body, dict) and body.get("success") is False:
            raise Invalid(f"{answer.what} answered {answer.status} and that it did not succeed")
        return _read(answer.what, lambda: read(body))

    def _note(self, answer: Answer) -> None:
        """``x-ratelimit-remaining``, and ``x-ratelimit-reset`` in seconds since 1970 or from now."""
        left, reset = answer.headers.get("x-ratelimit-remaining", ""), answer.headers.get("x-ratelimit-reset", "")
        if _is_number(left) and _is_number(reset):
            said = float(reset)
            wait = said if said < LONGEST_WAIT else max(0.0, said - time.time())
            self.allowance.left, self.allowance.resets_in = int(left), min(wait, LONGEST_WAIT)


def _is_number(said: str) -> bool:
    return said.isascii() and said.isdecimal() and len(said) <= LONGEST_NUMBER


def checked(answer: Answer) -> None:
    """Raise what a status means, with no word of Doppler's; the wait that it asks for is taken from the header or the body."""
    try:
        replace(answer, body=b"").checked()
    except Passing as problem:
        raise Passing(problem.reason, retry_after=problem.retry_after or _retry_after(answer)) from None


def _retry_after(answer: Answer) -> float | None:
    """``data.isRetryableAfterSec`` of an error's body: a number and nothing else."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    data = body.get("data") if isinstance(body, dict) else None
    said = data.get("isRetryableAfterSec") if isinstance(data, dict) else None
    return min(float(said), LONGEST_WAIT) if isinstance(said, int | float) and said > 0 else None


def _read(what: str, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"{what}: Doppler's answer cannot be used: {wrong}") from None


def each(body: Any, name: str, read: Callable[[Fields], Read]) -> list[Read]:
    """What ``read`` makes of each object of a list. Raises ``Unreadable`` and ``Incomplete``."""
    return [read(row) for row in payloads.listed(body, name)]


def _token(source: Source) -> str:
    try:
        return vault.open(bytes(source.token_encrypted)) if source.token_encrypted else ""
    except vault.Unreadable as wrong:
        raise Unauthorised(str(wrong)) from None
