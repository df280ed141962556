"""What is asked of a pull request in GraphQL, over the same records as REST."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.standins.github.acts import checking
from portal.standins.github.errors import GitHubError
from portal.standins.github.graph.lists import connection
from portal.standins.github.shapes import commits as commit_shapes
from portal.standins.github.tokens import Caller
from portal.standins.github.world import World, node_id
from portal.standins.graphql import Problem
from portal.standins.store import Row

PATCH = {"added": "ADDED", "removed": "DELETED", "modified": "MODIFIED", "renamed": "RENAMED", "copied": "COPIED"}
MOST_COMMITS, MOST_FILES = 250, 3000
Arguments = Mapping[str, Any]
QUEUED = "ADDED_TO_MERGE_QUEUE_EVENT"
"""Of the timeline only how often it was put into the merge queue is known here."""
NOT_ACCESSIBLE = "Resource not accessible by integration"


@dataclass(frozen=True)
class Seen:
    """One repository as one caller sees it."""

    world: World
    repository: Row
    caller: Caller

    @property
    def name(self) -> str:
        """``owner/name``."""
        return str(self.repository["full_name"])


def repository(seen: Seen, rows: Sequence[Row]) -> Row:
    """A repository; ``rows`` are its pull requests, the one that changed last first."""
    return {
        "__typename": "Repository",
        "databaseId": seen.repository["id"],
        "nameWithOwner": seen.name,
        "pullRequests": lambda arguments: connection(rows, lambda row: _pull(seen, row), arguments, place=_place),
        "pullRequest": lambda arguments: _one(seen, rows, arguments),
    }


def _place(row: Row) -> str:
    return f"{row['updated_at']} {row['number']:09d}"


def order(rows: Sequence[Row]) -> list[Row]:
    """The one that changed last first."""
    return sorted(rows, key=_place, reverse=True)


def _one(seen: Seen, rows: Sequence[Row], arguments: Arguments) -> Any:
    number = arguments.get("number")
    row = seen.world.store.one("pull", place=seen.name, subject=str(number))
    if row is None:
        return Problem("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    return _pull(seen, row)


def _pull(seen: Seen, row: Row) -> Any:
    """One pull request; its lists are made when they are asked for."""
    if not seen.caller.may("pull_requests"):
        return Problem("FORBIDDEN", NOT_ACCESSIBLE)
    world = seen.world
    whose = {"databaseId": seen.repository["id"]}
    owner, _, _ = str(row.get("fork") or "").partition(":")
    merge = row["merge_commit_sha"]
    return {
        "__typename": "PullRequest",
        "id": node_id("PR", row["id"]),
        "number": row["number"],
        "title": row["title"],
        "body": row["body"] or "",
        "state": row["state"].upper(),
        "isDraft": row["draft"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "closedAt": row["closed_at"],
        "mergedAt": row["merged_at"],
        "additions": row["size"]["additions"],
        "deletions": row["size"]["deletions"],
        "changedFiles": row["size"]["files"],
        "headRefName": str(row.get("fork") or "").partition(":")[2] or row["head_ref"],
        "headRefOid": row["head_sha"],
        "baseRefName": row["base_ref"],
        "baseRefOid": row["base_sha"],
        "isCrossRepository": bool(owner),
        "headRepository": {"databaseId": whose["databaseId"] + (700_000_000 if owner else 0)},
        "baseRepository": whose,
        "author": actor(world, row["user"]),
        "mergedBy": actor(world, row["merged_by"]) if row["merged_by"] else None,
        "mergeCommit": {"oid": merge} if merge and row["state"] == "merged" else None,
        "labels": lambda arguments: connection(row["labels"], lambda text: {"name": text}, arguments),
        "reviews": lambda arguments: connection(_reviews(seen, row), lambda one: _review(world, one), arguments),
        "files": lambda arguments: connection(_files(seen, row), _file, arguments),
        "commits": lambda arguments: connection(_commits(seen, row), lambda one: _commit(seen, row, one), arguments),
        "timelineItems": lambda arguments: connection(
            _queueings(seen, row, arguments), lambda one: _queueing(world, one), arguments
        ),
    }


def _queueings(seen: Seen, row: Row, arguments: Any) -> list[Row]:
    """When it was put into the merge queue, oldest first."""
    events = seen.world.store.all("event", place=seen.name, subject=str(row["number"]))
    return [one for one in events if one["event"] == "added_to_merge_queue" and arguments.get("itemTypes") == QUEUED]


def _queueing(world: World, row: Row) -> Row:
    return {"__typename": "AddedToMergeQueueEvent", "createdAt": row["created_at"], "enqueuer": actor(world, row["actor"])}


def actor(world: World, login: str) -> Row:
    """An account: GraphQL names a bot without its mark, and says by the type that it is one."""
    account = world.account(login)
    kind = account["type"]
    return {
        "__typename": kind,
        "__interfaces": ("Actor",),
        "login": login.removesuffix("[bot]") if kind == "Bot" else account["login"],
        "databaseId": account["uid"],
    }


def _reviews(seen: Seen, row: Row) -> list[Row]:
    return seen.world.store.all("review", place=seen.name, subject=str(row["number"]))


def _review(world: World, row: Row) -> Row:
    return {
        "__typename": "PullRequestReview",
        "id": node_id("PRR", row["id"]),
        "fullDatabaseId": str(row["id"]),
        "state": row["state"].upper(),
        "submittedAt": row["submitted_at"],
        "updatedAt": row["submitted_at"],
        "author": actor(world, row["user"]),
        "commit": {"oid": row["commit"]},
    }


def _files(seen: Seen, row: Row) -> list[Row]:
    """Path, word and lines of each file; a record may bring its own (``listed``), else Git is asked."""
    if "listed" in row:
        return list(row["listed"]["files"])
    git = seen.world.git(seen.name)
    changed = git.files(git.merge_base(row["base_sha"], row["head_sha"]), row["head_sha"])[:MOST_FILES]
    return [{"path": one.path, "status": one.status, "additions": one.additions, "deletions": one.deletions} for one in changed]


def _file(one: Row) -> Row:
    return {
        "path": one["path"],
        "changeType": PATCH.get(one["status"], "CHANGED"),
        "additions": one["additions"],
        "deletions": one["deletions"],
    }


def _commits(seen: Seen, row: Row) -> list[Row]:
    """Commits in the form of REST, oldest first."""
    if "listed" in row:
        return list(row["listed"]["commits"])
    world = seen.world
    entries = world.git(seen.name).commits(f"{row['base_sha']}..{row['head_sha']}")[:MOST_COMMITS]
    return [commit_shapes.commit(world, seen.name, entry) for entry in entries]


def _commit(seen: Seen, row: Row, rest: Row) -> Row:
    git = rest["commit"]
    verified = git["verification"]["verified"]
    signature = {"isValid": True, "wasSignedByGitHub": True} if verified else None
    commit = {
        "__typename": "Commit",
        "oid": rest["sha"],
        "message": git["message"],
        "author": _git_actor(git["author"], rest["author"]),
        "committer": _git_actor(git["committer"], rest["committer"]),
        "signature": signature,
        "parents": lambda arguments: connection(rest["parents"], lambda one: {"oid": one["sha"]}, arguments),
        "statusCheckRollup": lambda _: _rollup(seen, rest["sha"]),
    }
    return {"__typename": "PullRequestCommit", "commit": commit}


def _git_actor(git: Row, account: Row | None) -> Row:
    """GitHub itself and bots are no users here."""
    known = account is not None and account["type"] == "User" and account["login"] != "web-flow"
    user = {"databaseId": account["id"], "login": account["login"]} if account is not None and known else None
    return {"__typename": "GitActor", "name": git["name"], "email": git["email"], "user": user}


def _rollup(seen: Seen, sha: str) -> Any:
    if not seen.caller.may("checks"):
        return Problem("FORBIDDEN", NOT_ACCESSIBLE)
    runs = list({(row["app"], row["name"]): row for row in checking.runs_of(seen.world, seen.name, sha)}.values())
    statuses = {row["context"]: row for row in seen.world.store.all("status", place=seen.name, subject=sha)}
    contexts = [_run(seen, row) for row in runs] + [_status(seen.world, row) for row in statuses.values()]
    if not contexts:
        return None
    return {"__typename": "StatusCheckRollup", "contexts": lambda arguments: connection(contexts, lambda one: one, arguments)}


def _run(seen: Seen, row: Row) -> Row:
    slug = row["app"]
    return {
        "__typename": "CheckRun",
        "databaseId": row["id"],
        "url": f"{seen.world.url}/{seen.name}/runs/{row['id']}",
        "name": row["name"],
        "status": row["status"].upper(),
        "conclusion": row["conclusion"].upper() if row["conclusion"] else None,
        "startedAt": row["started_at"],
        "completedAt": row["completed_at"],
        "checkSuite": {"app": {"slug": slug, "name": slug.replace("-", " ").title()}},
    }


def _status(world: World, row: Row) -> Row:
    return {
        "__typename": "StatusContext",
        "id": node_id("SC", row["id"]),
        "context": row["context"],
        "state": row["state"].upper(),
        "createdAt": row["created_at"],
        "creator": actor(world, row["creator"]),
    }


def known(world: World, caller: Caller, owner: str, name: str) -> Seen | None:
    """The repository if it is there and the caller reaches it."""
    try:
        row = world.repository(f"{owner}/{name}")
    except GitHubError:
        return None
    reached = caller.repositories is None or row["full_name"] in caller.repositories
    person = caller.kind != "user" or bool(world.permission(row["full_name"], caller.login))
    return Seen(world, row, caller) if reached and person else None
