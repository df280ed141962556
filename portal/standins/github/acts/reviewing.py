"""Workflow runs that wait for the reviewers of an environment, and what these say."""

from collections.abc import Sequence
from datetime import datetime

from portal.standins.github.acts.telling import tell
from portal.standins.github.errors import invalid, not_found
from portal.standins.github.shapes import runs
from portal.standins.github.world import World
from portal.standins.store import Row


def ask_for_deploy(
    world: World,
    *,
    repository: str,
    environment: str,
    by: str,
    sha: str,
    reviewers: Sequence[str] = (),
    at: datetime | None = None,
) -> Row:
    """A run reaches an environment that reviewers guard, and waits there."""
    with world.lock:
        stamp = world.stamp(at)
        body = {
            "sha": world.tip(repository, sha),
            "environment": environment,
            "by": world.account(by)["login"],
            "reviewers": list(reviewers),
            "reviews": [],
            "at": stamp,
        }
        row = world.store.add("run", place=repository, subject=environment, body=body)
        _tell(world, repository, row, {"action": "requested", **runs.waiting(world, repository, row)}, by)
        return runs.run(world, repository, row)


def review_deploy(
    world: World, *, repository: str, run: int, by: str, state: str = "approved", comment: str = "", at: datetime | None = None
) -> Row:
    """A reviewer lets a waiting run go on (``approved``), or ends it (``rejected``)."""
    with world.lock:
        row = world.store.by_id("run", run, place=repository)
        if row is None:
            raise not_found()
        if state not in ("approved", "rejected"):
            raise invalid("DeploymentReview", "state")
        row["reviews"] = [*row["reviews"], {"by": world.account(by)["login"], "state": state, "comment": comment}]
        world.store.save(row)
        _tell(world, repository, row, {"action": state, **runs.decided(world, repository, row, by=by, comment=comment)}, by)
        return runs.approvals(world, repository, row)[-1]


def _tell(world: World, repository: str, row: Row, payload: Row, by: str) -> None:
    told = {"workflow_run": runs.run(world, repository, row), "since": row["at"], **payload}
    tell(world, "deployment_review", told, repository=world.repository(repository), by=by)
