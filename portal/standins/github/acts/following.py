"""How open pull requests follow the branches they come from and go to."""

from datetime import datetime

from portal.standins.git import NOBODY, Conflict, GitFailed, Signature
from portal.standins.github.acts.telling import tell
from portal.standins.github.shapes import pulls
from portal.standins.github.world import WEB_FLOW, World
from portal.standins.store import Row


def tell_pull(world: World, repository: Row, row: Row, action: str, *, by: str, **more: object) -> None:
    """Sends a ``pull_request`` event."""
    payload = {"action": action, "number": row["number"], "pull_request": pulls.told(world, repository, row), **more}
    tell(world, "pull_request", payload, repository=repository, by=by)


def note(world: World, repository: Row, row: Row, event: str, *, by: str, at: str, **more: object) -> None:
    """Adds an entry to the timeline of a pull request."""
    body = {"event": event, "actor": by, "created_at": at, **more}
    world.store.add("event", place=repository["full_name"], subject=str(row["number"]), body=body)


def measure(world: World, repository: Row, row: Row) -> None:
    """Reads from Git what the pull request holds now: its commits, its size, whether it merges. Writes nothing to the store."""
    name = repository["full_name"]
    git = world.git(name)
    base, head = git.tip(f"refs/heads/{row['base_ref']}"), row["head_sha"]
    row["base_sha"] = base
    changed = git.files(git.merge_base(base, head), head)
    row["size"] = {
        "commits": git.count(f"{base}..{head}"),
        "additions": sum(one.additions for one in changed),
        "deletions": sum(one.deletions for one in changed),
        "files": len(changed),
    }
    try:
        tree = git.merged_tree(base, head)
    except Conflict:
        row |= {"mergeable": False, "test_merge_sha": ""}
        return
    who = Signature(WEB_FLOW.name, WEB_FLOW.email, world.moment(None))
    row["test_merge_sha"] = git.commit_tree(tree, [base, head], f"Merge {head} into {base}", who, who)
    row["mergeable"] = True


def remember_commits(world: World, repository: Row, row: Row) -> None:
    """Keeps which commits the pull request brings, so that a commit can be asked for its pull requests."""
    name = repository["full_name"]
    git = world.git(name)
    git.write(f"refs/pull/{row['number']}/head", row["head_sha"])
    for sha in git.run("rev-list", f"{row['base_sha']}..{row['head_sha']}").split():
        add_commit(world, name, row["number"], sha)


def add_commit(world: World, repository: str, number: int, sha: str) -> None:
    """Remembers that a commit came with a pull request, once."""
    known = world.store.all("pull_commit", place=repository, subject=sha)
    if all(one["number"] != number for one in known):
        world.store.add("pull_commit", place=repository, subject=sha, body={"number": number})


def pulls_follow(
    world: World, repository: Row, *, branch: str, before: str, after: str, forced: bool, by: str, at: datetime | None
) -> None:
    """Brings open pull requests up to date after a branch moved: from it (synchronize), into it (perhaps merged by the push)."""
    for row in world.pulls(repository["full_name"]):
        if row["state"] != "open":
            continue
        if row["head_ref"] == branch and after == NOBODY:
            close(world, repository, row, by=by, at=world.stamp(at))
        elif row["head_ref"] == branch:
            _synchronize(world, repository, row, before=before, after=after, forced=forced, by=by, at=world.stamp(at))
        elif row["base_ref"] == branch and after != NOBODY:
            _base_moved(world, repository, row, after=after, by=by, at=world.stamp(at))


def _synchronize(world: World, repository: Row, row: Row, *, before: str, after: str, forced: bool, by: str, at: str) -> None:
    row |= {"head_sha": after, "updated_at": at}
    measure(world, repository, row)
    world.store.save(row)
    remember_commits(world, repository, row)
    if forced:
        note(world, repository, row, "head_ref_force_pushed", by=by, at=at, commit_id=after)
    tell_pull(world, repository, row, "synchronize", by=by, before=before, after=after)
    _dismiss_stale(world, repository, row, at=at)


def _dismiss_stale(world: World, repository: Row, row: Row, *, at: str) -> None:
    rule = world.protection(repository["full_name"], row["base_ref"])
    if rule is None or not rule["dismiss_stale"]:
        return
    for review in world.store.all("review", place=repository["full_name"], subject=str(row["number"])):
        if review["state"] == "approved":
            dismiss(world, repository, row, review, by=row["user"], at=at)


def dismiss(world: World, repository: Row, row: Row, review: Row, *, by: str, at: str) -> None:
    """Takes a review's effect away."""
    review["state"] = "dismissed"
    world.store.save(review)
    row["updated_at"] = at
    world.store.save(row)
    name = repository["full_name"]
    shape = pulls.review(world, name, row["number"], review) | {"state": "dismissed", "updated_at": at}
    payload = {"action": "dismissed", "review": shape, "pull_request": pulls.simple(world, repository, row)}
    tell(world, "pull_request_review", payload, repository=repository, by=by)


def _base_moved(world: World, repository: Row, row: Row, *, after: str, by: str, at: str) -> None:
    if world.git(repository["full_name"]).contains(after, row["head_sha"]):
        mark_merged(world, repository, row, sha=row["head_sha"], by=by, at=at)
        return
    base = row["base_sha"]
    try:
        measure(world, repository, row)
    except GitFailed:
        row["mergeable"] = False
    row["base_sha"] = base
    world.store.save(row)


def mark_merged(world: World, repository: Row, row: Row, *, sha: str, by: str, at: str) -> None:
    """The pull request is in: by the button, or because somebody pushed its commits to the base."""
    row |= {"state": "merged", "merged_at": at, "closed_at": at, "updated_at": at, "merged_by": by, "merge_commit_sha": sha}
    world.store.save(row)
    add_commit(world, repository["full_name"], row["number"], sha)
    note(world, repository, row, "merged", by=by, at=at, commit_id=sha)
    note(world, repository, row, "closed", by=by, at=at)
    tell_pull(world, repository, row, "closed", by=by)


def close(world: World, repository: Row, row: Row, *, by: str, at: str) -> None:
    """Closes a pull request without a merge."""
    row |= {"state": "closed", "closed_at": at, "updated_at": at}
    world.store.save(row)
    note(world, repository, row, "closed", by=by, at=at)
    tell_pull(world, repository, row, "closed", by=by)
