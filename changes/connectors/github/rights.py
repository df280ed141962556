"""What GitHub says about who may do what, as rights. Pure.

A team or role holds its right as itself; who is in a team is a right on the team. People whose access comes through a team are
collaborators too, with the sum of what they hold, so nobody is missed where teams may not be read.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from changes.connectors.fields import Fields, Unreadable
from changes.connectors.github.objects import LOGIN
from changes.entitlements.facts import Held, Right

Json = Mapping[str, Any]
LEVELS: tuple[tuple[str, Right], ...] = (
    ("admin", Right.ADMIN),
    ("maintain", Right.WRITE),
    ("push", Right.WRITE),
    ("triage", Right.READ),
    ("pull", Right.READ),
)
"""GitHub's levels, the most first. A custom role is shown by the levels that it contains."""
ROLES = {1: "read", 2: "write", 3: "triage", 4: "maintain", 5: "admin"}
"""Numbers of the built-in roles in lists of who may bypass a ruleset."""
ACTORS = {"Team": "team", "Integration": "app", "User": "person", "DeployKey": "token"}
ADMINS = "role:admin"
"""Everybody with the role admin, as an account of its own."""


def repository_key(number: int) -> str:
    """The repository with GitHub's number: the people who have access."""
    return f"github.repository:{number}"


def repository_teams_key(number: int) -> str:
    """The same repository: the teams that have access. Read by another permission, hence apart."""
    return f"github.repository_teams:{number}"


def team_key(number: int) -> str:
    """A team: who is in it."""
    return f"github.team:{number}"


def branch_key(repository: int, branch: str) -> str:
    """The classic protection of a branch: who may push to it, and who may bypass it."""
    return f"github.branch:{repository}:{branch}"


def ruleset_key(repository: int, number: int) -> str:
    """A ruleset that holds for a repository: who may bypass it."""
    return f"github.ruleset:{repository}:{number}"


def collaborator(*, value: Any, thing: str, name: str) -> Held:
    """One entry of ``GET /repos/{o}/{r}/collaborators``."""
    fields = Fields.of(value=value, path="collaborator")
    kind = "app" if fields.text("type") == "Bot" else "person"
    return _held(fields, kind, thing, name, right=right_of(fields), word=fields.text("role_name") or "")


def team(*, value: Any, thing: str, name: str) -> Held:
    """One entry of ``GET /repos/{o}/{r}/teams``."""
    fields = Fields.of(value=value, path="team")
    return _held(fields, "team", thing, name, right=right_of(fields), word=fields.text("permission") or "")


def member(*, value: Any, thing: str, name: str, role: str) -> Held:
    """One entry of ``GET /orgs/{o}/teams/{t}/members?role=…``: a maintainer may change who is in the team."""
    right = Right.ADMIN if role == "maintainer" else Right.READ
    return _held(Fields.of(value=value, path="member"), "person", thing, name, right=right, word=role)


def bypasses(*, ruleset: Any, thing: str, name: str, teams: Mapping[int, str]) -> tuple[Held, ...] | None:
    """Who may bypass a ruleset; None when GitHub does not tell us, which needs the right to change it."""
    fields = Fields.of(value=ruleset, path="ruleset")
    if fields.values.get("bypass_actors") is None:
        return None
    if fields.text("enforcement") != "active":
        return ()
    return tuple(_bypass(actor, thing, name, teams) for actor in fields.items("bypass_actors"))


def _bypass(actor: Fields, thing: str, name: str, teams: Mapping[int, str]) -> Held:
    kind, number = actor.needed_word("actor_type", limit=40), actor.number("actor_id")
    mode = actor.text("bypass_mode") or "always"
    account, called = f"{kind}:{number or ''}", f"{kind} {number or ''}".strip()
    if kind == "RepositoryRole":
        role = ROLES.get(number or 0, str(number))
        account, called = f"role:{role}", f"everybody with the role {role}"
    elif kind in ("Team", "User", "Integration") and number is not None:
        account, called = str(number), teams.get(number, called) if kind == "Team" else called
    return Held(account, called, thing, name, Right.BYPASS, account_kind=ACTORS.get(kind, "team"), vendor_word=mode)


def of_protection(*, protection: Any, thing: str, name: str) -> Iterator[Held]:
    """Out of ``GET …/branches/{b}/protection``: who may push, who needs no pull request, and whether administrators are bound."""
    fields = Fields.of(value=protection, path="protection")
    yield from _named(fields.within("restrictions"), thing, name, Right.WRITE, "may push")
    reviews = fields.within("required_pull_request_reviews")
    allowed = reviews.within("bypass_pull_request_allowances") if reviews else None
    yield from _named(allowed, thing, name, Right.BYPASS, "may bypass pull requests")
    bound = fields.within("enforce_admins")
    if bound is None or bound.flag("enabled") is not True:
        words = "everybody with the role admin"
        yield Held(ADMINS, words, thing, name, Right.BYPASS, account_kind="team", vendor_word="administrators are not bound")


def _named(holder: Fields | None, thing: str, name: str, right: Right, word: str) -> Iterator[Held]:
    for part, kind in (("users", "person"), ("teams", "team"), ("apps", "app")) if holder is not None else ():
        for fields in holder.items(part) if holder is not None else ():
            yield _held(fields, kind, thing, name, right=right, word=word)


def right_of(fields: Fields) -> Right:
    """The most that the levels of an answer give. Raises ``Unreadable`` where there are none: an unknown right is not "none"."""
    levels = fields.within("permissions")
    found = levels or Fields.of(value={fields.text("permission") or "": True}, path=fields.path)
    for level, right in LEVELS:
        if found.flag(level):
            return right
    raise Unreadable(f"{fields.path} does not say which right is held")


def _held(fields: Fields, kind: str, thing: str, name: str, *, right: Right, word: str) -> Held:
    called = fields.text("login", limit=LOGIN) or fields.text("name", limit=LOGIN) or fields.text("slug", limit=LOGIN) or ""
    number = str(fields.needed_number("id"))
    return Held(number, called, thing, name, right, account_kind=kind, vendor_word=word)


def slugs(teams: Iterable[Any]) -> dict[int, tuple[str, str]]:
    """By GitHub's number: the slug and the name of each team."""
    found = (Fields.of(value=value, path="team") for value in teams)
    return {one.needed_number("id"): (one.needed_text("slug"), one.needed_text("name")) for one in found}
