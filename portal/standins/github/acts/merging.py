"""The merge button: who may press it, and what it makes in Git."""

from datetime import datetime

from portal.standins.git import BareRepository, Conflict
from portal.standins.github.acts import branches, following
from portal.standins.github.acts.checking import passed
from portal.standins.github.errors import GitHubError
from portal.standins.github.world import World
from portal.standins.store import Row

METHODS = ("merge", "squash", "rebase")


def merge(
    world: World,
    *,
    repository: str,
    number: int,
    by: str,
    method: str = "merge",
    sha: str = "",
    delete_branch: bool = False,
    at: datetime | None = None,
) -> Row:
    """Merges a pull request. Raises 405 when it cannot be merged and 409 when ``sha`` is not its head any more.

    Branch protection binds everybody but administrators, unless the rule binds those too. Returns ``sha``, ``merged``, ``message``.
    """
    with world.lock:
        repo, row = world.repository(repository), world.pull(repository, number)
        refuse(world, repo, row, by=by, sha=sha, method=method)
        before = world.git(repository).tip(f"refs/heads/{row['base_ref']}")
        row["base_sha"] = before
        try:
            merged = _made(world, repo, row, by=by, method=method, at=world.moment(at))
        except Conflict as problem:
            raise GitHubError(405, "Pull Request is not mergeable") from problem
        world.git(repository).write(f"refs/heads/{row['base_ref']}", merged)
        if method != "rebase":
            world.store.add("signed", place=repository, subject=merged, body={"at": world.stamp(at)})
        following.mark_merged(world, repo, row, sha=merged, by=by, at=world.stamp(at))
        repo["open"] = max(0, repo.get("open", 0) - 1)
        branches.after_move(world, repo, branch=row["base_ref"], before=before, after=merged, by=by, at=at, kind="pr_merge")
        if delete_branch:
            branches.delete_branch(world, repository=repository, branch=row["head_ref"], by=by, at=at)
        return {"sha": merged, "merged": True, "message": "Pull Request successfully merged"}


def update_branch(world: World, *, repository: str, number: int, by: str, at: datetime | None = None) -> Row:
    """Merges the base into the branch of a pull request, as the button "Update branch" does. Returns the commit."""
    with world.lock:
        repo, row, git = world.repository(repository), world.pull(repository, number), world.git(repository)
        base, before, moment = git.tip(f"refs/heads/{row['base_ref']}"), row["head_sha"], world.moment(at)
        message = f"Merge branch '{row['base_ref']}' into {row['head_ref']}"
        forge = world.merger(by, moment)
        try:
            tree = git.merged_tree(before, base)
        except Conflict as problem:
            raise GitHubError(422, "merge conflict between base and head") from problem
        sha = git.commit_tree(tree, [before, base], message, world.signature(by, moment), forge)
        world.store.add("signed", place=repository, subject=sha, body={"at": world.stamp(at)})
        return branches.move(world, repo, branch=row["head_ref"], before=before, after=sha, by=by, at=at)


def refuse(world: World, repo: Row, row: Row, *, by: str, sha: str, method: str) -> None:
    """Raises what GitHub says when this person cannot merge this pull request so."""
    if row["state"] != "open" or row["draft"] or method not in METHODS:
        raise GitHubError(405, "Pull Request is not mergeable")
    if sha and sha != row["head_sha"]:
        raise GitHubError(409, "Head branch was modified. Review and try the merge again.")
    held = world.permission(repo["full_name"], by)
    if held not in {"push", "maintain", "admin"}:
        raise GitHubError(403, "Resource not accessible by personal access token")
    rule = world.protection(repo["full_name"], row["base_ref"])
    if rule is None or (held == "admin" and not rule["enforce_admins"]):
        return
    _refuse_by_rule(world, repo, row, rule, by=by)


def _refuse_by_rule(world: World, repo: Row, row: Row, rule: Row, *, by: str) -> None:
    if rule["restrict"] is not None and by not in rule["restrict"]:
        raise GitHubError(405, "You're not authorized to push to this branch.")
    approvals = _approvals(world, repo, row)
    if approvals < rule["reviews"]:
        raise GitHubError(405, f"At least {rule['reviews']} approving review is required by reviewers with write access.")
    missing = [name for name in rule["checks"] if not passed(world, repo["full_name"], row["head_sha"], name)]
    if missing:
        raise GitHubError(405, f'Required status check "{missing[0]}" is expected.')


def _approvals(world: World, repo: Row, row: Row) -> int:
    """How many people's last word is an approval."""
    last: dict[str, str] = {}
    for review in world.store.all("review", place=repo["full_name"], subject=str(row["number"])):
        if review["state"] != "commented":
            last[review["user"]] = review["state"]
    return -1 if "changes_requested" in last.values() else list(last.values()).count("approved")


def _made(world: World, repo: Row, row: Row, *, by: str, method: str, at: datetime) -> str:
    git = world.git(repo["full_name"])
    if method == "rebase":
        return _rebased(world, git, row, by=by, at=at)
    tree = git.merged_tree(row["base_sha"], row["head_sha"])
    forge = world.merger(by, at)
    if method == "merge":
        owner = repo["full_name"].split("/")[0]
        message = f"Merge pull request #{row['number']} from {owner}/{row['head_ref']}\n\n{row['title']}"
        parents = [row["base_sha"], row["head_sha"]]
        return git.commit_tree(tree, parents, message, world.signature(by, at), forge)
    return git.commit_tree(tree, [row["base_sha"]], _squash_message(git, row), world.signature(row["user"], at), forge)


def _squash_message(git: BareRepository, row: Row) -> str:
    """Title, the commits' subjects, and everybody else who wrote one of them."""
    entries = git.commits(f"{row['base_sha']}..{row['head_sha']}")
    lines = [f"* {entry.message.splitlines()[0]}" for entry in entries if entry.message] if len(entries) > 1 else []
    trailers = {line for entry in entries for line in entry.message.splitlines() if line.startswith("Co-authored-by:")}
    authors = {f"Co-authored-by: {entry.author.name} <{entry.author.email}>" for entry in entries[1:]}
    first = f"Co-authored-by: {entries[0].author.name} <{entries[0].author.email}>" if entries else ""
    named = sorted((trailers | authors) - {first})
    parts = [f"{row['title']} (#{row['number']})", "\n".join(lines), "\n".join(named)]
    return "\n\n".join(part for part in parts if part)


def _rebased(world: World, git: BareRepository, row: Row, *, by: str, at: datetime) -> str:
    onto = str(row["base_sha"])
    through = world.signature(by, at)
    for entry in git.commits("--no-merges", f"{row['base_sha']}..{row['head_sha']}"):
        tree = git.replayed_tree(entry, onto)
        onto = git.commit_tree(tree, [onto], entry.message, entry.author, through)
    return onto
