"""Test a connection to GitHub: who answers, which repositories are seen, which permissions are missing, when the token ends."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from changes.connectors.checked import Checked, lacking
from changes.connectors.errors import NotJson
from changes.connectors.github import auth
from changes.connectors.github.api import next_of
from changes.connectors.github.headers import HEADERS
from changes.connectors.http import Client
from changes.connectors.models import Source

NEEDED: Mapping[str, str] = {
    "actions": "read",
    "administration": "read",
    "checks": "write",
    "contents": "read",
    "deployments": "read",
    "members": "read",
    "metadata": "read",
    "pull_requests": "read",
    "statuses": "read",
}
"""Of an App (docs/connectors/github.md)."""
EVENTS = (
    *("pull_request", "pull_request_review", "check_run", "check_suite", "status", "push", "deployment", "deployment_status"),
    *("branch_protection_rule", "branch_protection_configuration", "repository_ruleset", "member", "repository", "merge_group"),
    *("team", "membership", "organization", "deployment_review"),
)
"""What an App is to be subscribed to; ``merge_group`` only where there is a merge queue."""
SCOPES = ("repo", "read:org", "admin:repo_hook")
"""Of a classic token."""
PROBES = {
    "pull requests: read": "pulls",
    "deployments: read": "deployments",
    "actions: read": "environments",
    "administration: read": "collaborators",
    "webhooks: read": "hooks",
}
"""What a fine-grained token is asked instead: it does not tell its permissions."""
FIRST = {"per_page": 100}
MOST = 1000
"""Repositories that a test asks for: ten pages."""
ENDS = "%Y-%m-%d %H:%M:%S UTC"


def check(*, source: Source, at: datetime) -> Checked:
    """Ask GitHub now. Raises ``Passing`` and ``Permanent``."""
    plain = Client(base_url=source.api_url, headers=HEADERS)
    return _app(source, plain, at) if source.app_id else _token(source, at)


def _as(source: Source, token: str) -> Client:
    return Client(base_url=source.api_url, headers={**HEADERS, "Authorization": f"Bearer {token}"})


def _app(source: Source, plain: Client, at: datetime) -> Checked:
    proof = _as(source, auth.app_proof(source=source, at=at))
    said = _object(proof, "/app")
    held = said.get("permissions") or {}
    missing = tuple(f"{name}: {level}" for name, level in NEEDED.items() if held.get(name) not in (level, "write"))
    name = str(said.get("slug") or said.get("name") or source.app_id)[:100]
    if not source.installation_id:
        rows = proof.request(path="/app/installations", query=FIRST).checked().json()
        found = [str(row["id"]) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int)]
        if len(found) != 1:
            words = f"The App {name} answers, and has {len(found)} installations: install it in one organisation"
            return Checked(False, words, missing)
        done = _app(_installed(source, found[0]), plain, at)
        return replace(done, installation_id=found[0])
    asking = _as(source, auth.bearer(source=source, client=plain, at=at))
    names = names_of(all_rows(asking, "/installation/repositories", FIRST, under="repositories"))
    words = f"The App {name} sees {counted(names, 'repository', 'repositories')}{_not_sent(said.get('events'))}"
    return Checked(True, words, missing, offers=names)


def _not_sent(events: Any) -> str:
    """The deliveries that the App is not subscribed to, for the end of a sentence: polls make up for them, later."""
    sent = events if isinstance(events, list) else []
    left_out = [event for event in EVENTS if event not in sent and event != "merge_group"]
    return f", and is not subscribed to {', '.join(left_out)}" if left_out else ""


def _installed(source: Source, number: str) -> Source:
    """The same account as one installation of the App; nothing is saved."""
    given = {field.attname: getattr(source, field.attname) for field in Source._meta.concrete_fields if not field.generated}
    return Source(**{**given, "installation_id": number})


def _token(source: Source, at: datetime) -> Checked:
    asking = _as(source, auth.bearer(source=source, client=Client(base_url=source.api_url, headers=HEADERS), at=at))
    answer = asking.request(path="/user").checked()
    said = answer.json()
    login = str(said.get("login", "somebody") if isinstance(said, dict) else "somebody")[:100]
    names = names_of(all_rows(asking, "/user/repos", {**FIRST, "sort": "pushed"}))
    scopes = answer.headers.get("x-oauth-scopes")
    if scopes:
        held = {scope.strip() for scope in scopes.split(",")}
        missing = tuple(scope for scope in SCOPES if scope not in held and f"write:{scope.partition(':')[2]}" not in held)
    else:
        missing = lacking((word, partial(_ask, asking, f"/repos/{names[0]}/{path}")) for word, path in PROBES.items() if names)
    ends = _ends(answer.headers.get("github-authentication-token-expiration", ""))
    seen = counted(names, "repository", "repositories")
    words = f"GitHub answers as {login}, who sees {seen}; only an App can publish the check run Countersign"
    return Checked(True, words, missing, ends, names)


def _ask(client: Client, path: str) -> None:
    client.request(path=path, query={"per_page": 1}, follow=True).checked()


def all_rows(
    client: Client, path: str, query: Mapping[str, str | int], *, most: int = MOST, under: str = ""
) -> list[dict[str, Any]]:
    """The objects of all pages of a list (``under`` names it where a page is an object); with ``most`` there may be more."""
    rows: list[dict[str, Any]] = []
    asked: tuple[str, Mapping[str, str | int] | None] = (path, query)
    while asked[0] and len(rows) < most:
        answer = client.request(path=asked[0], query=asked[1]).checked()
        said = answer.json()
        page = said.get(under) if under and isinstance(said, dict) else said
        if not isinstance(page, list):
            raise NotJson(f"{answer.what} did not answer with a list")
        rows.extend(row for row in page if isinstance(row, dict))
        asked = (next_of(link=answer.headers.get("link", "")) if page else "", None)
    return rows[:most]


def _object(client: Client, path: str) -> dict[str, Any]:
    answer = client.request(path=path, query=FIRST).checked()
    said = answer.json()
    if not isinstance(said, dict):
        raise NotJson(f"{answer.what} did not answer with an object")
    return said


def names_of(rows: Iterable[Mapping[str, Any]], *, called: str = "full_name", deepest: int = 1) -> tuple[str, ...]:
    """Names that may be in scope, sorted: a name in at most ``deepest`` groups, one in another."""
    found = [row.get(called) for row in rows]
    return tuple(sorted(name for name in found if isinstance(name, str) and 1 <= name.count("/") <= deepest and len(name) <= 200))


def counted(names: tuple[str, ...], one: str, many: str) -> str:
    """How many, in words; a list that was cut has at least so many."""
    return f"1 {one}" if len(names) == 1 else f"{'at least ' * (len(names) >= MOST)}{len(names)} {many}"


def _ends(text: str) -> datetime | None:
    """``2026-12-01 10:00:00 UTC``, as GitHub writes it."""
    try:
        return datetime.strptime(text, ENDS).replace(tzinfo=UTC)
    except ValueError:
        return None
