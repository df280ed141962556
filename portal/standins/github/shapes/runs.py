"""Workflow runs and the reviews that they wait for."""

from portal.standins.github.shapes import people
from portal.standins.github.world import World, node_id
from portal.standins.store import Row

WORKFLOW = ".github/workflows/deploy.yml"


def run(world: World, repository: str, row: Row) -> Row:
    """A workflow run as webhooks name it."""
    url, page = f"{world.api_url}/repos/{repository}/actions/runs/{row['id']}", _page(world, repository, row)
    actor = people.user(world, row["by"])
    return {
        "id": row["id"],
        "name": "deploy",
        "node_id": node_id("WFR", row["id"]),
        "head_branch": "prod",
        "head_sha": row["sha"],
        "path": WORKFLOW,
        "display_title": "Deploy",
        "run_number": row["id"],
        "run_attempt": 1,
        "event": "push",
        "status": "waiting",
        "conclusion": None,
        "workflow_id": 1,
        "check_suite_id": row["id"],
        "check_suite_node_id": node_id("CS", row["id"]),
        "url": url,
        "html_url": page,
        "pull_requests": [],
        "created_at": row["at"],
        "updated_at": row["at"],
        "run_started_at": row["at"],
        "actor": actor,
        "triggering_actor": actor,
    }


def waiting(world: World, repository: str, row: Row) -> Row:
    """What a request for a review says beside the run."""
    reviewers = [{"type": "User", "reviewer": people.user(world, login)} for login in row["reviewers"]]
    asked = {"environment": row["environment"], "reviewers": reviewers, "requestor": people.user(world, row["by"])}
    return asked | {"workflow_job_run": _job(world, repository, row)}


def decided(world: World, repository: str, row: Row, *, by: str, comment: str) -> Row:
    """What an approval or a rejection says beside the run."""
    return {"approver": people.user(world, by), "comment": comment, "workflow_job_runs": [_job(world, repository, row)]}


def approvals(world: World, repository: str, row: Row) -> list[Row]:
    """The reviews of a run as its list tells them: neither when, nor of which attempt."""
    number, name = row["id"], row["environment"]
    environment = {
        "id": number,
        "node_id": node_id("EN", number),
        "name": name,
        "url": f"{world.api_url}/repos/{repository}/environments/{name}",
        "html_url": f"{world.url}/{repository}/deployments/activity_log?environments_filter={name}",
        "created_at": people.SINCE,
        "updated_at": people.SINCE,
    }
    return [
        {"state": one["state"], "comment": one["comment"], "environments": [environment], "user": people.user(world, one["by"])}
        for one in row["reviews"]
    ]


def _job(world: World, repository: str, row: Row) -> Row:
    return {
        "id": row["id"],
        "name": None,
        "status": "waiting",
        "conclusion": None,
        "environment": row["environment"],
        "html_url": f"{_page(world, repository, row)}/job/{row['id']}",
        "created_at": row["at"],
        "updated_at": row["at"],
    }


def _page(world: World, repository: str, row: Row) -> str:
    return f"{world.url}/{repository}/actions/runs/{row['id']}"
