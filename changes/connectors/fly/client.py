"""What Countersign asks Fly. Reads only: no request here changes anything, and values of secrets are never asked for.

Releases come from GraphQL, machines from the Machines API. Limits: one request a second for each action and app, three at
once (docs/connectors/fly.md). Nothing here sleeps: a run asks for few things, and the next run goes on.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from changes.connectors.answer import Answer
from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Passing, Permanent, Unauthorised
from changes.connectors.fly import payloads
from changes.connectors.fly.payloads import Incomplete, MachineReported, ReleaseReported, Unreadable
from changes.connectors.fly.tokens import Bound, bound
from changes.connectors.http import Client
from changes.connectors.models import Source
from portal import vault

Read = TypeVar("Read")
GRAPHQL_HOST = "https://api.fly.io"
MACHINES_HOST = "https://api.machines.dev"
BUDGET = 40.0
"""Seconds for all requests of one run together, well under the time limit of a task."""
PAGE = 25
PAGES = 200
MACAROONS = ("fm1_", "fm1a_", "fm1r_", "fm2_", "fo1_")
RELEASES = """
query Releases($name: String!, $first: Int!, $after: String) {
  app(name: $name) {
    releasesUnprocessed(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id version description reason status imageRef revertedTo createdAt updatedAt
        user { id name email }
      }
    }
  }
}
"""
ORGANISATIONS = """
query Organisations {
  organizations(first: 100) { nodes { slug name } }
}
"""
MEMBERS = """
query Members($slug: String!) {
  organization(slug: $slug) {
    slug
    members(first: 500) { edges { role joinedAt node { id name email } } }
  }
}
"""
CODES: dict[str, type[Permanent]] = {"UNAUTHORIZED": Unauthorised, "FORBIDDEN": Forbidden, "NOT_FOUND": NotFound}


@dataclass
class Fly:
    """One organisation's account. Raises ``Passing`` and ``Permanent`` as the HTTP client does."""

    source: Source
    unusable: list[str] = field(default_factory=list, init=False, repr=False)
    """Why releases could not be used: one of them must not hide the others. Whoever reads them looks here."""
    _until: float = field(init=False, repr=False)
    _graphql: Client = field(init=False, repr=False)
    _machines: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + BUDGET
        headers = {"User-Agent": "Countersign", "Accept": "application/json"}
        if token := _token(self.source):
            headers["Authorization"] = authorization(token=token)
        self._graphql = Client(base_url=self.source.api_url, headers=headers)
        self._machines = Client(base_url=_machines_url(self.source), headers=headers)

    def releases(self, *, app: str) -> Iterator[list[ReleaseReported]]:
        """Pages of an app's releases, newest first, lazily. Raises ``NotFound`` for an app that the token cannot see."""
        after = ""
        for _ in range(PAGES):
            variables = {"name": app, "first": PAGE, "after": after or None}
            found, after = self._read(self._query(RELEASES, variables), self._releases, app)
            yield found
            if not after:
                return
        raise Invalid(f"the releases of {app} have pages without an end")

    def _releases(self, body: Any) -> tuple[list[ReleaseReported], str]:
        return payloads.releases_of_graphql(body, self.unusable)

    def machines(self, *, app: str) -> list[MachineReported]:
        """The machines of an app, with what each runs."""
        answer = self._ask(self._machines, path=f"/v1/apps/{quote(app, safe='')}/machines")
        return self._read(answer.json(), payloads.machines, app)

    def apps(self, *, org: str) -> list[str]:
        """Names of the apps of an organisation, by its slug."""
        answer = self._ask(self._machines, path="/v1/apps", query={"org_slug": org})
        return self._read(answer.json(), payloads.app_names, org)

    def tokens(self) -> list[Bound]:
        """What the token that asks is bound to."""
        return self._read(self._ask(self._machines, path="/v1/tokens/current").json(), bound, "this token")

    def look(self, *, path: str) -> Any:
        """The JSON of one question to the Machines API about assets, for example ``/v1/apps/web/volumes``."""
        return self._ask(self._machines, path=path).json()

    def look_up(self, *, query: str, variables: dict[str, Any]) -> Any:
        """The JSON of one GraphQL question about assets: ``ORGANISATIONS``, ``MEMBERS``."""
        return self._query(query, variables)

    def _query(self, text: str, variables: dict[str, Any]) -> Any:
        """A GraphQL answer. Errors come with status 200 and are told apart by their code."""
        answer = self._ask(self._graphql, path="/graphql", method="POST", body={"query": text, "variables": variables})
        body = answer.json()
        errors = body.get("errors") if isinstance(body, dict) else None
        if errors:
            raise _graphql_error(errors[0] if isinstance(errors, list) else errors)
        return body

    def _ask(self, client: Client, **request: Any) -> Answer:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Passing("Reading Fly took too long for one turn; what was read is kept", retry_after=1.0)
        return client.request(deadline=left, **request).checked()

    def _read(self, body: Any, read: Callable[[Any], Read], what: str) -> Read:
        try:
            return read(body)
        except Incomplete as wrong:
            if isinstance(body, dict) and isinstance(body.get("data"), dict) and body["data"].get("app") is None:
                raise NotFound(f"Fly knows no app {what}, or the token may not see it") from None
            raise NotJson(f"Fly's answer about {what} cannot be used: {wrong}") from None
        except Unreadable as wrong:
            raise NotJson(f"Fly's answer about {what} cannot be used: {wrong}") from None


def _graphql_error(error: Any) -> Passing | Permanent:
    said: dict[str, Any] = error if isinstance(error, dict) else {}
    extensions = said.get("extensions")
    code = str(extensions.get("code", "")).upper() if isinstance(extensions, dict) else ""
    message = "".join(sign if sign.isprintable() else " " for sign in str(said.get("message", ""))[:200])
    reason = f"Fly's GraphQL API answered: {message or 'an error without a message'}"
    if code in {"SERVER_ERROR", "INTERNAL_SERVER_ERROR", "TIMEOUT", "RATE_LIMITED"}:
        return Passing(reason)
    return CODES.get(code, Invalid)(reason)


def authorization(*, token: str) -> str:
    """The header for a token: macaroons go as ``FlyV1``, older tokens as ``Bearer`` (fly-go tokens.go)."""
    token = token.strip()
    if token.startswith(("FlyV1 ", "Bearer ")):
        return token
    return f"FlyV1 {token}" if token.startswith(MACAROONS) else f"Bearer {token}"


def _token(source: Source) -> str:
    try:
        return vault.open(bytes(source.token_encrypted)) if source.token_encrypted else ""
    except vault.Unreadable as wrong:
        raise Unauthorised(str(wrong)) from None


def _machines_url(source: Source) -> str:
    """Fly has two hosts; an address of one's own serves both."""
    return MACHINES_HOST if source.api_url == GRAPHQL_HOST else source.api_url
