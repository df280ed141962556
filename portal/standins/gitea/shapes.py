"""Gitea's objects, of the fields that Forgejo 16 (gitea 1.22) describes in its ``/swagger.v1.json``."""

from portal.standins.forge import Forge
from portal.standins.git import ChangedFile, Commit, Signature
from portal.standins.store import Row
from portal.standins.times import stamp

REVIEWS = {"approved": "APPROVED", "changes_requested": "REQUEST_CHANGES", "commented": "COMMENT", "dismissed": "APPROVED"}
WORST = ("error", "failure", "pending", "success")
LEVELS = {"pull": "read", "triage": "read", "push": "write", "maintain": "write", "admin": "admin"}
"""Its words for what an account may do."""


def user(forge: Forge, login: str) -> Row:
    """An account. Where one was asked for that is not there any more, Gitea answers with its ghost."""
    row = forge.account(login)
    return {
        "id": row["uid"],
        "login": row["login"],
        "login_name": "",
        "source_id": 0,
        "full_name": row["name"],
        "email": row["email"],
        "avatar_url": f"{forge.url}{forge.git_path}/avatars/{row['uid']}",
        "html_url": f"{forge.url}{forge.git_path}/{row['login']}",
        "language": "",
        "is_admin": False,
        "active": True,
        "restricted": False,
        "prohibit_login": False,
        "visibility": "public",
        "created": "2026-01-01T00:00:00Z",
    }


def by_address(forge: Forge, signature: Signature) -> Row | None:
    """The account that an address belongs to."""
    known = forge.account_by_email(signature.email)
    return user(forge, known["login"]) if known else None


def repository(forge: Forge, row: Row, *, login: str = "") -> Row:
    """A repository; with ``login`` what that account may do there."""
    name, owner = row["full_name"], row["full_name"].split("/")[0]
    page = f"{forge.url}{forge.git_path}/{name}"
    held = forge.permission(name, login) if login else ""
    return {
        "id": row["id"],
        "owner": user(forge, owner),
        "name": name.split("/")[1],
        "full_name": name,
        "description": row["description"],
        "empty": False,
        "private": True,
        "fork": False,
        "template": False,
        "parent": None,
        "mirror": False,
        "size": 64,
        "url": f"{forge.api_url}/repos/{name}",
        "html_url": page,
        "ssh_url": f"git@127.0.0.1:{name}.git",
        "clone_url": forge.clone_url(name),
        "original_url": "",
        "website": "",
        "default_branch": row["default_branch"],
        "archived": bool(row.get("archived")),
        "created_at": row["created_at"],
        "updated_at": row["pushed_at"],
        "permissions": {"admin": held == "admin", "push": held in {"push", "maintain", "admin"}, "pull": True},
        "has_pull_requests": True,
        "open_pr_counter": row.get("open", 0),
        "internal": False,
        "object_format_name": "sha1",
    }


def pull_request(forge: Forge, repo: Row, row: Row) -> Row:
    """A pull request, in a list and alone the same."""
    name, number, size = repo["full_name"], row["number"], row["size"]
    page = f"{forge.url}{forge.git_path}/{name}/pulls/{number}"
    whole = repository(forge, repo)
    merged = row["state"] == "merged"
    return {
        "id": row["id"],
        "url": page,
        "number": number,
        "user": user(forge, row["user"]),
        "title": row["title"],
        "body": row["body"],
        "labels": [{"id": place, "name": text, "color": "b60205"} for place, text in enumerate(row["labels"], start=1)],
        "milestone": None,
        "assignee": None,
        "assignees": None,
        "requested_reviewers": [user(forge, login) for login in row["reviewers"]],
        "state": "open" if row["state"] == "open" else "closed",
        "draft": row["draft"],
        "is_locked": False,
        "comments": 0,
        "review_comments": 0,
        "additions": size["additions"],
        "deletions": size["deletions"],
        "changed_files": size["files"],
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "mergeable": bool(row.get("mergeable")) and not merged,
        "merged": merged,
        "merged_at": row["merged_at"],
        "merge_commit_sha": row["merge_commit_sha"],
        "merged_by": user(forge, row["merged_by"]) if row["merged_by"] else None,
        "allow_maintainer_edit": False,
        "base": _side(row["base_ref"], row["base_sha"], whole),
        "head": _side(row["head_ref"], row["head_sha"], whole),
        "merge_base": row["base_sha"],
        "due_date": None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "closed_at": row["closed_at"],
    }


def _side(ref: str, sha: str, repo: Row) -> Row:
    return {"label": ref, "ref": ref, "sha": sha, "repo_id": repo["id"], "repo": repo}


def review(forge: Forge, name: str, pull: Row, row: Row) -> Row:
    """A review. A dismissed one keeps its state and says so beside it."""
    page = f"{forge.url}{forge.git_path}/{name}/pulls/{pull['number']}"
    return {
        "id": row["id"],
        "user": user(forge, row["user"]),
        "team": None,
        "state": REVIEWS[row["state"]],
        "body": row["body"],
        "commit_id": row["commit"],
        "stale": row["commit"] != pull["head_sha"],
        "official": True,
        "dismissed": row["state"] == "dismissed",
        "comments_count": 0,
        "submitted_at": row["submitted_at"],
        "updated_at": row["submitted_at"],
        "html_url": f"{page}#issuecomment-{row['id']}",
        "pull_request_url": page,
    }


def commit(forge: Forge, name: str, entry: Commit) -> Row:
    """A commit with the accounts of its addresses."""
    url = f"{forge.api_url}/repos/{name}/git/commits"
    return {
        "url": f"{url}/{entry.sha}",
        "sha": entry.sha,
        "created": stamp(entry.committer.at),
        "html_url": f"{forge.url}{forge.git_path}/{name}/commit/{entry.sha}",
        "commit": {
            "url": f"{url}/{entry.sha}",
            "author": _who(entry.author),
            "committer": _who(entry.committer),
            "message": f"{entry.message}\n",
            "tree": {"url": f"{url}/{entry.tree}", "sha": entry.tree, "created": stamp(entry.committer.at)},
            "verification": None,
        },
        "author": by_address(forge, entry.author),
        "committer": by_address(forge, entry.committer),
        "parents": [{"url": f"{url}/{sha}", "sha": sha, "created": stamp(entry.committer.at)} for sha in entry.parents],
    }


def _who(signature: Signature) -> Row:
    return {"name": signature.name, "email": signature.email, "date": stamp(signature.at)}


def changed(forge: Forge, name: str, sha: str, file: ChangedFile) -> Row:
    """A changed file of a pull request: lines are counted, the difference is not given."""
    page = f"{forge.url}{forge.git_path}/{name}"
    word = {"removed": "deleted", "modified": "changed"}.get(file.status, file.status)
    told = {
        "filename": file.path,
        "status": word,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "html_url": f"{page}/src/commit/{sha}/{file.path}",
        "raw_url": f"{page}/raw/commit/{sha}/{file.path}",
        "contents_url": f"{forge.api_url}/repos/{name}/contents/{file.path}?ref={sha}",
    }
    return told | ({"previous_filename": file.previous} if file.previous else {})


def status(forge: Forge, name: str, row: Row) -> Row:
    """A commit status: its state is called ``status``."""
    return {
        "id": row["id"],
        "status": row["state"],
        "context": row["context"],
        "description": row["description"] or "",
        "target_url": row["target_url"] or "",
        "url": f"{forge.api_url}/repos/{name}/statuses/{row['sha']}",
        "creator": user(forge, row["creator"]),
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
    }


def combined(forge: Forge, repo: Row, sha: str, rows: list[Row], page: list[Row]) -> Row:
    """All of a commit's statuses in one word, and a page of them."""
    states = {row["state"] for row in rows}
    name = repo["full_name"]
    return {
        "state": next((word for word in WORST if word in states), ""),
        "sha": sha,
        "total_count": len(rows),
        "statuses": [status(forge, name, row) for row in page],
        "repository": repository(forge, repo),
        "commit_url": f"{forge.api_url}/repos/{name}/commits/{sha}",
        "url": f"{forge.api_url}/repos/{name}/commits/{sha}/status",
    }


def told_status(forge: Forge, name: str, payload: Row) -> Row:
    """A status as a webhook tells it: there its state is called ``state``, and the commit comes along."""
    kept = ("id", "sha", "context", "description", "state", "target_url", "created_at", "updated_at")
    entry = forge.git(name).commit_of(payload["sha"])
    commits = {"id": entry.sha, "message": entry.message, "author": _named(entry.author), "committer": _named(entry.committer)}
    return {key: payload[key] for key in kept} | {"commit": {**commits, "timestamp": stamp(entry.committer.at)}}


def _named(signature: Signature) -> Row:
    return {"name": signature.name, "email": signature.email, "username": ""}


def pushed(forge: Forge, name: str, told: Row) -> Row:
    """A commit of a push."""
    kept = {key: told[key] for key in ("id", "message", "timestamp", "added", "removed", "modified")}
    people = {role: {"username": "", **told[role]} for role in ("author", "committer")}
    return kept | people | {"url": f"{forge.url}{forge.git_path}/{name}/commit/{told['id']}", "verification": None}


def protection(row: Row) -> Row:
    """A rule over branches of one name."""
    limited = row["restrict"] is not None
    return {
        "branch_name": row["branch"],
        "rule_name": row["branch"],
        "enable_push": not row["reviews"] and not row["checks"],
        "enable_push_whitelist": False,
        "push_whitelist_usernames": [],
        "push_whitelist_teams": [],
        "push_whitelist_deploy_keys": False,
        "enable_merge_whitelist": limited,
        "merge_whitelist_usernames": list(row["restrict"] or ()),
        "merge_whitelist_teams": [],
        "enable_status_check": bool(row["checks"]),
        "status_check_contexts": list(row["checks"]),
        "required_approvals": row["reviews"],
        "enable_approvals_whitelist": False,
        "approvals_whitelist_username": [],
        "approvals_whitelist_teams": [],
        "block_on_rejected_reviews": True,
        "block_on_official_review_requests": False,
        "block_on_outdated_branch": False,
        "dismiss_stale_approvals": row["dismiss_stale"],
        "ignore_stale_approvals": False,
        "require_signed_commits": False,
        "protected_file_patterns": "",
        "unprotected_file_patterns": "",
        "apply_to_admins": row["enforce_admins"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
