"""Branch protection and rulesets, for the API and for webhooks."""

from typing import Any

from portal.standins.github.shapes import people
from portal.standins.github.world import World, node_id
from portal.standins.store import Row


def summary(rule: Row | None) -> Row:
    """What a branch says about its own protection."""
    if rule is None:
        return {"enabled": False, "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []}}
    return {"enabled": True, "required_status_checks": {"enforcement_level": _level(bool(rule["checks"]), rule), **_checks(rule)}}


def protection(world: World, repository: str, rule: Row) -> Row:
    """The protection of one branch, as its own address shows it. Parts that are off are left out, as GitHub does."""
    url = f"{world.api_url}/repos/{repository}/branches/{rule['branch']}/protection"
    shape: Row = {
        "url": url,
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": rule["enforce_admins"]},
        "required_linear_history": {"enabled": False},
        "allow_force_pushes": {"enabled": rule["force_pushes"]},
        "allow_deletions": {"enabled": False},
        "block_creations": {"enabled": False},
        "required_conversation_resolution": {"enabled": False},
        "lock_branch": {"enabled": False},
        "allow_fork_syncing": {"enabled": False},
    }
    if rule["checks"]:
        shape["required_status_checks"] = status_checks(world, repository, rule)
    if rule["reviews"]:
        shape["required_pull_request_reviews"] = reviews(world, repository, rule)
    if rule["restrict"] is not None:
        shape["restrictions"] = restrictions(world, repository, rule)
    return shape


def status_checks(world: World, repository: str, rule: Row) -> Row:
    """Which checks must pass."""
    url = f"{world.api_url}/repos/{repository}/branches/{rule['branch']}/protection/required_status_checks"
    return {"url": url, "strict": False, "contexts_url": f"{url}/contexts", **_checks(rule)}


def reviews(world: World, repository: str, rule: Row) -> Row:
    """Which reviews are needed."""
    return {
        "url": f"{world.api_url}/repos/{repository}/branches/{rule['branch']}/protection/required_pull_request_reviews",
        "dismiss_stale_reviews": rule["dismiss_stale"],
        "require_code_owner_reviews": False,
        "required_approving_review_count": rule["reviews"],
        "require_last_push_approval": False,
    }


def restrictions(world: World, repository: str, rule: Row) -> Row:
    """Who may push and merge."""
    url = f"{world.api_url}/repos/{repository}/branches/{rule['branch']}/protection/restrictions"
    return {
        "url": url,
        "users_url": f"{url}/users",
        "teams_url": f"{url}/teams",
        "apps_url": f"{url}/apps",
        "users": [people.user(world, login) for login in rule["restrict"]],
        "teams": [],
        "apps": [],
    }


def _checks(rule: Row) -> Row:
    apps = rule.get("apps", {})
    return {"contexts": rule["checks"], "checks": [{"context": name, "app_id": apps.get(name)} for name in rule["checks"]]}


def _level(on: bool, rule: Row) -> str:
    if not on:
        return "off"
    return "everyone" if rule["enforce_admins"] else "non_admins"


def told(rule: Row, repository: Row) -> Row:
    """The rule as the ``branch_protection_rule`` webhook tells it."""
    return {
        "id": rule["id"],
        "repository_id": repository["id"],
        "name": rule["branch"],
        "created_at": rule["created_at"],
        "updated_at": rule["updated_at"],
        "pull_request_reviews_enforcement_level": _level(rule["reviews"] > 0, rule),
        "required_approving_review_count": rule["reviews"],
        "dismiss_stale_reviews_on_push": rule["dismiss_stale"],
        "require_code_owner_review": False,
        "authorized_dismissal_actors_only": False,
        "ignore_approvals_from_contributors": False,
        "required_status_checks": rule["checks"],
        "required_status_checks_enforcement_level": _level(bool(rule["checks"]), rule),
        "strict_required_status_checks_policy": False,
        "signature_requirement_enforcement_level": "off",
        "linear_history_requirement_enforcement_level": "off",
        "lock_branch_enforcement_level": "off",
        "lock_allows_fork_sync": False,
        "create_protected": False,
        "require_last_push_approval": False,
        "admin_enforced": rule["enforce_admins"],
        "allow_force_pushes_enforcement_level": "everyone" if rule["force_pushes"] else "off",
        "allow_deletions_enforcement_level": "off",
        "merge_queue_enforcement_level": "off",
        "required_deployments_enforcement_level": "off",
        "required_conversation_resolution_level": "off",
        "authorized_actors_only": rule["restrict"] is not None,
        "authorized_actor_names": rule["restrict"] or [],
    }


WATCHED = (
    "admin_enforced",
    "authorized_actor_names",
    "authorized_actors_only",
    "pull_request_reviews_enforcement_level",
    "required_status_checks",
    "required_status_checks_enforcement_level",
)


def differences(old: Row, new: Row) -> Row:
    """What GitHub says under ``changes``: only the fields it knows there, with their value before."""
    return {name: {"from": old[name]} for name in WATCHED if old[name] != new[name]}


def ruleset(world: World, repository: str, row: Row, *, in_full: bool) -> Row:
    """A ruleset; in lists without its rules."""
    url = f"{world.api_url}/repos/{repository}/rulesets/{row['id']}"
    shape: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "target": "branch",
        "source_type": "Repository",
        "source": repository,
        "enforcement": row["enforcement"],
        "node_id": node_id("RRS", row["id"]),
        "_links": {"self": {"href": url}, "html": {"href": f"{world.url}/{repository}/rules/{row['id']}"}},
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    if in_full:
        shape["bypass_actors"] = row["bypass"]
        shape["conditions"] = {"ref_name": {"include": [f"refs/heads/{name}" for name in row["branches"]], "exclude": []}}
        shape["rules"] = [_rule(name, row) for name in row["rules"]]
    return shape


def _rule(name: str, row: Row) -> Row:
    if name == "pull_request":
        parameters: Row = {
            "required_approving_review_count": row["reviews"],
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
        }
        return {"type": name, "parameters": parameters}
    if name == "required_status_checks":
        wanted = [{"context": check} for check in row["checks"]]
        return {"type": name, "parameters": {"required_status_checks": wanted, "strict_required_status_checks_policy": False}}
    return {"type": name}


def in_force(world: World, repository: str, branch: str) -> list[Row]:
    """All rules of active rulesets that bind one branch."""
    found = []
    for row in world.store.all("ruleset", place=repository):
        if row["enforcement"] == "active" and branch in row["branches"]:
            source = {"ruleset_source_type": "Repository", "ruleset_source": repository, "ruleset_id": row["id"]}
            found += [_rule(name, row) | source for name in row["rules"]]
    return found


def suite(world: World, repository: Row, row: Row) -> Row:
    """A push as the rulesets judged it."""
    account = people.user(world, row["by"])
    return {
        "id": row["id"],
        "actor_id": account["id"],
        "actor_name": account["login"],
        "before_sha": row["before"],
        "after_sha": row["after"],
        "ref": row["ref"],
        "repository_id": repository["id"],
        "repository_name": repository["full_name"].split("/")[1],
        "pushed_at": row["at"],
        "result": row["result"],
        "evaluation_result": row["result"],
    }
