"""Reads who has access to the repositories in scope: people, teams and their members, and who may go past the rules (P-19).

Each thing is taken by itself, as soon as its reading is complete. What we may not read is left as it was known last, and said:
teams need ``members: read``, protection ``administration: read``, and who may bypass a ruleset the right to change it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from changes.connectors.errors import NotFound, NotJson, Passing, Permanent
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.github import rights
from changes.connectors.github.api import Api
from changes.connectors.github.client import NOT_PROTECTED
from changes.connectors.models import Source
from changes.delivery.models import Repository
from changes.entitlements.actions import take
from changes.entitlements.facts import Held
from changes.entitlements.queries import things_of

log = logging.getLogger(__name__)
SHARED = ("github.team:", "github.ruleset:")
"""Things that may be deleted at GitHub while their repository stays."""


@dataclass
class Reading:
    """One run at one source: what was taken, and what could not be read and why."""

    source: Source
    at: datetime
    taken: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)

    def keep(self, thing: str, held: Sequence[Held]) -> None:
        """These are the complete rights on the thing."""
        take(source=self.source.name, things=[thing], held=held, at=self.at)
        self.taken.add(thing)

    def attempt(self, thing: str, read: Callable[[], Iterable[Held] | None]) -> None:
        """Read and keep; what is refused or unreadable is noted and leaves the rest alone. ``Passing`` goes through."""
        try:
            held = read()
        except (Permanent, Unreadable, Incomplete) as problem:
            self.unread[thing] = str(problem)
            return
        if held is None:
            self.unread[thing] = "GitHub does not tell us"
        else:
            self.keep(thing, list(held))


def read_all(*, now: Callable[[], datetime]) -> int:
    """Read every GitHub source that may be asked. Returns how many things were read."""
    done = 0
    for source in Source.objects.filter(kind="github", paused_at=None).order_by("id"):
        if source.readable and (source.not_before is None or source.not_before <= now()):
            done += len(read_source(source=source, at=now()).taken)
    return done


def read_source(*, source: Source, at: datetime) -> Reading:
    """Read one source. A limit or an outage ends the run; what was read is kept, and the next hour goes on."""
    reading = Reading(source, at)
    rows = Repository.objects.filter(forge="github", in_scope_until=None).exclude(vendor_id=None).order_by("id")
    try:
        for row in rows:
            _repository(reading, row)
    except Passing as problem:
        log.warning("access at %s was read in part: %s", source, problem)
        return reading
    for thing in things_of(source=source.name) if not reading.unread else ():
        if thing.startswith(SHARED) and thing not in reading.taken:
            reading.keep(thing, [])
    for thing, why in reading.unread.items():
        log.warning("%s at %s cannot be read: %s", thing, source, why)
    return reading


def read_repository(*, source: Source, repository: Repository, at: datetime) -> Reading:
    """Read one repository now, and the teams that have access to it. ``Passing`` goes through; what was read before it is kept."""
    reading = Reading(source, at)
    if repository.vendor_id is not None:
        _repository(reading, repository)
    return reading


def _repository(reading: Reading, row: Repository) -> None:
    api, number = Api(source=reading.source, at=reading.at), int(row.vendor_id or 0)
    owner, _, name = row.name.partition("/")
    path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
    reading.attempt(rights.repository_key(number), partial(_people, api, path, row.name, number))
    teams: list[dict[str, Any]] = []
    reading.attempt(rights.repository_teams_key(number), partial(_teams, api, path, row.name, number, teams))
    named = rights.slugs(teams)
    for team, (slug, called) in named.items():
        if rights.team_key(team) not in reading.taken:
            reading.attempt(rights.team_key(team), partial(_members, api, owner, team, slug, called))
    for branch in dict.fromkeys((row.main_branch, row.prod_branch)):
        reading.attempt(rights.branch_key(number, branch), partial(_branch, api, path, row.name, number, branch))
    _rulesets(reading, api, path, row, {team: called for team, (_, called) in named.items()})


def _people(api: Api, path: str, name: str, number: int) -> list[Held]:
    found = api.items(path=f"{path}/collaborators", query={"affiliation": "all"})
    return [rights.collaborator(value=value, thing=rights.repository_key(number), name=name) for value in found]


def _teams(api: Api, path: str, name: str, number: int, teams: list[dict[str, Any]]) -> list[Held]:
    """Fills ``teams`` as well."""
    teams += api.items(path=f"{path}/teams")
    thing = rights.repository_teams_key(number)
    return [rights.team(value=value, thing=thing, name=f"{name}, teams") for value in teams]


def _members(api: Api, owner: str, number: int, slug: str, name: str) -> list[Held]:
    path, thing = f"/orgs/{quote(owner, safe='')}/teams/{quote(slug, safe='')}/members", rights.team_key(number)
    return [
        rights.member(value=value, thing=thing, name=f"team {name}", role=role)
        for role in ("maintainer", "member")
        for value in api.items(path=path, query={"role": role})
    ]


def _branch(api: Api, path: str, name: str, number: int, branch: str) -> list[Held]:
    try:
        found = api.get(path=f"{path}/branches/{quote(branch, safe='')}/protection")
    except NotFound as missing:
        if NOT_PROTECTED in missing.reason:
            return []
        raise
    thing = rights.branch_key(number, branch)
    return list(rights.of_protection(protection=found, thing=thing, name=f"{name}, branch {branch}"))


def _rulesets(reading: Reading, api: Api, path: str, row: Repository, teams: dict[int, str]) -> None:
    try:
        found = list(api.items(path=f"{path}/rulesets", query={"includes_parents": "true"}))
    except Permanent as problem:
        reading.unread[f"rulesets of {row.name}"] = str(problem)
        return
    for one in found:
        thing = rights.ruleset_key(int(row.vendor_id or 0), _number(one))
        name = f"{row.name}, ruleset {one.get('name')}"
        reading.attempt(thing, partial(_ruleset, api, f"{path}/rulesets/{_number(one)}", thing, name, teams))


def _ruleset(api: Api, path: str, thing: str, name: str, teams: dict[int, str]) -> tuple[Held, ...] | None:
    return rights.bypasses(ruleset=api.get(path=path), thing=thing, name=name, teams=teams)


def _number(one: dict[str, Any]) -> int:
    if not isinstance(one.get("id"), int):
        raise NotJson("a ruleset has no number")
    return int(one["id"])
