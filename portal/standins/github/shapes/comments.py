"""Comments on pull requests and commits."""

from portal.standins.github.shapes import people
from portal.standins.github.world import World, node_id
from portal.standins.store import Row


def issue_comment(world: World, repository: Row, row: Row) -> Row:
    """A comment on a pull request, which is an issue too."""
    name, number = repository["full_name"], row["subject"]
    base = f"{world.api_url}/repos/{name}/issues"
    return {
        **_common(world, row, f"{base}/comments/{row['id']}", "IC"),
        "html_url": f"{world.url}/{name}/pull/{number}#issuecomment-{row['id']}",
        "issue_url": f"{base}/{number}",
        "performed_via_github_app": None,
    }


def commit_comment(world: World, repository: Row, row: Row) -> Row:
    """A comment on a commit as a whole: on no path and no line."""
    name, sha = repository["full_name"], row["subject"]
    return {
        **_common(world, row, f"{world.api_url}/repos/{name}/comments/{row['id']}", "CC"),
        "html_url": f"{world.url}/{name}/commit/{sha}#commitcomment-{row['id']}",
        "commit_id": sha,
        "path": None,
        "position": None,
        "line": None,
    }


def _common(world: World, row: Row, url: str, kind: str) -> Row:
    return {
        "id": row["id"],
        "node_id": node_id(kind, row["id"]),
        "url": url,
        "body": row["body"],
        "user": people.user(world, row["by"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "author_association": "COLLABORATOR",
    }
