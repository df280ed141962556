"""Teams, who is in them, and who belongs to an organisation."""

from collections.abc import Mapping
from datetime import datetime

from portal.standins.github.acts.telling import tell, tell_organization
from portal.standins.github.errors import invalid, not_found
from portal.standins.github.shapes import people, teams
from portal.standins.github.world import World
from portal.standins.store import Row


def set_team(
    world: World,
    *,
    org: str,
    name: str,
    by: str,
    members: Mapping[str, str],
    repositories: Mapping[str, str],
    at: datetime | None = None,
) -> Row:
    """Makes a team, or changes it. ``members``: login → member or maintainer; ``repositories``: name → level."""
    with world.lock:
        slug = name.lower().replace(" ", "-")
        old = world.store.one("team", place=org.lower(), subject=slug)
        body = {
            "org": org,
            "name": name,
            "slug": slug,
            "members": dict(members),
            "repositories": dict(repositories),
            "created_at": world.stamp(at),
        }
        if old:
            row: Row = {**body, "id": old["id"]}
            world.store.save(row)
        else:
            row = world.store.add("team", place=org.lower(), subject=slug, body=body)
            tell_organization(world, "team", {"action": "created", "team": teams.told(world, row)}, org=org, by=by)
        _tell_differences(world, old or {**row, "members": {}, "repositories": {}}, row, by)
        return row


def _tell_differences(world: World, old: Row, row: Row, by: str) -> None:
    """One event for each repository and each person that came or went; another level is an edit of the team."""
    team = teams.told(world, row)
    for name in sorted({**old["repositories"], **row["repositories"]}):
        before, after = old["repositories"].get(name), row["repositories"].get(name)
        told: Row = {"action": "added_to_repository" if before is None else "removed_from_repository", "team": team}
        if before is not None and after is not None:
            changes = {"repository": {"permissions": {"from": people.permissions_of(before)}}}
            told = {"action": "edited", "team": team, "changes": changes}
        if before != after:
            tell(world, "team", told, repository=world.repository(name), by=by, team_level=after)
    for login in sorted({**old["members"], **row["members"]}):
        if (login in old["members"]) is not (login in row["members"]):
            action = "added" if login in row["members"] else "removed"
            payload = {"action": action, "scope": "team", "member": people.user(world, login), "team": team}
            tell_organization(world, "membership", payload, org=row["org"], by=by)


def delete_team(world: World, *, org: str, name: str, by: str, at: datetime | None = None) -> None:
    """Deletes a team, and with it the access of whoever was in it."""
    with world.lock:
        row = world.store.one("team", place=org.lower(), subject=name.lower().replace(" ", "-"))
        if row is None:
            raise not_found()
        world.store.delete(row)
        tell_organization(world, "team", {"action": "deleted", "team": teams.told(world, row)}, org=org, by=by)


def join_organization(world: World, *, org: str, login: str, by: str, role: str = "member", at: datetime | None = None) -> Row:
    """Somebody belongs to an organisation from now on: as a member, or with the role admin as an owner."""
    with world.lock:
        if role not in ("member", "admin"):
            raise invalid("Membership", "role")
        world.add_account(login=login)
        membership = teams.membership(world, org, login, role)
        tell_organization(world, "organization", {"action": "member_added", "membership": membership}, org=org, by=by)
        return membership


def leave_organization(world: World, *, org: str, login: str, by: str, role: str = "member", at: datetime | None = None) -> None:
    """Somebody belongs to it no longer."""
    with world.lock:
        membership = teams.membership(world, org, login, role)
        tell_organization(world, "organization", {"action": "member_removed", "membership": membership}, org=org, by=by)
