"""Repositories and what is pushed to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from portal.standins.git import NOBODY
from portal.standins.github.acts import following
from portal.standins.github.acts.telling import tell_push
from portal.standins.github.errors import GitHubError, invalid
from portal.standins.github.shapes import commits, repositories
from portal.standins.github.world import World
from portal.standins.store import Row

Files = Mapping[str, str | None]
README = {"README.md": "# {name}\n\n{description}\n"}


def create_repository(
    world: World,
    *,
    name: str,
    by: str,
    description: str = "",
    files: Files | None = None,
    branches: Sequence[str] = ("prod",),
    at: datetime | None = None,
) -> Row:
    """Makes ``owner/name`` with a first commit on main, ``branches`` at the same commit, and ``by`` as its administrator."""
    with world.lock:
        if world.store.one("repository", subject=name.lower()):
            raise invalid("Repository", "name", message="name already exists on this account")
        owner, _, short = name.partition("/")
        world.add_account(login=owner, kind="Organization", name=owner.title())
        world.add_account(login="web-flow", uid=19864447, name="GitHub", email="noreply@github.com")
        world.add_account(login=by)
        stamp = world.stamp(at)
        body = {"full_name": name, "description": description or short, "default_branch": "main"}
        row = world.store.add("repository", subject=name.lower(), body={**body, "created_at": stamp, "pushed_at": stamp})
        world.store.add("member", place=name, subject=by.lower(), body={"login": world.account(by)["login"], "permission": "admin"})
        git = world.git(name)
        git.create("main")
        first = files or {path: text.format(name=short, description=description) for path, text in README.items()}
        who = world.signature(by, world.moment(at))
        sha = git.commit(parent="", files=first, message="First commit", author=who, committer=who)
        for branch in ("main", *branches):
            git.write(f"refs/heads/{branch}", sha)
            tell_push(world, row, branch=branch, before=NOBODY, after=sha, forced=False, by=by)
        return repositories.full_repository(world, row)


def commit(
    world: World,
    *,
    repository: str,
    branch: str,
    files: Files,
    author: str,
    message: str,
    co_authors: Sequence[str] = (),
    committer: str = "",
    start: str = "",
    at: datetime | None = None,
) -> Row:
    """Commits and pushes to a branch, which begins at ``start`` (or main) when it is new. Raises 403 on a protected branch."""
    with world.lock:
        row, git, moment = world.repository(repository), world.git(repository), world.moment(at)
        pusher = committer or author
        exists = git.has(f"refs/heads/{branch}")
        before = git.tip(f"refs/heads/{branch}") if exists else NOBODY
        parent = before if exists else world.tip(repository, start or row["default_branch"])
        refuse_push(world, row, branch=branch, by=pusher, forced=False)
        sha = git.commit(
            parent=parent,
            files=files,
            message=_with_co_authors(world, message, co_authors),
            author=world.signature(author, moment),
            committer=world.signature(pusher, moment),
        )
        return move(world, row, branch=branch, before=before, after=sha, by=pusher, at=at)


def push_direct(
    world: World, *, repository: str, branch: str, files: Files, by: str, message: str, at: datetime | None = None
) -> Row:
    """Commits straight to a branch such as prod, past the pull requests. An administrator gets past protection."""
    return commit(world, repository=repository, branch=branch, files=files, author=by, message=message, at=at)


def force_push(
    world: World,
    *,
    repository: str,
    branch: str,
    by: str,
    to: str = "",
    files: Files | None = None,
    message: str = "",
    at: datetime | None = None,
) -> Row:
    """Moves a branch to ``to`` (default: one commit back), or puts a new commit with ``files`` there: history is rewritten."""
    with world.lock:
        row = world.repository(repository)
        before = world.tip(repository, f"refs/heads/{branch}")
        target = world.tip(repository, to or f"{before}^")
        if files is not None:
            who = world.signature(by, world.moment(at))
            target = world.git(repository).commit(parent=target, files=files, message=message, author=who, committer=who)
        refuse_push(world, row, branch=branch, by=by, forced=True)
        return move(world, row, branch=branch, before=before, after=target, by=by, at=at)


def delete_branch(world: World, *, repository: str, branch: str, by: str, at: datetime | None = None) -> None:
    """Deletes a branch; open pull requests from it are closed."""
    with world.lock:
        row = world.repository(repository)
        before = world.tip(repository, f"refs/heads/{branch}")
        world.git(repository).write(f"refs/heads/{branch}", "")
        after_move(world, row, branch=branch, before=before, after=NOBODY, by=by, at=at)


def restore_branch(world: World, *, repository: str, branch: str, by: str, at: datetime | None = None) -> Row:
    """Makes a deleted branch again where it last stood, as the button at GitHub does. Raises 422 when it was not deleted."""
    with world.lock:
        row = world.repository(repository)
        ref = f"refs/heads/{branch}"
        gone = [one for one in world.store.all("activity", place=row["full_name"]) if (one["ref"], one["after"]) == (ref, NOBODY)]
        if not gone or world.git(repository).has(ref):
            raise invalid("Reference", "ref")
        return move(world, row, branch=branch, before=NOBODY, after=gone[-1]["before"], by=by, at=at)


def _with_co_authors(world: World, message: str, co_authors: Sequence[str]) -> str:
    people = [world.account(login) for login in co_authors]
    trailers = "\n".join(f"Co-authored-by: {one['name']} <{one['email']}>" for one in people)
    return f"{message}\n\n{trailers}" if trailers else message


def refuse_push(world: World, repository: Row, *, branch: str, by: str, forced: bool) -> None:
    """Raises 403 when branch protection forbids the push. An administrator gets past it unless the rule binds them too."""
    rule = world.protection(repository["full_name"], branch)
    if rule is None:
        return
    held = world.permission(repository["full_name"], by)
    if held == "admin" and not rule["enforce_admins"]:
        return
    refused = f"GH006: Protected branch update failed for refs/heads/{branch}."
    if forced and not rule["force_pushes"]:
        raise GitHubError(403, f"{refused} Cannot force-push to this branch")
    if rule["reviews"] or rule["checks"]:
        raise GitHubError(403, f"{refused} Changes must be made through a pull request.")
    if rule["restrict"] is not None and by not in rule["restrict"]:
        raise GitHubError(403, f"{refused} You're not authorized to push to this branch.")


def move(world: World, repository: Row, *, branch: str, before: str, after: str, by: str, at: datetime | None) -> Row:
    """Points a branch at a commit and tells everybody. Returns the commit."""
    git = world.git(repository["full_name"])
    git.write(f"refs/heads/{branch}", after)
    after_move(world, repository, branch=branch, before=before, after=after, by=by, at=at)
    return commits.commit(world, repository["full_name"], git.commit_of(after))


def after_move(
    world: World, repository: Row, *, branch: str, before: str, after: str, by: str, at: datetime | None, kind: str = ""
) -> None:
    """What follows once a branch has moved, whoever moved it: the push event, and open pull requests that feel it.

    ``kind`` is GitHub's word for it in the activity, where it was no push: pr_merge, merge_queue_merge.
    """
    git = world.git(repository["full_name"])
    gone = NOBODY in {before, after}
    forced = not gone and not git.contains(after, before)
    stamp = world.stamp(at)
    repository["pushed_at"] = max(repository["pushed_at"], stamp)
    world.store.save(repository)
    body = {"before": before, "after": after, "ref": f"refs/heads/{branch}", "actor": by, "timestamp": stamp}
    body["type"] = kind or _activity(before, after, forced)
    world.store.add("activity", place=repository["full_name"], body=body)
    tell_push(world, repository, branch=branch, before=before, after=after, forced=forced, by=by)
    following.pulls_follow(world, repository, branch=branch, before=before, after=after, forced=forced, by=by, at=at)


def _activity(before: str, after: str, forced: bool) -> str:
    if before == NOBODY:
        return "branch_creation"
    if after == NOBODY:
        return "branch_deletion"
    return "force_push" if forced else "push"
