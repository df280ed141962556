"""Deployments: GitHub's own record of what was released where."""

from datetime import datetime
from typing import Any

from portal.standins.github.acts.telling import tell
from portal.standins.github.errors import invalid, not_found
from portal.standins.github.shapes import deployments
from portal.standins.github.world import World
from portal.standins.store import Row

STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


def deploy(
    world: World,
    *,
    repository: str,
    environment: str,
    by: str,
    sha: str = "",
    ref: str = "",
    state: str = "success",
    description: str = "",
    payload: dict[str, Any] | None = None,
    run: int = 0,
    at: datetime | None = None,
) -> Row:
    """Deploys a commit and ends in ``state``; with ``state`` "" it is only created. ``ref`` defaults to the commit.

    ``run``: the workflow run that does it, whose log its steps name.
    """
    with world.lock:
        row = create_deployment(
            world,
            repository,
            environment=environment,
            by=by,
            ref=ref or sha,
            sha=sha,
            description=description,
            payload=payload,
            at=at,
        )
        if state:
            if state not in {"queued", "pending", "in_progress"}:
                add_status(world, repository, row, state="in_progress", by=by, run=run, at=at)
            add_status(world, repository, row, state=state, by=by, run=run, at=at)
        return deployments.deployment(world, repository, row)


def create_deployment(
    world: World,
    repository: str,
    *,
    environment: str,
    by: str,
    ref: str,
    sha: str = "",
    description: str = "",
    payload: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Row:
    """Makes a deployment and tells it."""
    stamp = world.stamp(at)
    body = {
        "sha": world.tip(repository, sha or ref),
        "ref": ref,
        "task": "deploy",
        "payload": payload or {},
        "environment": environment,
        "description": description or None,
        "creator": world.account(by)["login"],
        "created_at": stamp,
        "updated_at": stamp,
    }
    row = world.store.add("deployment", place=repository, subject=environment, body=body)
    shape = deployments.deployment(world, repository, row)
    told = {"action": "created", "deployment": shape, "workflow": None, "workflow_run": None}
    tell(world, "deployment", told, repository=world.repository(repository), by=by)
    return row


def deployment_status(
    world: World, *, repository: str, deployment: int, state: str, by: str, description: str = "", at: datetime | None = None
) -> Row:
    """Another step of a deployment."""
    with world.lock:
        row = world.store.by_id("deployment", deployment, place=repository)
        if row is None:
            raise not_found()
        made = add_status(world, repository, row, state=state, by=by, description=description, at=at)
        return deployments.status(world, repository, made)


def add_status(
    world: World, repository: str, row: Row, *, state: str, by: str, description: str = "", run: int = 0, at: datetime | None = None
) -> Row:
    """Adds a step and tells it; ``inactive`` is kept quiet, as GitHub does. Raises 422 for an unknown state."""
    if state not in STATES:
        raise invalid("DeploymentStatus", "state")
    stamp = world.stamp(at)
    log = f"{world.url}/{repository}/actions/runs/{run}/job/1" if run else ""
    made = _step(world, repository, row, state=state, by=by, description=description, stamp=stamp, log=log)
    if state == "success" and row["environment"] != "production":
        _replace_older(world, repository, row, by=by, stamp=stamp)
    if state != "inactive":
        payload = {
            "action": "created",
            "deployment_status": deployments.status(world, repository, made),
            "deployment": deployments.deployment(world, repository, row),
            "workflow": None,
            "workflow_run": None,
            "check_run": None,
        }
        tell(world, "deployment_status", payload, repository=world.repository(repository), by=by)
    return made


def _step(world: World, repository: str, row: Row, *, state: str, by: str, description: str, stamp: str, log: str = "") -> Row:
    row["updated_at"] = stamp
    world.store.save(row)
    body = {
        "deployment": row["id"],
        "state": state,
        "creator": world.account(by)["login"],
        "description": description,
        "environment": row["environment"],
        "environment_url": "",
        "log_url": log,
        "created_at": stamp,
    }
    return world.store.add("deployment_status", place=repository, subject=str(row["id"]), body=body)


def _replace_older(world: World, repository: str, row: Row, *, by: str, stamp: str) -> None:
    """Earlier successful deployments of the environment become inactive (not in production)."""
    for other in world.store.all("deployment", place=repository, subject=row["environment"]):
        steps = world.store.all("deployment_status", place=repository, subject=str(other["id"]))
        if other["id"] != row["id"] and steps and steps[-1]["state"] == "success":
            _step(world, repository, other, state="inactive", by=by, description="", stamp=stamp)
