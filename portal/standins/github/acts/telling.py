"""Webhooks: the parts that every event carries, and the push event."""

from datetime import datetime

from portal.standins.git import NOBODY, GitFailed
from portal.standins.github.acts import auditing
from portal.standins.github.hooks import APP_ID, HOOK_ID, INSTALLATION_ID
from portal.standins.github.shapes import commits, deliveries, people, repositories
from portal.standins.github.world import World, node_id
from portal.standins.store import Row

COMMITS_TOLD = 2048


def tell(world: World, event: str, payload: Row, *, repository: Row, by: str, team_level: str | None = None) -> None:
    """Sends one event about a repository, done by an account. ``team_level``: what the team that it is about has there."""
    shape = repositories.repository(world, repository)
    if team_level is not None:
        shape |= {"permissions": people.permissions_of(team_level), "role_name": people.ROLE_NAMES[team_level]}
    owner = repository["full_name"].split("/")[0]
    auditing.note(world, event, payload, org=owner, by=by, repository=repository["full_name"])
    around = {"repository": shape} | common(world, owner, by)
    world.hooks.send(event=event, payload={**payload, **around, **payload}, repository=repository)


def tell_organization(world: World, event: str, payload: Row, *, org: str, by: str) -> None:
    """Sends one event about an organisation; no repository is named."""
    auditing.note(world, event, payload, org=org, by=by)
    world.hooks.send(event=event, payload=payload | common(world, org, by))


def common(world: World, owner: str, by: str) -> Row:
    """What every event carries beside its repository: the organisation, who did it, and the App's installation."""
    return {
        "organization": people.organization(world, owner),
        "sender": people.user(world, by),
        "installation": {"id": INSTALLATION_ID, "node_id": node_id("I", INSTALLATION_ID)},
    }


def tell_push(world: World, repository: Row, *, branch: str, before: str, after: str, forced: bool, by: str) -> None:
    """Sends a push. ``before`` or ``after`` is forty zeros when the branch was made or deleted."""
    name = repository["full_name"]
    new = [] if after == NOBODY else _new_commits(world, repository, before, after)
    head = None if after == NOBODY else commits.pushed(world, name, world.git(name).commit_of(after))
    account = world.account(by)
    payload = {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "repository": repositories.pushed(world, repository),
        "pusher": {"name": account["login"], "email": account["email"]},
        "created": before == NOBODY,
        "deleted": after == NOBODY,
        "forced": forced,
        "base_ref": None,
        "compare": f"{world.url}/{name}/compare/{before[:12]}...{after[:12]}",
        "commits": new,
        "head_commit": head,
    }
    tell(world, "push", payload, repository=repository, by=by)


def _new_commits(world: World, repository: Row, before: str, after: str) -> list[Row]:
    git = world.git(repository["full_name"])
    known = before
    if before == NOBODY:
        try:
            known = git.tip(f"refs/heads/{repository['default_branch']}")
        except GitFailed:
            known = after
    found = git.commits(f"{known}..{after}", limit=COMMITS_TOLD)
    return [commits.pushed(world, repository["full_name"], entry) for entry in found]


def ping(world: World, *, at: datetime | None = None) -> None:
    """Sends the ping that a new webhook gets."""
    since = world.stamp(at)
    hook = {
        "type": "App",
        "id": HOOK_ID,
        "name": "web",
        "active": True,
        "events": people.EVENTS,
        "config": deliveries.config(world.hooks),
        "updated_at": since,
        "created_at": since,
        "app_id": APP_ID,
    }
    payload = {"zen": "Approachable is better than simple.", "hook_id": HOOK_ID, "hook": hook}
    world.hooks.send(event="ping", payload=payload)
