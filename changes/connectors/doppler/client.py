"""What Countersign asks Doppler. Reads only; the value of a secret is never asked for, and where one comes along it is dropped
while the answer is parsed (``payloads``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from changes.connectors.doppler import logs, payloads
from changes.connectors.doppler.logs import Diff, Entry, Request
from changes.connectors.doppler.payloads import Config, Project, Sync
from changes.connectors.doppler.transport import Transport, each
from changes.connectors.fields import Fields

DOPPLER_API = "https://api.doppler.com"


@dataclass
class Doppler(Transport):
    """One workplace: every question that is asked of it."""

    def me(self) -> tuple[str, str]:
        """(kind of the token, the workplace)."""
        return self._ask("/v3/me", payloads.me)

    def projects(self) -> list[Project]:
        """The projects that the token sees."""
        return self._listed("/v3/projects", "projects", payloads.project)

    def environments(self, *, project: str) -> list[tuple[str, str]]:
        """(slug, title) of a project's environments."""
        return self._ask("/v3/environments", lambda body: each(body, "environments", payloads.environment), {"project": project})

    def configs(self, *, project: Project) -> list[Config]:
        """The configs of a project."""
        names = {project.vendor_id: project.name}
        return self._listed("/v3/configs", "configs", lambda row: payloads.config(row, names), {"project": project.name})

    def names(self, *, config: Config) -> Diff:
        """The names of a config's secrets. There is a call that tells values as well; it is not in this code."""
        return self._ask("/v3/configs/config/secrets/names", logs.names, _of(config))

    def entries(self, *, config: Config) -> Iterator[list[Entry]]:
        """Pages of a config's log, newest first, lazily."""
        return self._events("/v3/configs/config/logs", "logs", logs.entry, _of(config))

    def diff(self, *, config: Config, entry: str) -> Diff:
        """Which secrets one entry was about, by name and side."""
        return self._ask(
            "/v3/configs/config/logs/log",
            lambda body: logs.diff(Fields.of(value=body, path="answer").needed("log")),
            {**_of(config), "log": entry},
        )

    def activity(self) -> Iterator[list[Entry]]:
        """Pages of the workplace's activity log, newest first, lazily."""
        return self._events("/v3/logs", "logs", logs.entry, {})

    def syncs(self) -> list[Sync]:
        """Every sync of every integration."""
        return self._ask("/v3/integrations", payloads.syncs)

    def members(self, *, project: Project) -> list[Fields]:
        """The members of a project."""
        return self._listed("/v3/projects/project/members", "members", lambda row: row, {"project": project.name})

    def users(self) -> list[Fields]:
        """The people of the workplace; these pages have a size of their own."""
        return self._listed("/v3/workplace/users", "workplace_users", lambda row: row, size=0)

    def roles(self) -> list[Fields]:
        """The roles of the workplace."""
        return self._ask("/v3/workplace/roles", lambda body: list(payloads.listed(body, "roles")))

    def project_roles(self) -> list[Fields]:
        """The roles that somebody may have in a project."""
        return self._ask("/v3/projects/roles", lambda body: list(payloads.listed(body, "roles")))

    def groups(self) -> list[Fields]:
        """The groups of the workplace, without who is in them."""
        return self._listed("/v3/workplace/groups", "groups", lambda row: row)

    def group(self, *, vendor_id: str) -> Fields:
        """One group with who is in it."""
        path = f"/v3/workplace/groups/group/{quote(vendor_id, safe='')}"
        return self._ask(path, lambda body: Fields.of(value=body, path="answer").needed("group"))

    def service_accounts(self) -> list[Fields]:
        """The service accounts of the workplace."""
        return self._listed("/v3/workplace/service_accounts", "service_accounts", lambda row: row)

    def service_account_tokens(self, *, vendor_id: str) -> list[Fields]:
        """The tokens of a service account: never a key."""
        path = f"/v3/workplace/service_accounts/service_account/{quote(vendor_id, safe='')}/tokens"
        return self._listed(path, "api_tokens", lambda row: row)

    def service_tokens(self, *, config: Config) -> list[Fields]:
        """The service tokens of a config: never a key."""
        return self._ask("/v3/configs/config/tokens", lambda body: list(payloads.listed(body, "tokens")), _of(config))

    def change_requests(self) -> Iterator[list[Request]]:
        """Pages of Doppler's own change requests, lazily."""
        return self._events("/v3/workplace/change_requests", "change_requests", logs.request, {})

    def change_request(self, *, vendor_id: str) -> Request:
        """One change request with what it was applied as. ``reveal`` is never asked for."""
        return self._ask(
            f"/v3/workplace/change_requests/change_request/{quote(vendor_id, safe='')}",
            lambda body: logs.request(Fields.of(value=body, path="answer").needed("changeRequest")),
        )

    def policies(self) -> list[Fields]:
        """The policies of change requests."""
        return self._ask("/v3/workplace/change_request_policies", lambda body: list(payloads.listed(body, "policies")))


def _of(config: Config) -> dict[str, str | int]:
    return {"project": config.project, "config": config.name}
