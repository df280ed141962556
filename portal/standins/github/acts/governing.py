"""Branch protection, rulesets, and who has access."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.standins.github.acts.telling import tell
from portal.standins.github.errors import invalid, not_found
from portal.standins.github.shapes import people, rules
from portal.standins.github.world import World
from portal.standins.store import Row


def set_protection(
    world: World,
    *,
    repository: str,
    branch: str,
    by: str,
    reviews: int = 1,
    checks: Sequence[str] = ("ci / tests",),
    apps: Mapping[str, int] | None = None,
    restrict: Sequence[str] | None = None,
    dismiss_stale: bool = False,
    enforce_admins: bool = False,
    force_pushes: bool = False,
    at: datetime | None = None,
) -> Row:
    """Protects a branch, or changes its protection. ``restrict``: who may push and merge, None for everybody with access.

    ``apps``: from which App a check must come, by its name; those left out may come from anybody.
    """
    with world.lock:
        repo, old = world.repository(repository), world.protection(repository, branch)
        stamp = world.stamp(at)
        body = {
            "branch": branch,
            "reviews": reviews,
            "checks": list(checks),
            "apps": dict(apps or {}),
            "restrict": None if restrict is None else list(restrict),
            "dismiss_stale": dismiss_stale,
            "enforce_admins": enforce_admins,
            "force_pushes": force_pushes,
            "created_at": old["created_at"] if old else stamp,
            "updated_at": stamp,
        }
        if old:
            before, row = rules.told(old, repo), {**body, "id": old["id"]}
            world.store.save(row)
            told: Row = {"action": "edited", "changes": rules.differences(before, rules.told(row, repo))}
        else:
            row = world.store.add("protection", place=repository, subject=branch, body=body)
            told = {"action": "created"}
        tell(world, "branch_protection_rule", {**told, "rule": rules.told(row, repo)}, repository=repo, by=by)
        return rules.protection(world, repository, row)


def remove_protection(world: World, *, repository: str, branch: str, by: str, at: datetime | None = None) -> None:
    """Takes all protection from a branch."""
    with world.lock:
        repo, row = world.repository(repository), world.protection(repository, branch)
        if row is None:
            raise not_found()
        world.store.delete(row)
        row["updated_at"] = world.stamp(at)
        payload = {"action": "deleted", "rule": rules.told(row, repo)}
        tell(world, "branch_protection_rule", payload, repository=repo, by=by)


def set_ruleset(
    world: World,
    *,
    repository: str,
    name: str,
    by: str,
    branches: Sequence[str] = ("prod",),
    ruleset: Sequence[str] = ("pull_request", "required_status_checks", "non_fast_forward", "deletion"),
    enforcement: str = "active",
    reviews: int = 1,
    checks: Sequence[str] = ("ci / tests",),
    bypass: Sequence[dict[str, Any]] = (),
    at: datetime | None = None,
) -> Row:
    """Makes a ruleset, or changes the one of this name."""
    with world.lock:
        repo = world.repository(repository)
        old = world.store.one("ruleset", place=repository, subject=name)
        stamp = world.stamp(at)
        body = {
            "name": name,
            "branches": list(branches),
            "rules": list(ruleset),
            "enforcement": enforcement,
            "reviews": reviews,
            "checks": list(checks),
            "bypass": list(bypass),
            "created_at": old["created_at"] if old else stamp,
            "updated_at": stamp,
        }
        told: Row = {"action": "created"}
        if old:
            row = {**body, "id": old["id"]}
            world.store.save(row)
            told = {"action": "edited", "changes": _changes(world, repository, old, row)}
        else:
            row = world.store.add("ruleset", place=repository, subject=name, body=body)
        shape = rules.ruleset(world, repository, row, in_full=True)
        tell(world, "repository_ruleset", {**told, "repository_ruleset": shape}, repository=repo, by=by)
        return shape


def _changes(world: World, repository: str, old: Row, new: Row) -> Row:
    changes: Row = {}
    if old["enforcement"] != new["enforcement"]:
        changes["enforcement"] = {"from": old["enforcement"]}
    before = rules.ruleset(world, repository, old, in_full=True)["rules"]
    after = rules.ruleset(world, repository, new, in_full=True)["rules"]
    if before != after:
        kept = {rule["type"] for rule in after}
        was = {rule["type"] for rule in before}
        changes["rules"] = {
            "added": [rule for rule in after if rule["type"] not in was],
            "deleted": [rule for rule in before if rule["type"] not in kept],
            "updated": [],
        }
    return changes


def delete_ruleset(world: World, *, repository: str, name: str, by: str, at: datetime | None = None) -> None:
    """Deletes a ruleset."""
    with world.lock:
        repo, row = world.repository(repository), world.store.one("ruleset", place=repository, subject=name)
        if row is None:
            raise not_found()
        world.store.delete(row)
        row["updated_at"] = world.stamp(at)
        shape = rules.ruleset(world, repository, row, in_full=True)
        tell(world, "repository_ruleset", {"action": "deleted", "repository_ruleset": shape}, repository=repo, by=by)


def add_member(world: World, *, repository: str, login: str, by: str, permission: str = "push", at: datetime | None = None) -> Row:
    """Gives somebody access, or changes it: pull, triage, push, maintain, admin."""
    with world.lock:
        if permission not in people.LEVELS:
            raise invalid("Collaborator", "permission")
        repo, account = world.repository(repository), world.add_account(login=login)
        old = world.store.one("member", place=repository, subject=login.lower())
        body = {"login": account["login"], "permission": permission, "since": world.stamp(at)}
        if old:
            world.store.save({**body, "id": old["id"]})
            was, now = people.OLD_NAMES[old["permission"]], people.OLD_NAMES[permission]
            told: Row = {"action": "edited", "changes": {"old_permission": {"from": was}, "permission": {"from": was, "to": now}}}
        else:
            world.store.add("member", place=repository, subject=login.lower(), body=body)
            named = {"permission": {"to": people.OLD_NAMES[permission]}, "role_name": {"to": people.ROLE_NAMES[permission]}}
            told = {"action": "added", "changes": named}
        tell(world, "member", {**told, "member": people.user(world, login)}, repository=repo, by=by)
        return people.collaborator(world, body)


def remove_member(world: World, *, repository: str, login: str, by: str, at: datetime | None = None) -> None:
    """Takes somebody's access away."""
    with world.lock:
        repo, row = world.repository(repository), world.store.one("member", place=repository, subject=login.lower())
        if row is None:
            raise not_found()
        world.store.delete(row)
        tell(world, "member", {"action": "removed", "member": people.user(world, login)}, repository=repo, by=by)


def rename_account(world: World, *, login: str, to: str) -> Row:
    """Somebody takes another login; the number stays, and everything shows the new one from then on. Nothing is told."""
    with world.lock:
        row = world.account(login)
        was = row["login"]
        world.store.move(row, subject=to.lower(), places={})
        world.store.save({**row, "login": to})
        for old in world.store.all("former_login", subject=to.lower()):
            world.store.delete(old)
        world.store.add("former_login", subject=was.lower(), body={"login": to})
        for repository in world.repositories():
            member = world.store.one("member", place=repository["full_name"], subject=was.lower())
            if member is not None:
                world.store.move(member, subject=to.lower(), places={})
                world.store.save({**member, "login": to})
        return people.user(world, to)


def bypass(
    world: World, *, repository: str, branch: str, after: str, by: str, result: str = "bypass", at: datetime | None = None
) -> Row:
    """The rulesets judge a push: ``bypass`` somebody took it past them, ``fail`` it was refused."""
    with world.lock:
        name = world.repository(repository)["full_name"]
        before = world.tip(name, f"refs/heads/{branch}")
        body = {"ref": f"refs/heads/{branch}", "before": before, "after": after, "by": by, "result": result, "at": world.stamp(at)}
        return world.store.add("suite", place=name, body=body)


def rename_repository(world: World, *, repository: str, to: str, by: str, at: datetime | None = None) -> Row:
    """Gives a repository another name, or another owner. The old address leads to the new one from then on."""
    with world.lock:
        row = world.repository(repository)
        was_owner, _, was = row["full_name"].partition("/")
        owner = to.partition("/")[0]
        world.add_account(login=owner, kind="Organization", name=owner.title())
        world.store.move(row, subject=to.lower(), places={row["full_name"]: to})
        world.git_root.joinpath(f"{to}.git").parent.mkdir(parents=True, exist_ok=True)
        world.git_root.joinpath(f"{row['full_name']}.git").rename(world.git_root / f"{to}.git")
        row |= {"full_name": to, "former": [*row.get("former", []), f"{was_owner}/{was}".lower()]}
        world.store.save(row)
        if owner == was_owner:
            told: Row = {"action": "renamed", "changes": {"repository": {"name": {"from": was}}}}
        else:
            from_owner = people.organization(world, was_owner)
            told = {"action": "transferred", "changes": {"owner": {"from": {"organization": from_owner}}}}
        tell(world, "repository", told, repository=row, by=by)
        return row


def archive_repository(world: World, *, repository: str, by: str, archived: bool = True, at: datetime | None = None) -> Row:
    """Makes a repository read-only, or ends that."""
    return _set_repository(world, repository, {"archived": archived}, "archived" if archived else "unarchived", by)


def set_default_branch(world: World, *, repository: str, branch: str, by: str, at: datetime | None = None) -> Row:
    """Names another default branch."""
    was = world.repository(repository)["default_branch"]
    return _set_repository(world, repository, {"default_branch": branch}, "edited", by, {"default_branch": {"from": was}})


def _set_repository(world: World, repository: str, values: Row, action: str, by: str, changes: Row | None = None) -> Row:
    with world.lock:
        row = world.repository(repository) | values
        world.store.save(row)
        tell(world, "repository", {"action": action, **({"changes": changes} if changes else {})}, repository=row, by=by)
        return row
