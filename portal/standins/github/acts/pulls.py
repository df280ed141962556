"""Pull requests: opened, edited, labelled, reviewed, closed."""

from collections.abc import Sequence
from datetime import datetime

from portal.standins.git import GitFailed
from portal.standins.github.acts import following
from portal.standins.github.acts.following import note, tell_pull
from portal.standins.github.acts.telling import tell
from portal.standins.github.errors import GitHubError, invalid, not_found
from portal.standins.github.shapes import people, pulls
from portal.standins.github.world import World
from portal.standins.store import Row

VERDICTS = {"approved": "APPROVE", "changes_requested": "REQUEST_CHANGES", "commented": "COMMENT"}


def open_pull_request(
    world: World,
    *,
    repository: str,
    head: str,
    title: str,
    by: str,
    base: str = "main",
    body: str = "",
    draft: bool = False,
    labels: Sequence[str] = (),
    reviewers: Sequence[str] = (),
    fork: str = "",
    at: datetime | None = None,
) -> Row:
    """Opens a pull request from branch ``head`` into ``base``. Raises 422 when there is one already or nothing to merge.

    With ``fork`` (``owner/name:branch``) it comes from there: ``head`` then only holds the commits here.
    """
    with world.lock:
        repo = world.repository(repository)
        row = _new_row(world, repo, head=head, base=base, by=by, at=world.stamp(at))
        row |= {"title": title, "body": body, "draft": draft, "fork": fork}
        following.measure(world, repo, row)
        if not row["size"]["commits"]:
            raise invalid("PullRequest", "base", "custom", f"No commits between {base} and {head}")
        row = world.store.add("pull", place=repository, subject=str(row["number"]), body=row)
        repo["open"] = repo.get("open", 0) + 1
        world.store.save(repo)
        following.remember_commits(world, repo, row)
        tell_pull(world, repo, row, "opened", by=by)
        for text in labels:
            label(world, repository=repository, number=row["number"], label=text, by=by, at=at)
        for login in reviewers:
            request_review(world, repository=repository, number=row["number"], reviewer=login, by=by, at=at)
        return pulls.full(world, repo, world.pull(repository, row["number"]))


def _new_row(world: World, repo: Row, *, head: str, base: str, by: str, at: str) -> Row:
    name = repo["full_name"]
    rows = world.pulls(name)
    if any(row["state"] == "open" and (row["head_ref"], row["base_ref"]) == (head, base) for row in rows):
        raise invalid("PullRequest", "head", "custom", f"A pull request already exists for {name.split('/')[0]}:{head}.")
    try:
        head_sha = world.git(name).tip(f"refs/heads/{head}")
        base_sha = world.git(name).tip(f"refs/heads/{base}")
    except GitFailed as problem:
        raise invalid("PullRequest", "head") from problem
    return {
        "number": 1 + max((row["number"] for row in rows), default=0),
        "user": world.account(by)["login"],
        "state": "open",
        "head_ref": head,
        "head_sha": head_sha,
        "base_ref": base,
        "base_sha": base_sha,
        "labels": [],
        "reviewers": [],
        "created_at": at,
        "updated_at": at,
        "closed_at": None,
        "merged_at": None,
        "merged_by": None,
        "merge_commit_sha": None,
    }


def edit_pull_request(
    world: World,
    *,
    repository: str,
    number: int,
    by: str,
    title: str | None = None,
    body: str | None = None,
    base: str | None = None,
    at: datetime | None = None,
) -> Row:
    """Changes title, text, or the branch that it goes into."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        changes: Row = {}
        if base is not None and base != row["base_ref"]:
            changes["base"] = {"ref": {"from": row["base_ref"]}, "sha": {"from": row["base_sha"]}}
            row["base_ref"] = base
            following.measure(world, repo, row)
        for name, value in (("title", title), ("body", body)):
            if value is not None and value != row[name]:
                changes[name] = {"from": row[name]}
                row[name] = value
        row["updated_at"] = world.stamp(at)
        world.store.save(row)
        if "title" in changes:
            old = changes["title"]["from"]
            note(world, repo, row, "renamed", by=by, at=row["updated_at"], renamed_from=old, renamed_to=row["title"])
        tell_pull(world, repo, row, "edited", by=by, changes=changes)
        return pulls.full(world, repo, row)


def label(world: World, *, repository: str, number: int, label: str, by: str, at: datetime | None = None) -> Row:
    """Puts a label on a pull request."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        if label not in row["labels"]:
            row["labels"].append(label)
        shown = pulls.label(world, repository, label)
        return _touched(world, repo, row, "labeled", by=by, at=at, label=shown, noted={"label": label})


def unlabel(world: World, *, repository: str, number: int, label: str, by: str, at: datetime | None = None) -> Row:
    """Takes a label off."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        row["labels"] = [text for text in row["labels"] if text != label]
        shown = pulls.label(world, repository, label)
        return _touched(world, repo, row, "unlabeled", by=by, at=at, label=shown, noted={"label": label})


def request_review(world: World, *, repository: str, number: int, reviewer: str, by: str, at: datetime | None = None) -> Row:
    """Asks somebody for a review."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        row["reviewers"] = sorted({*row["reviewers"], world.account(reviewer)["login"]})
        shown = people.user(world, reviewer)
        return _touched(world, repo, row, "review_requested", by=by, at=at, requested_reviewer=shown, noted={"reviewer": reviewer})


def mark_ready(world: World, *, repository: str, number: int, by: str, at: datetime | None = None) -> Row:
    """A draft becomes ready for review."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        row["draft"] = False
        return _touched(world, repo, row, "ready_for_review", by=by, at=at)


def close_pull_request(world: World, *, repository: str, number: int, by: str, at: datetime | None = None) -> Row:
    """Closes without a merge."""
    with world.lock:
        repo, row = world.repository(repository), _open(world, repository, number)
        following.close(world, repo, row, by=by, at=world.stamp(at))
        return pulls.full(world, repo, row)


def reopen_pull_request(world: World, *, repository: str, number: int, by: str, at: datetime | None = None) -> Row:
    """Opens a closed pull request again. Raises 422 for a merged one."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        if row["state"] != "closed":
            raise invalid("PullRequest", "state")
        row |= {"state": "open", "closed_at": None}
        return _touched(world, repo, row, "reopened", by=by, at=at)


def _touched(
    world: World, repo: Row, row: Row, action: str, *, by: str, at: datetime | None, noted: Row | None = None, **more: object
) -> Row:
    row["updated_at"] = world.stamp(at)
    world.store.save(row)
    note(world, repo, row, action, by=by, at=row["updated_at"], **(noted or {}))
    tell_pull(world, repo, row, action, by=by, **more)
    return pulls.full(world, repo, row)


def _open(world: World, repository: str, number: int) -> Row:
    row = world.pull(repository, number)
    if row["state"] != "open":
        raise invalid("PullRequest", "state", "custom", "the pull request is not open")
    return row


def review(
    world: World,
    *,
    repository: str,
    number: int,
    by: str,
    state: str = "approved",
    body: str = "",
    commit: str = "",
    at: datetime | None = None,
) -> Row:
    """Submits a review: approved, changes_requested or commented, on ``commit`` (default: the head). Not on one's own."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        if state not in VERDICTS:
            raise invalid("PullRequestReview", "event")
        if row["user"].lower() == by.lower() and state != "commented":
            raise GitHubError(422, "Unprocessable Entity", [{"message": "Can not approve your own pull request"}])
        login, stamp = world.account(by)["login"], world.stamp(at)
        fields = {"user": login, "state": state, "body": body, "commit": commit or row["head_sha"], "submitted_at": stamp}
        made = world.store.add("review", place=repository, subject=str(number), body=fields)
        row["reviewers"] = [one for one in row["reviewers"] if one != login]
        row["updated_at"] = stamp
        world.store.save(row)
        shape = pulls.review(world, repository, number, made)
        told = shape | {"state": state, "updated_at": stamp}
        payload = {"action": "submitted", "review": told, "pull_request": pulls.simple(world, repo, row)}
        tell(world, "pull_request_review", payload, repository=repo, by=by)
        return shape


def dismiss_review(world: World, *, repository: str, number: int, review_id: int, by: str, at: datetime | None = None) -> Row:
    """Dismisses a review."""
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        found = [one for one in world.store.all("review", place=repository, subject=str(number)) if one["id"] == review_id]
        if not found:
            raise not_found()
        following.dismiss(world, repo, row, found[0], by=by, at=world.stamp(at))
        return pulls.review(world, repository, number, found[0])
