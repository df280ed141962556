"""GitHub's own log of what it sent us, and how it is asked to send something again.

https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks: the log goes back three days, a
redelivery keeps the GUID of the first attempt. An App's log is asked for as the App, that of a repository's or an organisation's
hook with a token.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from changes.connectors.errors import NotJson
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github.api import Api
from changes.connectors.models import Source

OF_THE_APP = "/app/hook"


@dataclass(frozen=True)
class Attempt:
    """One try of GitHub to deliver something. ``guid`` is the same for all tries, ``id`` names this one."""

    id: int
    guid: str
    delivered_at: datetime
    redelivery: bool
    status: str
    """``OK``, or what went wrong."""
    event: str
    action: str
    repository: int | None = None
    """The vendor's number of the repository that it is about; None when it is about none, or is not said."""


@dataclass
class DeliveryLog:
    """The log of one webhook. ``place`` is ``/app/hook``, ``/repos/{owner}/{repo}/hooks/{id}`` or ``/orgs/{org}/hooks/{id}``."""

    source: Source
    at: datetime
    place: str = OF_THE_APP
    api: Api = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.api = Api(source=self.source, at=self.at, as_app=self.place == OF_THE_APP)

    def failed_since(self, *, since: datetime) -> Iterator[Attempt]:
        """Failed attempts, newest first, lazily; ends at the first one before ``since``."""
        for row in self.api.items(path=f"{self.place}/deliveries", query={"status": "failure"}):
            found = _attempt(row)
            if found.delivered_at < since:
                return
            yield found

    def send_again(self, *, attempt: int) -> None:
        """Ask GitHub to deliver it once more: 202, it comes in by the door."""
        self.api.tell(path=f"{self.place}/deliveries/{attempt}/attempts")


def places_of(*, source: Source, repository: str, at: datetime, url: str) -> list[str]:
    """Where the logs of those hooks of a repository are that lead to ``url`` (the portal's own door)."""
    owner, _, name = repository.partition("/")
    return _places(source, f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/hooks", at, url)


def places_of_organisation(*, source: Source, organisation: str, at: datetime, url: str) -> list[str]:
    """The same for the hooks of an organisation. Raises ``NotFound`` where the owner is a person, or hidden from the token."""
    return _places(source, f"/orgs/{quote(organisation, safe='')}/hooks", at, url)


def _places(source: Source, path: str, at: datetime, url: str) -> list[str]:
    return [f"{path}/{row['id']}" for row in Api(source=source, at=at).items(path=path) if _leads_to(row, url)]


def _leads_to(row: dict[str, object], url: str) -> bool:
    config = row.get("config")
    return isinstance(row.get("id"), int) and isinstance(config, dict) and str(config.get("url", "")).rstrip("/") == url.rstrip("/")


def _attempt(row: dict[str, object]) -> Attempt:
    fields = Fields.of(value=row, path="delivery")
    try:
        return Attempt(
            id=fields.needed_number("id"),
            guid=fields.needed_text("guid", limit=80),
            delivered_at=fields.needed_moment("delivered_at"),
            redelivery=fields.flag("redelivery") is True,
            status=fields.text("status") or "",
            event=fields.text("event") or "",
            action=fields.text("action") or "",
            repository=fields.number("repository_id"),
        )
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"GitHub's log of deliveries cannot be used: {wrong}") from None
