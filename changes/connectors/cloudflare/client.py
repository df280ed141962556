"""What Countersign asks Cloudflare. Reads only.

Lists come in pages and end when the last page was read, when a page repeats itself, or when it is empty. An answer whose
``success`` is false is an error, whatever its status. Limit: 1,200 requests in five minutes for each user or token
(developers.cloudflare.com/fundamentals/api/reference/limits); what ``Ratelimit`` says is left is minded, and a run asks at most
200 times. Nothing here sleeps.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from changes.connectors.allowance import Allowance
from changes.connectors.answer import Answer
from changes.connectors.cloudflare import envelope
from changes.connectors.cloudflare.envelope import Declined, Page, TokenState
from changes.connectors.errors import Forbidden, Invalid, NotFound, NotJson, Passing, Permanent, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.http import Client
from changes.connectors.models import Source
from portal import vault

Read = TypeVar("Read")
CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"
SECONDS = 40.0
"""For all requests of one run together, well under the time limit of a task."""
REQUESTS = 200
"""Of one run. Most ask once, for the log; those that read more are held back by what ``Ratelimit`` says is left."""
RESERVE = 50
PAGES = 500
FEW, MANY = 50, 1000
"""Items on a page: at most 50 of zones, members and roles, else up to 1,000."""
CODES: dict[int, type[Permanent]] = {
    **dict.fromkeys((1000, 6003, 6103, 6111, 9106, 10000), Unauthorised),
    **dict.fromkeys((9109, 10101), Forbidden),
    **dict.fromkeys((1001, 7000, 7003, 81044, 12130), NotFound),
}
"""Cloudflare's own numbers where the status is 200 or 400. With 403 the same 10000 means a permission that is missing."""
LACKING = frozenset({9109, 10000, 10101})
"""With 403 these mean a permission, whatever else the answer says about when to come back."""
_RATE = re.compile(r";\s*r=(\d+)\s*;\s*t=(\d+)", re.ASCII)


@dataclass
class Cloudflare:
    """One account. Raises ``Passing`` and ``Permanent`` as the HTTP client does."""

    source: Source
    allowance: Allowance = field(default_factory=lambda: Allowance(seconds=SECONDS, requests=REQUESTS, reserve=RESERVE))
    _client: Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headers = {"User-Agent": "Countersign", "Accept": "application/json"}
        if token := _token(self.source):
            headers["Authorization"] = f"Bearer {token}"
        self._client = Client(base_url=self.source.api_url, headers=headers)

    @property
    def account(self) -> str:
        """The id of the account."""
        return str(self.source.settings.get("account", ""))

    def token_state(self) -> TokenState:
        """How the token stands: first as one of the account's, then as one of a person's."""
        try:
            return self._ask(f"/accounts/{quote(self.account, safe='')}/tokens/verify", envelope.token_state)
        except (NotFound, Forbidden, Unauthorised, Invalid):
            return self._ask("/user/tokens/verify", envelope.token_state)

    def zones(self) -> Iterator[Fields]:
        """The zones of the account."""
        return self._listed("/zones", size=FEW, extra={"account.id": self.account})

    def records(self, *, zone: str) -> Iterator[Fields]:
        """The DNS records of a zone."""
        return self._listed(f"/zones/{quote(zone, safe='')}/dns_records", size=MANY)

    def applications(self) -> Iterator[Fields]:
        """The applications behind Access."""
        return self._listed(self._within("access/apps"), size=MANY)

    def policies(self, *, application: str = "") -> Iterator[Fields]:
        """The policies of one application; without one, those that several may use."""
        path = f"access/apps/{quote(application, safe='')}/policies" if application else "access/policies"
        return self._listed(self._within(path), size=MANY)

    def groups(self) -> Iterator[Fields]:
        """The groups of Access."""
        return self._listed(self._within("access/groups"), size=MANY)

    def service_tokens(self) -> Iterator[Fields]:
        """The service tokens of Access: never with a secret."""
        return self._listed(self._within("access/service_tokens"), size=MANY)

    def members(self) -> Iterator[Fields]:
        """The members of the account."""
        return self._listed(self._within("members"), size=FEW)

    def roles(self) -> Iterator[Fields]:
        """The roles that the account knows."""
        return self._listed(self._within("roles"), size=FEW)

    def audit_v2(self, *, since: datetime, before: datetime) -> Iterator[list[Fields]]:
        """Pages of the audit log, oldest first. Raises ``Forbidden`` or ``NotFound`` where the account has no version 2."""
        cursor, seen = "", {""}
        span: dict[str, str | int] = {"since": _stamp(since), "before": _stamp(before), "limit": MANY, "direction": "asc"}
        for _ in range(PAGES):
            found = self._ask(self._within("logs/audit"), envelope.log_page, {**span, **({"cursor": cursor} if cursor else {})})
            yield list(found.items)
            cursor = found.cursor
            if cursor in seen or not found.items:
                return
            seen.add(cursor)
        raise Invalid("Cloudflare's audit log has pages without an end")

    def audit_v1(self, *, since: datetime, before: datetime) -> Iterator[list[Fields]]:
        """The same of the older log."""
        span: dict[str, str | int] = {"since": _stamp(since), "before": _stamp(before), "direction": "asc"}
        return self._pages(self._within("audit_logs"), size=MANY, extra=span, read=envelope.log_page)

    def _within(self, path: str) -> str:
        return f"/accounts/{quote(self.account, safe='')}/{path}"

    def _listed(self, path: str, *, size: int, extra: dict[str, str | int] | None = None) -> Iterator[Fields]:
        for items in self._pages(path, size=size, extra=extra or {}):
            yield from items

    def _pages(
        self, path: str, *, size: int, extra: dict[str, str | int], read: Callable[[Any], Page] = envelope.page
    ) -> Iterator[list[Fields]]:
        before: tuple[Any, ...] = ()
        for number in range(1, PAGES + 1):
            found = self._ask(path, read, {**extra, "page": number, "per_page": size})
            here = tuple(item.values for item in found.items)
            if not here or here == before:
                return
            yield list(found.items)
            before = here
            if number >= found.pages if found.pages is not None else len(here) < size:
                return
        raise Invalid(f"{path} has pages without an end")

    def _ask(self, path: str, read: Callable[[Any], Read], query: dict[str, str | int] | None = None) -> Read:
        seconds = self.allowance.take(vendor="Cloudflare")
        answer = self._client.request(path=path, query=query, deadline=seconds)
        self._note(answer)
        if not 200 <= answer.status < 300:
            raise _problem(answer)
        try:
            return read(answer.json())
        except Declined as no:
            raise CODES.get(no.code, Invalid)(_reason(answer, no)) from None
        except (Unreadable, Incomplete) as wrong:
            raise NotJson(f"{answer.what}: Cloudflare's answer cannot be used: {wrong}") from None

    def _note(self, answer: Answer) -> None:
        """What ``Ratelimit`` says: ``"default";r=50;t=30`` are fifty requests left for thirty seconds."""
        said = _RATE.search(answer.headers.get("ratelimit", ""))
        if said:
            self.allowance.left, self.allowance.resets_in = int(said[1]), float(said[2])


def _problem(answer: Answer) -> Passing | Permanent:
    """The error that a status means, with Cloudflare's own words where it has some."""
    try:
        no = envelope.declined(answer.json())
    except (NotJson, Unreadable):
        no = None
    if no is not None and answer.status == 400 and no.code in CODES:
        return CODES[no.code](_reason(answer, no))
    if no is not None and answer.status == 403 and no.code in LACKING:
        return Forbidden(_reason(answer, no))
    try:
        answer.checked()
    except (Passing, Permanent) as problem:
        words = f"{problem.reason}: {answer.shown(no.words)}" if no is not None else problem.reason
        return Passing(words, retry_after=problem.retry_after) if isinstance(problem, Passing) else type(problem)(words)
    return NotJson(f"{answer.what} answered {answer.status}, which says nothing")


def _reason(answer: Answer, no: Declined) -> str:
    code = f" ({no.code})" if no.code else ""
    return f"{answer.what} answered {answer.status}: {answer.shown(no.words)}{code}"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def _token(source: Source) -> str:
    try:
        return vault.open(bytes(source.token_encrypted)) if source.token_encrypted else ""
    except vault.Unreadable as wrong:
        raise Unauthorised(str(wrong)) from None
