"""Asks GitHub's REST API: one page, all pages, or a write. Knows credentials, limits, ETags and links; no meaning.

Version 2022-11-28 on every request: the next one drops ``merge_commit_sha``, which ties a pull request to its commit
(REFERENCE §1.1, 1). GitHub Enterprise and Gitea-like forges differ by ``Source.api_url`` only.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from changes.connectors.answer import Answer
from changes.connectors.errors import Invalid, NotJson, Passing, Unauthorised
from changes.connectors.github import answers, auth, limits
from changes.connectors.github.headers import HEADERS
from changes.connectors.http import Client
from changes.connectors.models import Source
from changes.forges import NAMES

BUDGET = 40.0
"""Seconds for all pages of one question together, well under the time limit of a task."""
PAGES = 100
"""Pages that are followed; GitHub itself ends lists at 30 (3,000 files)."""
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
Json = Any


@dataclass
class Api:
    """One source, asked at ``at``. Raises ``Passing`` (with the wait that GitHub asks for) and ``Permanent``."""

    source: Source
    at: datetime
    as_app: bool = False
    """Ask as the App itself, for its own affairs; else with a token or as the installation."""
    page_size: tuple[str, int] = ("per_page", 100)
    """Name and value of the parameter that says how long a page is; forges differ."""
    _until: float = field(init=False, repr=False)
    _client: Client | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + BUDGET

    def get(self, *, path: str, query: Mapping[str, str | int] | None = None) -> Json:
        """One object, from the store when GitHub says that it has not changed."""
        body, _ = self._page(path=path, query=query)
        return body

    def pages(self, *, path: str, query: Mapping[str, str | int] | None = None) -> Iterator[Json]:
        """Each page of a list, following the links as they stand (on this host only), lazily."""
        seen: set[str] = set()
        asked: tuple[str, Mapping[str, str | int] | None] = (path, dict([self.page_size]) | dict(query or {}))
        while asked[0]:
            body, link = self._page(path=asked[0], query=asked[1])
            yield body
            following = next_of(link=link)
            if following in seen or len(seen) >= PAGES:
                raise Invalid(f"{path} has pages without an end")
            seen.add(following)
            asked = (following, None)

    def items(self, *, path: str, query: Mapping[str, str | int] | None = None, under: str = "") -> Iterator[dict[str, Json]]:
        """The objects of all pages; ``under`` names the list's key where a page is an object."""
        for page in self.pages(path=path, query=query):
            rows = page.get(under) if under and isinstance(page, dict) else page
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise NotJson(f"{path} did not answer with a list of objects")
            yield from rows

    def write(self, *, path: str, body: Mapping[str, Json], method: str = "POST") -> dict[str, Json]:
        """Create or change something, once. The caller has looked before whether it is there."""
        answer = self._ask(path=path, method=method, body=body)
        made = answer.json()
        if not isinstance(made, dict):
            raise NotJson(f"{answer.what} did not answer with an object")
        return made

    def tell(self, *, path: str, body: Mapping[str, Json] | None = None) -> None:
        """Ask for something that is done and answered with nothing to read (202, 204)."""
        self._ask(path=path, method="POST", body=body)

    def question(self, *, text: str, variables: Mapping[str, Json]) -> Answer:
        """One question in GraphQL. It changes nothing, so that a connection that was kept may be used for it."""
        return self._ask(
            path=graph_address(api_url=self.source.api_url),
            method="POST",
            body={"query": text, "variables": dict(variables)},
            repeatable=True,
        )

    def _page(self, *, path: str, query: Mapping[str, str | int] | None) -> tuple[Json, str]:
        """(decoded body, Link header)."""
        url = f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}" if query else path
        kept = answers.kept(source=self.source, url=url)
        answer = self._ask(path=path, query=query, headers={"If-None-Match": kept.etag} if kept else None)
        if answer.status == 304 and kept is not None:
            return orjson.loads(kept.body), kept.link
        body = answer.json()
        answers.keep(source=self.source, url=url, answer=answer, at=self.at)
        return body, answer.headers.get("link", "")

    def _ask(
        self,
        *,
        path: str,
        method: str = "GET",
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        self._check_rest()
        asking = self._authorised()
        answer = asking.request(
            path=path,
            method=method,
            query=query,
            body=body,
            headers=headers,
            follow=True,
            deadline=self._left(),
            repeatable=repeatable,
        )
        limits.note(source=self.source, answer=answer, at=self.at)
        wait = limits.wait_of(answer=answer, failures=self.source.failures, at=self.at)
        if wait is not None:
            if not limits.of_one_part(answer=answer):
                limits.rest(source=self.source, until=self.at + timedelta(seconds=wait))
            raise Passing(f"{answer.what}: {NAMES[self.source.kind]} asks us to wait{answer.message()}", retry_after=wait)
        if answer.status == 401:
            self._refused(answer)
        return answer.checked()

    def _check_rest(self) -> None:
        until = self.source.not_before
        if until is not None and until > self.at:
            raise Passing(f"{NAMES[self.source.kind]} asked us to wait", retry_after=(until - self.at).total_seconds())

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Passing("Reading took too long for one turn; what was read is kept", retry_after=1.0)
        return left

    def _authorised(self) -> Client:
        if self._client is None:
            plain = Client(base_url=self.source.api_url, headers=HEADERS)
            token = self._token(plain)
            with_token = {**HEADERS, "Authorization": f"Bearer {token}"} if token else HEADERS
            self._client = Client(base_url=self.source.api_url, headers=with_token)
        return self._client

    def _token(self, plain: Client) -> str:
        if self.as_app:
            return auth.app_proof(source=self.source, at=self.at)
        return auth.bearer(source=self.source, client=plain, at=self.at)

    def _refused(self, answer: Answer) -> None:
        """401. An installation token that we kept may have been revoked: then a new one is worth a try, later."""
        self._client = None
        if not self.as_app and auth.forget(source=self.source):
            raise Passing(f"{answer.what}: the installation token was refused; a new one will be asked for", retry_after=1.0)
        raise Unauthorised(f"{answer.what} answered 401{answer.message()}")


def graph_address(*, api_url: str) -> str:
    """Where GraphQL answers: beside REST; at a server of one's own REST is ``/api/v3`` and GraphQL ``/api/graphql``."""
    return f"{api_url.rstrip('/').removesuffix('/v3')}/graphql"


def next_of(*, link: str) -> str:
    """The URL of the next page from a Link header (RFC 8288); empty on the last page."""
    for url, parameters in _LINK.findall(link):
        if any(part.strip(" \t\n,") in ('rel="next"', "rel=next") for part in parameters.split(";")):
            return str(url)
    return ""
