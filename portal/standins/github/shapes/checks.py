"""Check runs, check suites, commit statuses."""

from portal.standins.github.shapes import commits, people, pulls, repositories
from portal.standins.github.world import World, node_id
from portal.standins.store import Row


def _pull_requests(world: World, repository: Row, sha: str) -> list[Row]:
    open_ones = [row for row in world.pulls(repository["full_name"]) if row["state"] == "open" and row["head_sha"] == sha]
    return [pulls.minimal(world, repository, row) for row in open_ones]


def run(world: World, repository: Row, row: Row) -> Row:
    """A check run."""
    url = f"{world.api_url}/repos/{repository['full_name']}/check-runs/{row['id']}"
    page = f"{world.url}/{repository['full_name']}/runs/{row['id']}"
    output = row["output"]
    return {
        "id": row["id"],
        "node_id": node_id("CR", row["id"]),
        "name": row["name"],
        "head_sha": row["head_sha"],
        "external_id": row["external_id"],
        "url": url,
        "html_url": page,
        "details_url": row["details_url"] or page,
        "status": row["status"],
        "conclusion": row["conclusion"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": output.get("text"),
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": row["suite"]},
        "app": people.app(world, row["app"]),
        "pull_requests": _pull_requests(world, repository, row["head_sha"]),
    }


def told_run(world: World, repository: Row, row: Row, suite_row: Row) -> Row:
    """A check run inside its webhook: with its suite."""
    shape = run(world, repository, row)
    return shape | {"check_suite": told_suite(world, repository, suite_row)}


def suite(world: World, repository: Row, row: Row) -> Row:
    """A check suite."""
    url = f"{world.api_url}/repos/{repository['full_name']}/check-suites/{row['id']}"
    head = world.git(repository["full_name"]).commit_of(row["head_sha"])
    return {
        **told_suite(world, repository, row),
        "repository": repositories.repository(world, repository),
        "head_commit": commits.simple_commit(head),
        "latest_check_runs_count": row["runs"],
        "check_runs_url": f"{url}/check-runs",
        "rerequestable": True,
        "runs_rerequestable": True,
    }


def told_suite(world: World, repository: Row, row: Row) -> Row:
    """A check suite inside a webhook."""
    return {
        "id": row["id"],
        "node_id": node_id("CS", row["id"]),
        "head_branch": row["head_branch"],
        "head_sha": row["head_sha"],
        "status": row["status"],
        "conclusion": row["conclusion"],
        "url": f"{world.api_url}/repos/{repository['full_name']}/check-suites/{row['id']}",
        "before": None,
        "after": row["head_sha"],
        "pull_requests": _pull_requests(world, repository, row["head_sha"]),
        "app": people.app(world, row["app"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def status(world: World, repository: str, row: Row) -> Row:
    """One commit status."""
    return {
        "url": f"{world.api_url}/repos/{repository}/statuses/{row['sha']}",
        "avatar_url": f"{world.url}/avatars/u/1?v=4",
        "id": row["id"],
        "node_id": node_id("SC", row["id"]),
        "state": row["state"],
        "description": row["description"],
        "target_url": row["target_url"],
        "context": row["context"],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "creator": people.user(world, row["creator"]),
    }


def combined(world: World, repository: Row, sha: str, rows: list[Row]) -> Row:
    """The combined status: pending when there is none at all."""
    name = repository["full_name"]
    latest = {row["context"]: row for row in rows}
    states = {row["state"] for row in latest.values()}
    bad = states & {"failure", "error"}
    state = "failure" if bad else "success" if states == {"success"} else "pending"
    shown = [{key: value for key, value in status(world, name, row).items() if key != "creator"} for row in latest.values()]
    return {
        "state": state,
        "statuses": shown,
        "sha": sha,
        "total_count": len(shown),
        "repository": repositories.repository(world, repository),
        "commit_url": f"{world.api_url}/repos/{name}/commits/{sha}",
        "url": f"{world.api_url}/repos/{name}/commits/{sha}/status",
    }
