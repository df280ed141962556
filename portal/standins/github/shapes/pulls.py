"""Pull requests, their reviews and their timeline."""

from typing import Any

from portal.standins.git import Commit
from portal.standins.github.shapes import people, repositories
from portal.standins.github.shapes.commits import verification
from portal.standins.github.world import World, node_id
from portal.standins.store import Row
from portal.standins.times import stamp

FORKS = 700_000_000
"""Added to the number of a repository: that of its fork."""
COLOURS = {"emergency": "b60205", "dependencies": "0366d6"}


def simple(world: World, repository: Row, row: Row) -> Row:
    """A pull request in a list."""
    name, number = repository["full_name"], row["number"]
    url, page = f"{world.api_url}/repos/{name}/pulls/{number}", f"{world.url}/{name}/pull/{number}"
    issue = f"{world.api_url}/repos/{name}/issues/{number}"
    links = {
        "self": url,
        "html": page,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{world.api_url}/repos/{name}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{world.api_url}/repos/{name}/statuses/{row['head_sha']}",
    }
    return {
        "url": url,
        "id": row["id"],
        "node_id": node_id("PR", row["id"]),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        **{f"{key}_url": links[key] for key in ("commits", "review_comments", "review_comment", "comments", "statuses")},
        "number": number,
        "state": "open" if row["state"] == "open" else "closed",
        "locked": False,
        "active_lock_reason": None,
        "title": row["title"],
        "user": people.user(world, row["user"]),
        "body": row["body"] or None,
        "labels": [label(world, name, text) for text in row["labels"]],
        "milestone": None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
        "merged_at": row["merged_at"],
        "merge_commit_sha": row["merge_commit_sha"] or row["test_merge_sha"] or None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [people.user(world, login) for login in row["reviewers"]],
        "requested_teams": [],
        "draft": row["draft"],
        "head": _head(world, repository, row),
        "base": _side(world, repository, row["base_ref"], row["base_sha"]),
        "_links": {key: {"href": link} for key, link in links.items()},
        "author_association": "MEMBER",
        "auto_merge": None,
    }


def _side(world: World, repository: Row, ref: str, sha: str) -> Row:
    owner = repository["full_name"].split("/")[0]
    repo = repositories.repository(world, repository)
    return {"label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": people.user(world, owner), "repo": repo}


def _head(world: World, repository: Row, row: Row) -> Row:
    """Where it comes from: a branch here, or one of a fork, which is another repository."""
    fork, _, ref = str(row.get("fork") or "").partition(":")
    if not fork:
        return _side(world, repository, row["head_ref"], row["head_sha"])
    owner, _, name = fork.partition("/")
    ours = repositories.repository(world, repository)
    user = people.user(world, owner)
    theirs = {**ours, "id": FORKS + ours["id"], "name": name, "full_name": fork, "owner": user, "fork": True}
    return {"label": f"{owner}:{ref}", "ref": ref, "sha": row["head_sha"], "user": user, "repo": theirs}


def full(world: World, repository: Row, row: Row) -> Row:
    """A pull request asked for by number."""
    merged = row["state"] == "merged"
    return {
        **simple(world, repository, row),
        "merged": merged,
        "mergeable": None if row["state"] != "open" else row["mergeable"],
        "rebaseable": None if row["state"] != "open" else row["mergeable"],
        "mergeable_state": _mergeable_state(row),
        "merged_by": people.user_or_none(world, row["merged_by"]),
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": row["size"]["commits"],
        "additions": row["size"]["additions"],
        "deletions": row["size"]["deletions"],
        "changed_files": row["size"]["files"],
    }


def _mergeable_state(row: Row) -> str:
    if row["state"] != "open":
        return "unknown"
    if row["draft"]:
        return "draft"
    return "clean" if row["mergeable"] else "dirty"


def told(world: World, repository: Row, row: Row) -> Row:
    """A pull request inside its own webhook. GitHub has not yet tried the merge then: it says so."""
    shape = full(world, repository, row)
    if row["state"] == "open":
        shape |= {"mergeable": None, "rebaseable": None, "mergeable_state": "unknown"}
    return shape


def minimal(world: World, repository: Row, row: Row) -> Row:
    """A pull request inside a check."""
    name = repository["full_name"]
    short = {"id": repository["id"], "url": f"{world.api_url}/repos/{name}", "name": name.split("/")[1]}
    return {
        "id": row["id"],
        "number": row["number"],
        "url": f"{world.api_url}/repos/{name}/pulls/{row['number']}",
        "head": {"ref": row["head_ref"], "sha": row["head_sha"], "repo": short},
        "base": {"ref": row["base_ref"], "sha": row["base_sha"], "repo": short},
    }


def label(world: World, repository: str, text: str) -> Row:
    """A label."""
    number = sum(text.encode())
    return {
        "id": number,
        "node_id": node_id("LA", number),
        "url": f"{world.api_url}/repos/{repository}/labels/{text}",
        "name": text,
        "description": "",
        "color": COLOURS.get(text, "ededed"),
        "default": False,
    }


def review(world: World, repository: str, number: int, row: Row) -> Row:
    """A review as the API shows it: its state in capitals."""
    pull = f"{world.api_url}/repos/{repository}/pulls/{number}"
    page = f"{world.url}/{repository}/pull/{number}#pullrequestreview-{row['id']}"
    return {
        "id": row["id"],
        "node_id": node_id("PRR", row["id"]),
        "user": people.user(world, row["user"]),
        "body": row["body"],
        "state": row["state"].upper(),
        "html_url": page,
        "pull_request_url": pull,
        "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
        "submitted_at": row["submitted_at"],
        "commit_id": row["commit"],
        "author_association": "MEMBER",
    }


def event(world: World, repository: str, row: Row) -> Row:
    """One entry of a timeline that is not a commit or a review."""
    actor = people.user(world, row["actor"])
    sha = row.get("commit_id")
    shape: dict[str, Any] = {
        "id": row["id"],
        "node_id": node_id("EV", row["id"]),
        "url": f"{world.api_url}/repos/{repository}/issues/events/{row['id']}",
        "actor": actor,
        "event": row["event"],
        "commit_id": sha,
        "commit_url": f"{world.api_url}/repos/{repository}/commits/{sha}" if sha else None,
        "created_at": row["created_at"],
        "performed_via_github_app": None,
    }
    if "label" in row:
        shape["label"] = {"name": row["label"], "color": COLOURS.get(row["label"], "ededed")}
    if "renamed_from" in row:
        shape["rename"] = {"from": row["renamed_from"], "to": row["renamed_to"]}
    if "reviewer" in row:
        shape |= {"review_requester": actor, "requested_reviewer": people.user(world, row["reviewer"])}
    return shape


def committed(world: World, repository: str, entry: Commit) -> Row:
    """A commit in a timeline: Git's own view, without accounts."""
    url = f"{world.api_url}/repos/{repository}/git"
    page = f"{world.url}/{repository}/commit"
    return {
        "event": "committed",
        "sha": entry.sha,
        "node_id": node_id("C", int(entry.sha[:10], 16)),
        "url": f"{url}/commits/{entry.sha}",
        "html_url": f"{page}/{entry.sha}",
        "author": {"name": entry.author.name, "email": entry.author.email, "date": stamp(entry.author.at)},
        "committer": {"name": entry.committer.name, "email": entry.committer.email, "date": stamp(entry.committer.at)},
        "message": entry.message,
        "tree": {"sha": entry.tree, "url": f"{url}/trees/{entry.tree}"},
        "parents": [{"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in entry.parents],
        "verification": verification(world, repository, entry),
    }


def reviewed(world: World, repository: str, number: int, row: Row) -> Row:
    """A review in a timeline: its state in small letters."""
    return review(world, repository, number, row) | {"event": "reviewed", "state": row["state"]}
