"""A minimal merge queue: each pull request is tried on top of those before it, and merged once its checks have passed there.

As at GitHub (docs.github.com, "Managing a merge queue"): a branch ``gh-readonly-queue/<base>/pr-<number>-<base commit>`` holds the
try, ``merge_group`` asks for checks on its head, and what fails leaves the queue together with everything built on it.
"""

from datetime import datetime

from portal.standins.git import Conflict, Signature
from portal.standins.github.acts import branches, following, merging
from portal.standins.github.acts.checking import finished, passed
from portal.standins.github.acts.telling import tell
from portal.standins.github.errors import GitHubError
from portal.standins.github.shapes import commits
from portal.standins.github.world import WEB_FLOW, World
from portal.standins.store import Row

QUEUE_BOT = "github-merge-queue[bot]"


def enqueue(world: World, *, repository: str, number: int, by: str, at: datetime | None = None) -> Row:
    """Puts a pull request at the end of the queue of its base. Raises 405 when it could not be merged by hand either.

    Returns the ``merge_group`` as it is told.
    """
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        if _entry(world, repository, number):
            raise GitHubError(405, "Pull Request is already in the queue")
        merging.refuse(world, repo, row, by=by, sha="", method="merge")
        world.add_account(login=QUEUE_BOT, kind="Bot")
        before = entries(world, repository=repository, base=row["base_ref"])
        base_sha = before[-1]["head_sha"] if before else world.git(repository).tip(f"refs/heads/{row['base_ref']}")
        head_sha = _tried(world, repo, row, base_sha=base_sha, by=by, at=world.moment(at))
        head_ref = f"gh-readonly-queue/{row['base_ref']}/pr-{number}-{base_sha}"
        world.git(repository).write(f"refs/heads/{head_ref}", head_sha)
        body = {"number": number, "base_ref": row["base_ref"], "base_sha": base_sha, "head_ref": head_ref, "head_sha": head_sha}
        entry = world.store.add("queue", place=repository, subject=row["base_ref"], body={**body, "by": by})
        following.note(world, repo, row, "added_to_merge_queue", by=by, at=world.stamp(at))
        following.tell_pull(world, repo, row, "enqueued", by=by)
        return _tell_group(world, repo, entry, "checks_requested")


def entries(world: World, *, repository: str, base: str) -> list[Row]:
    """What waits in a queue, the first first."""
    return world.store.all("queue", place=repository, subject=base)


def run_queue(world: World, *, repository: str, base: str, at: datetime | None = None) -> Row:
    """Merges what has passed and takes out what has failed, from the front. Returns the numbers of both and of what waits."""
    with world.lock:
        repo = world.repository(repository)
        merged: list[int] = []
        removed: list[int] = []
        for entry in entries(world, repository=repository, base=base):
            stale = world.git(repository).tip(f"refs/heads/{base}") != entry["base_sha"]
            if removed or stale or _failed(world, repository, entry):
                removed.append(_remove(world, repo, entry, reason="invalidated", at=at))
            elif _passed(world, repository, entry):
                merged.append(_merge(world, repo, entry, at=at))
            else:
                break
        left = [entry["number"] for entry in entries(world, repository=repository, base=base)]
        return {"merged": merged, "removed": removed, "waiting": left}


def dequeue(world: World, *, repository: str, number: int, at: datetime | None = None) -> None:
    """Takes a pull request out of the queue by hand. Raises 404 when it is in none."""
    with world.lock:
        entry = _entry(world, repository, number)
        if entry is None:
            raise GitHubError(404, "Not Found")
        _remove(world, world.repository(repository), entry, reason="dequeued", at=at)


def _tried(world: World, repo: Row, row: Row, *, base_sha: str, by: str, at: datetime) -> str:
    """The merge of the pull request onto ``base_sha``. Moves no branch."""
    git = world.git(repo["full_name"])
    try:
        tree = git.merged_tree(base_sha, row["head_sha"])
    except Conflict as problem:
        raise GitHubError(405, "Pull Request is not mergeable") from problem
    owner = repo["full_name"].split("/")[0]
    message = f"Merge pull request #{row['number']} from {owner}/{row['head_ref']}\n\n{row['title']}"
    forge = Signature(WEB_FLOW.name, WEB_FLOW.email, at)
    sha = git.commit_tree(tree, [base_sha, row["head_sha"]], message, world.signature(by, at), forge)
    world.store.add("signed", place=repo["full_name"], subject=sha, body={"at": world.stamp(at)})
    return sha


def _required(world: World, repository: str, base: str) -> list[str]:
    rule = world.protection(repository, base)
    return list(rule["checks"]) if rule else []


def _passed(world: World, repository: str, entry: Row) -> bool:
    return all(passed(world, repository, entry["head_sha"], name) for name in _required(world, repository, entry["base_ref"]))


def _failed(world: World, repository: str, entry: Row) -> bool:
    """Whether a required check has ended on the head of the queue, and not well."""
    names = _required(world, repository, entry["base_ref"])
    return any(
        finished(world, repository, entry["head_sha"], name) and not passed(world, repository, entry["head_sha"], name)
        for name in names
    )


def _merge(world: World, repo: Row, entry: Row, *, at: datetime | None) -> int:
    name = repo["full_name"]
    row = world.pull(name, entry["number"])
    before = world.git(name).tip(f"refs/heads/{entry['base_ref']}")
    world.git(name).write(f"refs/heads/{entry['base_ref']}", entry["head_sha"])
    following.mark_merged(world, repo, row, sha=entry["head_sha"], by=QUEUE_BOT, at=world.stamp(at))
    repo["open"] = max(0, repo.get("open", 0) - 1)
    _forget(world, repo, entry, reason="merged")
    branches.after_move(world, repo, branch=entry["base_ref"], before=before, after=entry["head_sha"], by=QUEUE_BOT, at=at)
    return int(entry["number"])


def _remove(world: World, repo: Row, entry: Row, *, reason: str, at: datetime | None) -> int:
    row = world.pull(repo["full_name"], entry["number"])
    why = "CI_FAILURE" if reason == "invalidated" else "MANUAL"
    _forget(world, repo, entry, reason=reason)
    following.tell_pull(world, repo, row, "dequeued", by=QUEUE_BOT, reason=why)
    return int(entry["number"])


def _forget(world: World, repo: Row, entry: Row, *, reason: str) -> None:
    world.git(repo["full_name"]).write(f"refs/heads/{entry['head_ref']}", "")
    world.store.delete(entry)
    _tell_group(world, repo, entry, "destroyed", reason=reason)


def _tell_group(world: World, repo: Row, entry: Row, action: str, **more: str) -> Row:
    name = repo["full_name"]
    head = commits.simple_commit(world.git(name).commit_of(entry["head_sha"]))
    group = {
        "head_sha": entry["head_sha"],
        "head_ref": f"refs/heads/{entry['head_ref']}",
        "base_sha": entry["base_sha"],
        "base_ref": f"refs/heads/{entry['base_ref']}",
        "head_commit": head,
    }
    tell(world, "merge_group", {"action": action, "merge_group": group, **more}, repository=repo, by=QUEUE_BOT)
    return group


def _entry(world: World, repository: str, number: int) -> Row | None:
    return next((row for row in world.store.all("queue", place=repository) if row["number"] == number), None)
