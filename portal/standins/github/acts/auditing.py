"""The audit log of an organisation, where it has one (Enterprise Cloud): written from what is told by webhook."""

from datetime import datetime
from typing import Any

from portal.standins.github.world import World
from portal.standins.store import Row
from portal.standins.times import moment

ACTIONS = {
    ("branch_protection_rule", "created"): "protected_branch.create",
    ("branch_protection_rule", "edited"): "protected_branch.update_required_approving_review_count",
    ("branch_protection_rule", "deleted"): "protected_branch.destroy",
    ("repository_ruleset", "created"): "repository_ruleset.create",
    ("repository_ruleset", "edited"): "repository_ruleset.update",
    ("repository_ruleset", "deleted"): "repository_ruleset.destroy",
    ("member", "added"): "repo.add_member",
    ("member", "edited"): "repo.update_member",
    ("member", "removed"): "repo.remove_member",
    ("membership", "added"): "team.add_member",
    ("membership", "removed"): "team.remove_member",
    ("team", "created"): "team.create",
    ("team", "deleted"): "team.destroy",
    ("team", "added_to_repository"): "team.add_repository",
    ("team", "removed_from_repository"): "team.remove_repository",
    ("team", "edited"): "team.update_repository_permission",
    ("organization", "member_added"): "org.add_member",
    ("organization", "member_removed"): "org.remove_member",
}


def keep_audit_log(world: World, *, org: str) -> None:
    """The organisation has an audit log from now on."""
    with world.lock:
        world.store.add("audited", subject=org.lower(), body={"org": org})


def log_action(
    world: World, *, org: str, action: str, by: str, said: dict[str, Any] | None = None, at: datetime | None = None
) -> Row:
    """Somebody did something that the log alone tells. ``said``: further fields of the entry."""
    with world.lock:
        stamp = int(moment(world.stamp(at)).timestamp() * 1000)
        account = world.account(by)
        body = {"@timestamp": stamp, "created_at": stamp, "action": action, "actor": account["login"], "actor_id": account["uid"]}
        return world.store.add("audit", place=org.lower(), body=body | {"org": org} | (said or {}))


def note(world: World, event: str, payload: Row, *, org: str, by: str, repository: str = "") -> None:
    """What a webhook tells, as the log writes it."""
    action = ACTIONS.get((event, str(payload.get("action"))))
    if action is not None and world.store.one("audited", subject=org.lower()) is not None:
        named = {"repo": repository} if repository else {}
        log_action(world, org=org, action=action, by=by, said=named | _said(payload, org))


def _said(payload: Row, org: str) -> Row:
    said: Row = {}
    if "rule" in payload:
        said["name"] = payload["rule"]["name"]
    if "repository_ruleset" in payload:
        said |= {"ruleset_name": payload["repository_ruleset"]["name"], "ruleset_id": payload["repository_ruleset"]["id"]}
    if "team" in payload:
        said["team"] = f"{org}/{payload['team']['slug']}"
    person = payload.get("member") or (payload.get("membership") or {}).get("user")
    if person:
        said |= {"user": person["login"], "user_id": person["id"]}
    if "membership" in payload:
        said["permission"] = "admin" if payload["membership"]["role"] == "admin" else "read"
    return said


def entries(world: World, org: str) -> list[Row]:
    """All of it, newest first, as the API tells it."""
    rows = reversed(world.store.all("audit", place=org.lower()))
    return [{**{name: value for name, value in row.items() if name != "id"}, "_document_id": f"doc-{row['id']}"} for row in rows]
