"""Deployments and their steps."""

from portal.standins.github.shapes import people
from portal.standins.github.world import World, node_id
from portal.standins.store import Row


def deployment(world: World, repository: str, row: Row) -> Row:
    """A deployment of a commit to an environment."""
    url = f"{world.api_url}/repos/{repository}/deployments/{row['id']}"
    return {
        "url": url,
        "id": row["id"],
        "node_id": node_id("DE", row["id"]),
        "sha": row["sha"],
        "ref": row["ref"],
        "task": row["task"],
        "payload": row["payload"],
        "original_environment": row["environment"],
        "environment": row["environment"],
        "description": row["description"],
        "creator": people.user(world, row["creator"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "statuses_url": f"{url}/statuses",
        "repository_url": f"{world.api_url}/repos/{repository}",
        "transient_environment": False,
        "production_environment": row["environment"] == "production",
        "performed_via_github_app": None,
    }


def status(world: World, repository: str, row: Row) -> Row:
    """One step of a deployment."""
    url = f"{world.api_url}/repos/{repository}/deployments/{row['deployment']}"
    return {
        "url": f"{url}/statuses/{row['id']}",
        "id": row["id"],
        "node_id": node_id("DES", row["id"]),
        "state": row["state"],
        "creator": people.user(world, row["creator"]),
        "description": row["description"],
        "environment": row["environment"],
        "environment_url": row["environment_url"],
        "log_url": row["log_url"],
        "target_url": row["log_url"],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "deployment_url": url,
        "repository_url": f"{world.api_url}/repos/{repository}",
        "performed_via_github_app": None,
    }
