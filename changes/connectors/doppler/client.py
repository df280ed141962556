"""What Countersign asks Doppler. Reads only; the value of a secret is never asked for, and where one comes along it is dropped
while the answer is parsed (``payloads``).

No word of Doppler's own gets into a reason, whatever the status: error bodies may quote what was sent. Limits are counted by plan,
token and minute (120 of the smallest plan for reading secrets); ``x-ratelimit-remaining`` and ``-reset`` are minded, and a run
asks at most 60 times. Nothing here sleeps.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from changes.connectors.allowance import Allowance
from changes.connectors.answer import LONGEST_WAIT, Answer
from changes.connectors.doppler import logs, payloads
from changes.connectors.doppler.logs import Diff, Entry, Request
from changes.connectors.doppler.payloads import Config, Project, Sync
from changes.connectors.errors import Invalid, NotJson, Passing, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.http import Client
from changes.connectors.json_text import decoded
from changes.connectors.models import Source
from portal import vault

Read = TypeVar("Read")
DOPPLER_API = "https://api.doppler.com"
SECONDS = 40.0
REQUESTS = 60
"""Of one run, one a minute: half of what the smallest plan allows."""
RESERVE = 20
PAGE = 20
PAGES = 200


@dataclass
class Doppler:
    """One workplace. Raises ``Passing`` and ``Permanent`` as the HTTP client does, with reasons of our own words alone."""

    source: Source
    allowance: Allowance = field(default_factory=lambda: Allowance(seconds=SECONDS, requests=REQUESTS, reserve=RESERVE))
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headers = {"User-Agent": "Countersign", "Accept": "application/json"}
        if token := _token(self.source):
            headers["Authorization"] = f"Bearer {token}"
        self._client = Client(base_url=self.source.api_url, headers=headers)

    def me(self) -> tuple[str, str]:
        """(kind of the token, the workplace)."""
        return self._ask("/v3/me", payloads.me)

    def projects(self) -> list[Project]:
        """The projects that the token sees."""
        return self._listed("/v3/projects", "projects", payloads.project)

    def environments(self, *, project: str) -> list[tuple[str, str]]:
        """(slug, title) of a project's environments."""
        return self._ask("/v3/environments", lambda body: _each(body, "environments", payloads.environment), {"project": project})

    def configs(self, *, project: Project) -> list[Config]:
        """The configs of a project."""
        names = {project.vendor_id: project.name}
        return self._listed("/v3/configs", "configs", lambda row: payloads.config(row, names), {"project": project.name})

    def names(self, *, config: Config) -> Diff:
        """The names of a config's secrets. There is a call that tells values as well; it is not in this code."""
        return self._ask("/v3/configs/config/secrets/names", logs.names, _of(config))

    def entries(self, *, config: Config) -> Iterator[list[Entry]]:
        """Pages of a config's log, newest first, lazily."""
        return self._pages("/v3/configs/config/logs", "logs", logs.entry, _of(config))

    def diff(self, *, config: Config, entry: str) -> Diff:
        """Which secrets one entry was about, by name and side."""
        return self._ask(
            "/v3/configs/config/logs/log",
            lambda body: logs.diff(Fields.of(value=body, path="answer").needed("log")),
            {**_of(config), "log": entry},
        )

    def activity(self) -> Iterator[list[Entry]]:
        """Pages of the workplace's activity log, newest first, lazily."""
        return self._pages("/v3/logs", "logs", logs.entry, {})

    def syncs(self) -> list[Sync]:
        """Every sync of every integration."""
        return self._ask("/v3/integrations", payloads.syncs)

    def members(self, *, project: Project) -> list[Fields]:
        """The members of a project."""
        return self._listed("/v3/projects/project/members", "members", lambda row: row, {"project": project.name})

    def users(self) -> list[Fields]:
        """The people of the workplace; these pages have a size of their own."""
        return [row for page in self._pages("/v3/workplace/users", "workplace_users", lambda row: row, {}, size=0) for row in page]

    def service_tokens(self, *, config: Config) -> list[Fields]:
        """The service tokens of a config: never a key."""
        return self._ask("/v3/configs/config/tokens", lambda body: list(payloads.listed(body, "tokens")), _of(config))

    def change_requests(self) -> Iterator[list[Request]]:
        """Pages of Doppler's own change requests, lazily."""
        return self._pages("/v3/workplace/change_requests", "change_requests", logs.request, {})

    def change_request(self, *, vendor_id: str) -> Request:
        """One change request with what it was applied as. ``reveal`` is never asked for."""
        return self._ask(
            f"/v3/workplace/change_requests/change_request/{quote(vendor_id, safe='')}",
            lambda body: logs.request(Fields.of(value=body, path="answer").needed("changeRequest")),
        )

    def policies(self) -> list[Fields]:
        """The policies of change requests."""
        return self._ask("/v3/workplace/change_request_policies", lambda body: list(payloads.listed(body, "policies")))

    def _listed(
        self, path: str, name: str, read: Callable[[Fields], Read], query: dict[str, str | int] | None = None
    ) -> list[Read]:
        return [row for page in self._pages(path, name, read, query or {}) for row in page]

    def _pages(
        self, path: str, name: str, read: Callable[[Fields], Read], query: dict[str, str | int], *, size: int = PAGE
    ) -> Iterator[list[Read]]:
        """Pages until one is short, empty, or the same as the one before. Without ``size`` only the last two tell."""
        before: tuple[Any, ...] = ()
        sized = {"per_page": size} if size else {}
        for number in range(1, PAGES + 1):
            rows = self._ask(path, lambda body: payloads.listed(body, name), {**query, "page": number, **sized})
            here = tuple(row.values for row in rows)
            if not here or here == before:
                return
            yield _read(path, partial(_all, rows, read))
            before = here
            if size and len(here) < size:
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
        if left.isascii() and left.isdecimal() and reset.isascii() and reset.isdecimal():
            said = float(reset)
            wait = said if said < LONGEST_WAIT else max(0.0, said - time.time())
            self.allowance.left, self.allowance.resets_in = int(left), min(wait, LONGEST_WAIT)


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


def _each(body: Any, name: str, read: Callable[[Fields], Read]) -> list[Read]:
    return _all(payloads.listed(body, name), read)


def _all(rows: Iterable[Fields], read: Callable[[Fields], Read]) -> list[Read]:
    return [read(row) for row in rows]


def _of(config: Config) -> dict[str, str | int]:
    return {"project": config.project, "config": config.name}


def _token(source: Source) -> str:
    try:
        return vault.open(bytes(source.token_encrypted)) if source.token_encrypted else ""
    except vault.Unreadable as wrong:
        raise Unauthorised(str(wrong)) from None
