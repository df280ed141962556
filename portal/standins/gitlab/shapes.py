"""GitLab's objects, of the fields that REST v4 and its webhooks have (docs.gitlab.com/api, and recorded answers)."""

from portal.standins.forge import Forge
from portal.standins.git import ChangedFile, Commit
from portal.standins.store import Row

PIPELINE = "pipeline"
"""The context under which the stand-in keeps a pipeline among the statuses."""
NOTED = "approved this merge request"
TAKEN_BACK = "unapproved this merge request"
STATES = {"success": "success", "failure": "failed", "error": "failed", "pending": "running"}
NO_ONE, DEVELOPERS, MAINTAINERS = (0, "No one"), (30, "Developers + Maintainers"), (40, "Maintainers")


def user(forge: Forge, login: str) -> Row:
    """An account as lists show it."""
    row = forge.account(login)
    return {
        "id": row["uid"],
        "username": row["login"],
        "name": row["name"],
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{forge.url}{forge.git_path}/{row['login']}",
    }


def project(forge: Forge, row: Row) -> Row:
    """A project."""
    name = row["full_name"]
    owner, _, short = name.partition("/")
    page = f"{forge.url}{forge.git_path}/{name}"
    checked = any(rule["checks"] for rule in forge.store.all("protection", place=name))
    return {
        "id": row["id"],
        "description": row["description"],
        "name": short,
        "name_with_namespace": f"{owner} / {short}",
        "path": short,
        "path_with_namespace": name,
        "created_at": row["created_at"],
        "default_branch": row["default_branch"],
        "ssh_url_to_repo": f"git@127.0.0.1:{name}.git",
        "http_url_to_repo": forge.clone_url(name),
        "web_url": page,
        "last_activity_at": row["pushed_at"],
        "namespace": {"id": forge.account(owner)["uid"], "name": owner, "path": owner, "kind": "group", "full_path": owner},
        "archived": bool(row.get("archived")),
        "visibility": "private",
        "merge_requests_enabled": True,
        "jobs_enabled": True,
        "only_allow_merge_if_pipeline_succeeds": checked,
        "approvals_before_merge": 0,
    }


def merge_request(forge: Forge, repo: Row, row: Row) -> Row:
    """A merge request, in a list and alone the same."""
    name, number = repo["full_name"], row["number"]
    merged, closed = row["state"] == "merged", row["state"] == "closed"
    by = user(forge, row["merged_by"]) if merged else None
    page = f"{forge.url}{forge.git_path}/{name}/-/merge_requests/{number}"
    return {
        "id": row["id"],
        "iid": number,
        "project_id": repo["id"],
        "title": f"Draft: {row['title']}" if row["draft"] else row["title"],
        "description": row["body"],
        "state": "opened" if row["state"] == "open" else row["state"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "merged_by": by,
        "merge_user": by,
        "merged_at": row["merged_at"],
        "closed_by": user(forge, row["user"]) if closed else None,
        "closed_at": row["closed_at"] if closed else None,
        "target_branch": row["base_ref"],
        "source_branch": row["head_ref"],
        "author": user(forge, row["user"]),
        "assignees": [],
        "assignee": None,
        "reviewers": [user(forge, login) for login in row["reviewers"]],
        "source_project_id": repo["id"],
        "target_project_id": repo["id"],
        "labels": list(row["labels"]),
        "draft": row["draft"],
        "work_in_progress": row["draft"],
        "milestone": None,
        "merge_status": "can_be_merged" if row.get("mergeable") else "cannot_be_merged",
        "detailed_merge_status": "mergeable" if row.get("mergeable") else "conflict",
        "sha": row["head_sha"],
        **_made(forge, name, row),
        "squash": False,
        "web_url": page,
        "changes_count": str(row["size"]["files"]),
        "has_conflicts": not row.get("mergeable"),
    }


def _made(forge: Forge, name: str, row: Row) -> Row:
    """What the merge made: a commit of two parents, one of all commits together, or nothing new."""
    sha = row["merge_commit_sha"]
    if not sha or sha == row["head_sha"]:
        return {"merge_commit_sha": None, "squash_commit_sha": None}
    two = len(forge.git(name).commit_of(sha).parents) > 1
    return {"merge_commit_sha": sha if two else None, "squash_commit_sha": None if two else sha}


def diff(file: ChangedFile, patch: str) -> Row:
    """A changed file with its difference."""
    return {
        "old_path": file.previous or file.path,
        "new_path": file.path,
        "a_mode": "0" if file.status == "added" else "100644",
        "b_mode": "0" if file.status == "removed" else "100644",
        "diff": f"{patch}\n" if patch else "",
        "collapsed": False,
        "too_large": False,
        "new_file": file.status == "added",
        "renamed_file": file.status == "renamed",
        "deleted_file": file.status == "removed",
        "generated_file": False,
    }


def commit(forge: Forge, name: str, entry: Commit) -> Row:
    """A commit: addresses and no accounts."""
    return {
        "id": entry.sha,
        "short_id": entry.sha[:8],
        "created_at": entry.committer.at.isoformat(),
        "parent_ids": list(entry.parents),
        "title": entry.message.partition("\n")[0],
        "message": f"{entry.message}\n",
        "author_name": entry.author.name,
        "author_email": entry.author.email,
        "authored_date": entry.author.at.isoformat(),
        "committer_name": entry.committer.name,
        "committer_email": entry.committer.email,
        "committed_date": entry.committer.at.isoformat(),
        "trailers": {},
        "web_url": f"{forge.url}{forge.git_path}/{name}/-/commit/{entry.sha}",
    }


def approvals(forge: Forge, repo: Row, row: Row) -> Row:
    """Who approves now."""
    standing: dict[str, str] = {}
    for one in forge.store.all("review", place=repo["full_name"], subject=str(row["number"])):
        if one["state"] in ("approved", "dismissed"):
            standing[one["user"]] = one["state"]
    rule = forge.protection(repo["full_name"], row["base_ref"])
    needed = rule["reviews"] if rule else 0
    given = [login for login, state in standing.items() if state == "approved"]
    return {
        "id": row["id"],
        "iid": row["number"],
        "project_id": repo["id"],
        "title": row["title"],
        "state": "opened" if row["state"] == "open" else row["state"],
        "merge_status": "can_be_merged",
        "approved": len(given) >= needed,
        "approvals_required": needed,
        "approvals_left": max(0, needed - len(given)),
        "approved_by": [{"user": user(forge, login)} for login in given],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def notes(forge: Forge, repo: Row, row: Row) -> list[Row]:
    """What people wrote, and what GitLab itself noted of their approvals, newest first."""
    found = []
    for one in forge.store.all("review", place=repo["full_name"], subject=str(row["number"])):
        system = one["state"] != "commented"
        found.append(_note(forge, row, one["id"], one["user"], NOTED if system else one["body"], one["submitted_at"], system))
        if one["state"] == "dismissed":
            found.append(_note(forge, row, -one["id"], one["user"], TAKEN_BACK, row["updated_at"], True))
    return found[::-1]


def _note(forge: Forge, row: Row, number: int, login: str, body: str, at: str, system: bool) -> Row:
    return {
        "id": abs(number) * 2 + (number < 0),
        "type": None,
        "body": body,
        "author": user(forge, login),
        "created_at": at,
        "updated_at": at,
        "system": system,
        "noteable_id": row["id"],
        "noteable_type": "MergeRequest",
        "noteable_iid": row["number"],
        "resolvable": False,
        "confidential": False,
        "internal": False,
    }


def version(row: Row, place: int, sha: str, at: str) -> Row:
    """A state of the merge request: a head, since when."""
    return {
        "id": row["id"] * 1000 + place,
        "head_commit_sha": sha,
        "base_commit_sha": row["base_sha"],
        "start_commit_sha": row["base_sha"],
        "created_at": at,
        "merge_request_id": row["id"],
        "state": "collected",
        "real_size": str(row["size"]["files"]),
    }


def status(forge: Forge, row: Row) -> Row:
    """A commit status: a job, or what somebody else said."""
    ended = row["state"] != "pending"
    return {
        "id": row["id"],
        "sha": row["sha"],
        "ref": None,
        "status": STATES[row["state"]],
        "name": row["context"],
        "target_url": row["target_url"],
        "description": row["description"],
        "created_at": row["created_at"],
        "started_at": None,
        "finished_at": row["created_at"] if ended else None,
        "allow_failure": False,
        "coverage": None,
        "pipeline_id": None,
        "author": user(forge, row["creator"]),
    }


def pipeline(forge: Forge, repo: Row, row: Row) -> Row:
    """A pipeline of a commit."""
    heads = [branch for branch, tip in forge.git(repo["full_name"]).branches().items() if tip == row["sha"]]
    return {
        "id": row["id"],
        "iid": row["id"],
        "project_id": repo["id"],
        "sha": row["sha"],
        "ref": heads[0] if heads else "",
        "status": STATES[row["state"]],
        "source": "push",
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "web_url": f"{forge.url}{forge.git_path}/{repo['full_name']}/-/pipelines/{row['id']}",
        "name": None,
    }


def protection(row: Row) -> Row:
    """A protected branch. Where reviews or pipelines are asked for, nobody pushes."""
    push = NO_ONE if row["reviews"] or row["checks"] else MAINTAINERS
    return {
        "id": row["id"],
        "name": row["branch"],
        "push_access_levels": [_level(row, push)],
        "merge_access_levels": [_level(row, DEVELOPERS)],
        "unprotect_access_levels": [],
        "allow_force_push": row["force_pushes"],
        "code_owner_approval_required": False,
        "inherited": False,
    }


def _level(row: Row, level: tuple[int, str]) -> Row:
    number, words = level
    told = {"id": row["id"], "access_level": number, "access_level_description": words}
    return told | {"deploy_key_id": None, "user_id": None, "group_id": None}


# In webhooks


def told_user(forge: Forge, login: str) -> Row:
    """Who acted."""
    row = forge.account(login)
    return {"id": row["uid"], "name": row["name"], "username": row["login"], "avatar_url": None, "email": "[REDACTED]"}


def told_project(forge: Forge, row: Row) -> Row:
    """The project of an event."""
    name = row["full_name"]
    page = f"{forge.url}{forge.git_path}/{name}"
    return {
        "id": row["id"],
        "name": name.split("/")[1],
        "description": row["description"],
        "web_url": page,
        "avatar_url": None,
        "git_ssh_url": f"git@127.0.0.1:{name}.git",
        "git_http_url": forge.clone_url(name),
        "namespace": name.split("/")[0],
        "visibility_level": 0,
        "path_with_namespace": name,
        "default_branch": row["default_branch"],
        "ci_config_path": None,
        "homepage": page,
        "url": f"git@127.0.0.1:{name}.git",
        "ssh_url": f"git@127.0.0.1:{name}.git",
        "http_url": forge.clone_url(name),
    }


def told_repository(forge: Forge, row: Row) -> Row:
    """The same in the older, shorter form."""
    kept = ("name", "url", "description", "homepage", "git_http_url", "git_ssh_url", "visibility_level")
    told = told_project(forge, row)
    return {name: told[name] for name in kept}


def told_merge_request(forge: Forge, repo: Row, row: Row, action: str) -> Row:
    """``object_attributes`` of an event: accounts as numbers, times in the older form."""
    said = merge_request(forge, repo, row)
    kept = (
        *("id", "iid", "title", "description", "state", "draft", "work_in_progress", "merge_status", "detailed_merge_status"),
        *("source_branch", "target_branch", "source_project_id", "target_project_id", "merge_commit_sha"),
    )
    entry = forge.git(repo["full_name"]).commit_of(row["head_sha"])
    by = forge.account(row["merged_by"])["uid"] if row["merged_by"] else None
    return {name: said[name] for name in kept} | {
        "author_id": forge.account(row["user"])["uid"],
        "assignee_id": None,
        "merge_user_id": by,
        "created_at": _old(row["created_at"]),
        "updated_at": _old(row["updated_at"]),
        "source": told_project(forge, repo),
        "target": told_project(forge, repo),
        "last_commit": {
            "id": entry.sha,
            "message": entry.message,
            "title": entry.message.partition("\n")[0],
            "timestamp": entry.author.at.isoformat(),
            "url": f"{forge.url}{forge.git_path}/{repo['full_name']}/-/commit/{entry.sha}",
            "author": {"name": entry.author.name, "email": "[REDACTED]"},
        },
        "url": said["web_url"],
        "labels": [],
        "action": action,
    }


def _old(at: str) -> str:
    """``2026-02-10 09:00:00 UTC``."""
    return at.replace("T", " ").replace("Z", " UTC")


def pushed(forge: Forge, name: str, told: Row) -> Row:
    """A commit of a push."""
    kept = ("id", "message", "timestamp", "added", "removed", "modified")
    author = {key: told["author"][key] for key in ("name", "email")}
    url = f"{forge.url}{forge.git_path}/{name}/-/commit/{told['id']}"
    return {key: told[key] for key in kept} | {"title": told["message"].partition("\n")[0], "author": author, "url": url}
