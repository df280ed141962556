"""CI and other checks on commits."""

from datetime import datetime
from typing import Any

from portal.standins.github.acts.telling import tell
from portal.standins.github.errors import invalid
from portal.standins.github.shapes import checks, commits, people
from portal.standins.github.world import World
from portal.standins.store import Row

GOOD = {"success", "neutral", "skipped"}
CONCLUSIONS = GOOD | {"failure", "cancelled", "timed_out", "action_required", "stale"}
STATES = {"error", "failure", "pending", "success"}
STATUSES = {"queued", "in_progress", "completed"}


def check(
    world: World,
    *,
    repository: str,
    sha: str,
    name: str = "ci / tests",
    conclusion: str = "success",
    app: str = "github-actions",
    external_id: str = "",
    details_url: str = "",
    output: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Row:
    """A check run that begins and ends: with ``conclusion`` "" it only begins."""
    with world.lock:
        row = add_run(
            world,
            repository,
            sha=sha,
            name=name,
            app=app,
            status="completed" if conclusion else "in_progress",
            conclusion=conclusion or None,
            external_id=external_id,
            details_url=details_url,
            output=output,
            at=at,
        )
        return checks.run(world, world.repository(repository), row)


def add_run(
    world: World,
    repository: str,
    *,
    sha: str,
    name: str,
    app: str,
    status: str,
    conclusion: str | None,
    external_id: str = "",
    details_url: str = "",
    output: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Row:
    """Makes a check run and tells it. ``completed`` needs a conclusion. Raises 422."""
    _valid(status, conclusion)
    full_sha = world.tip(repository, sha)
    repo = world.repository(repository)
    stamp = world.stamp(at)
    suite = _suite(world, repo, full_sha, app, stamp)
    body = {
        "name": name,
        "head_sha": full_sha,
        "app": app,
        "suite": suite["id"],
        "status": status,
        "conclusion": conclusion,
        "external_id": external_id,
        "details_url": details_url,
        "output": output or {},
        "started_at": stamp,
        "completed_at": stamp if status == "completed" else None,
    }
    row = world.store.add("check_run", place=repository, subject=full_sha, body=body)
    suite["runs"] += 1
    _tell_run(world, repo, row, suite, "created")
    _settle(world, repo, row, suite, stamp)
    return row


def change_run(world: World, repository: str, row: Row, changes: dict[str, Any], *, at: datetime | None = None) -> Row:
    """Changes a check run: status, conclusion, output, details. Raises 422."""
    if changes.get("conclusion"):
        changes.setdefault("status", "completed")
    new = row | changes
    _valid(new["status"], new["conclusion"])
    stamp = world.stamp(at)
    if new["status"] == "completed":
        new["completed_at"] = changes.get("completed_at") or new["completed_at"] or stamp
    else:
        new |= {"conclusion": None, "completed_at": None}
    world.store.save(new)
    suite = world.store.by_id("check_suite", row["suite"], place=repository)
    if suite:
        _settle(world, world.repository(repository), new, suite, stamp)
    return new


def _valid(status: str, conclusion: str | None) -> None:
    if status not in STATUSES:
        raise invalid("CheckRun", "status")
    if (status == "completed") != (conclusion is not None) or (conclusion and conclusion not in CONCLUSIONS):
        raise invalid("CheckRun", "conclusion", "missing_field" if conclusion is None else "invalid")


def _suite(world: World, repo: Row, sha: str, app: str, stamp: str) -> Row:
    name = repo["full_name"]
    for row in world.store.all("check_suite", place=name, subject=sha):
        if row["app"] == app:
            return row
    heads = [branch for branch, tip in world.git(name).branches().items() if tip == sha]
    body: Row = {"head_sha": sha, "head_branch": heads[0] if heads else None, "app": app, "status": "queued", "conclusion": None}
    body |= {"runs": 0, "created_at": stamp, "updated_at": stamp}
    return world.store.add("check_suite", place=name, subject=sha, body=body)


def _settle(world: World, repo: Row, row: Row, suite: Row, stamp: str) -> None:
    """The suite is as far as its runs are; both are told when they end."""
    runs = [one for one in runs_of(world, repo["full_name"], row["head_sha"]) if one["suite"] == suite["id"]]
    done = all(one["status"] == "completed" for one in runs)
    bad = [one["conclusion"] for one in runs if one["status"] == "completed" and one["conclusion"] not in GOOD]
    suite |= {"status": "completed" if done else "in_progress", "conclusion": None, "updated_at": stamp}
    if done:
        suite["conclusion"] = bad[0] if bad else "success"
    world.store.save(suite)
    if row["status"] == "completed":
        _tell_run(world, repo, row, suite, "completed")
    if done:
        payload = {"action": "completed", "check_suite": _told_suite(world, repo, suite)}
        tell(world, "check_suite", payload, repository=repo, by=_sender(world, suite["app"]))


def runs_of(world: World, repository: str, sha: str) -> list[Row]:
    """All check runs of a commit, oldest first."""
    return world.store.all("check_run", place=repository, subject=sha)


def _told_suite(world: World, repo: Row, suite: Row) -> Row:
    head = commits.simple_commit(world.git(repo["full_name"]).commit_of(suite["head_sha"]))
    url = f"{world.api_url}/repos/{repo['full_name']}/check-suites/{suite['id']}/check-runs"
    more = {"head_commit": head, "latest_check_runs_count": suite["runs"], "check_runs_url": url}
    return checks.told_suite(world, repo, suite) | more


def _tell_run(world: World, repo: Row, row: Row, suite: Row, action: str) -> None:
    payload = {"action": action, "check_run": checks.told_run(world, repo, row, suite)}
    tell(world, "check_run", payload, repository=repo, by=_sender(world, row["app"]))


def _sender(world: World, app: str) -> str:
    people.app(world, app)
    return str(world.add_account(login=f"{app}[bot]", kind="Bot")["login"])


def status(
    world: World,
    *,
    repository: str,
    sha: str,
    context: str,
    state: str = "success",
    by: str = "",
    description: str = "",
    target_url: str = "",
    at: datetime | None = None,
) -> Row:
    """A commit status, the older kind of check: anyone with write access may set one."""
    with world.lock:
        if state not in STATES:
            raise invalid("Status", "state")
        full_sha = world.tip(repository, sha)
        creator = by or _sender(world, "github-actions")
        body: Row = {"sha": full_sha, "context": context, "state": state, "creator": creator, "created_at": world.stamp(at)}
        body |= {"description": description or None, "target_url": target_url or None}
        row = world.store.add("status", place=repository, subject=full_sha, body=body)
        _tell_status(world, repository, row)
        return checks.status(world, repository, row)


def _tell_status(world: World, repository: str, row: Row) -> None:
    git = world.git(repository)
    url = f"{world.api_url}/repos/{repository}/commits/{row['sha']}"
    payload = {
        "id": row["id"],
        "sha": row["sha"],
        "name": repository,
        "target_url": row["target_url"],
        "avatar_url": None,
        "context": row["context"],
        "description": row["description"],
        "state": row["state"],
        "commit": commits.commit(world, repository, git.commit_of(row["sha"])),
        "branches": [
            {"name": name, "commit": {"sha": tip, "url": url}, "protected": world.protection(repository, name) is not None}
            for name, tip in git.branches().items()
            if tip == row["sha"]
        ],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
    }
    tell(world, "status", payload, repository=world.repository(repository), by=row["creator"])


def passed(world: World, repository: str, sha: str, name: str) -> bool:
    """Whether the newest check run or status of this name on a commit is good."""
    runs = [row for row in runs_of(world, repository, sha) if row["name"] == name]
    statuses = [row for row in world.store.all("status", place=repository, subject=sha) if row["context"] == name]
    if runs:
        return runs[-1]["conclusion"] in GOOD
    return bool(statuses) and statuses[-1]["state"] == "success"


def finished(world: World, repository: str, sha: str, name: str) -> bool:
    """Whether the newest check run or status of this name on a commit has come to an end."""
    runs = [row for row in runs_of(world, repository, sha) if row["name"] == name]
    statuses = [row for row in world.store.all("status", place=repository, subject=sha) if row["context"] == name]
    if runs:
        return runs[-1]["conclusion"] is not None
    return bool(statuses) and statuses[-1]["state"] != "pending"
