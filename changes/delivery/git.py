"""Git itself: the mirror of a repository, and what its branches say. Reads only; nothing is ever pushed.

Commits are full SHAs, branches are short names, folders are bare mirrors made by :func:`mirror`. Errors are ``GitError``
(passing) and ``GitRefused`` (permanent) from ``git_process``.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from changes.delivery.git_process import (
    LOCAL,
    Access,
    GitRefused,
    ask,
    check_branch,
    check_sha,
    failure,
    run,
    stream,
)

QUICK = 20.0
"""Seconds for a question to the local mirror."""
SEPARATOR = "\x1f"
# Fields of one commit, each ended by NUL; the names of changed files follow.
FORMAT = "%H%x00%P%x00%ct%x00%an%x00%ae%x00%cn%x00%ce%x00%s%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x1f)"
FIELDS = FORMAT.count("%x00") + 1
LAST_TIME = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class GitCommit:
    """One commit. ``paths`` are the files that differ from its first parent, old and new name of a moved one.

    Names and addresses are what the author wrote: a claim, not an identity. ``committed_at`` is the committer's clock.
    """

    sha: str
    parents: tuple[str, ...]
    committed_at: datetime
    author_name: str
    author_email: str
    committer_name: str
    committer_email: str
    subject: str
    co_authors: tuple[str, ...]
    paths: tuple[str, ...]


def mirror(*, clone_url: str, folder: Path, access: Access, seconds: float) -> None:
    """Bring ``folder`` (made when missing) to the state of ``clone_url``: all heads and tags, forced, pruned.

    The caller makes sure that nobody else mirrors the same folder at the time: locks that a killed git left behind are
    taken away first. A mirror that somebody made with a part of the history only is completed. Raises ``GitRefused`` for an
    address with a password in it or of a scheme that is not allowed, and when the forge itself has a part only.
    """
    address = check_address(clone_url=clone_url, access=access)
    if not (folder / "HEAD").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(["init", "--quiet", "--bare", "--", "."], folder=folder, seconds=QUICK)
    _remove_leftovers(folder)
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    fetch = ["fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
    fetch += ["--unshallow"] if (folder / "shallow").exists() else []
    run([*fetch, "--", address, *refs], folder=folder, seconds=seconds, access=access)
    if (folder / "shallow").exists():
        raise GitRefused("the forge gives only the newest part of the history (a shallow repository); commits could be missing")


def check_address(*, clone_url: str, access: Access) -> str:
    """The address itself, when git may call it. Raises ``GitRefused``."""
    parts = urlsplit(clone_url)
    if parts.scheme not in access.protocols:
        raise GitRefused(f"a clone address of the scheme {parts.scheme or 'none'!r} is not allowed")
    if parts.username or parts.password:
        raise GitRefused("a clone address must not hold a name or a password; store a token instead")
    return clone_url


def _remove_leftovers(folder: Path) -> None:
    """Locks and half packs of a git that was killed; they would stop every later fetch."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/info/*.lock"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def tip(*, folder: Path, branch: str) -> str | None:
    """The commit that a branch points at; None when there is no such branch."""
    ref = check_branch(branch)
    code, printed, _ = ask(
        ["rev-parse", "--verify", "--quiet", "--end-of-options", ref + "^{commit}"], folder=folder, seconds=QUICK
    )
    return None if code else printed.strip()


def first_parent_shas(*, folder: Path, branch: str) -> Iterator[str]:
    """The first-parent commits of a branch, newest first, as they come."""
    arguments = ["log", "-z", "--first-parent", "--format=%H", "--end-of-options", check_branch(branch), "--"]
    with stream(arguments, folder=folder) as found:
        for sha in found:
            yield sha.decode()


def first_parent(*, folder: Path, branch: str, since_sha: str | None = None) -> Iterator[GitCommit]:
    """The first-parent commits of a branch after ``since_sha`` (None: from the root), oldest first, as they come."""
    revisions = [check_branch(branch), *([f"^{check_sha(since_sha)}"] if since_sha else [])]
    shape = ["--first-parent", "--reverse", "--diff-merges=first-parent", "--name-only", "--no-renames"]
    with _commits([*shape, "--end-of-options", *revisions, "--"], folder=folder) as found:
        yield from found


def commits_between(*, folder: Path, base: str, head: str) -> Iterator[GitCommit]:
    """Every commit that ``head`` has and ``base`` has not, oldest first: what a pull request or a release brings."""
    revisions = [check_sha(head), f"^{check_sha(base)}"]
    shape = ["--topo-order", "--reverse", "--diff-merges=first-parent", "--name-only", "--no-renames"]
    with _commits([*shape, "--end-of-options", *revisions, "--"], folder=folder) as found:
        yield from found


def is_ancestor(*, folder: Path, ancestor: str, descendant: str) -> bool:
    """Whether ``descendant`` contains ``ancestor``. Raises ``GitRefused`` when the mirror does not know one of them."""
    arguments = ["merge-base", "--is-ancestor", check_sha(ancestor), check_sha(descendant)]
    code, _, messages = ask(arguments, folder=folder, seconds=QUICK)
    if code not in (0, 1):
        raise failure(messages, LOCAL)
    return code == 0


def contains(*, folder: Path, branch: str, sha: str) -> bool:
    """Whether a branch contains a commit; False too for a branch or a commit that the mirror does not know."""
    head = tip(folder=folder, branch=branch)
    if head is None or not has_commit(folder=folder, sha=sha):
        return False
    return is_ancestor(folder=folder, ancestor=sha, descendant=head)


def has_commit(*, folder: Path, sha: str) -> bool:
    """Whether the mirror holds the commit."""
    code, _, _ = ask(["cat-file", "-e", check_sha(sha) + "^{commit}"], folder=folder, seconds=QUICK)
    return code == 0


@contextmanager
def _commits(arguments: list[str], *, folder: Path) -> Iterator[Iterator[GitCommit]]:
    """Commits out of one ``git log`` process. A random mark begins each, which no commit's text can guess."""
    mark = secrets.token_hex(16)
    with stream(["log", "-z", f"--format={mark}%x00{FORMAT}", *arguments], folder=folder) as found:
        yield _parse(found, mark.encode())


def _parse(found: Iterator[bytes], mark: bytes) -> Iterator[GitCommit]:
    if next(found, mark) != mark:
        raise GitRefused("git log printed something unexpected")
    while values := [_text(value) for value in islice(found, FIELDS)]:
        paths: list[bytes] = []
        for value in found:
            if value == mark:
                break
            paths.append(value)
        yield _commit(values, paths)


def _commit(values: list[str], paths: list[bytes]) -> GitCommit:
    sha, parents, seconds, author, author_email, committer, committer_email, subject, co_authors = values
    if paths:
        paths[0] = paths[0].removeprefix(b"\n")
    return GitCommit(
        sha=sha,
        parents=tuple(parents.split()),
        committed_at=_moment(seconds),
        author_name=author,
        author_email=author_email,
        committer_name=committer,
        committer_email=committer_email,
        subject=subject,
        co_authors=tuple(name.strip() for name in co_authors.split(SEPARATOR) if name.strip()),
        paths=tuple(_text(path) for path in paths if path),
    )


def _moment(seconds: str) -> datetime:
    """A time as the committer wrote it; one beyond the year 9999 becomes the last day, none the first of 1970, as Git has it."""
    try:
        return datetime.fromtimestamp(int(seconds or 0), UTC)
    except (OverflowError, ValueError, OSError):
        return LAST_TIME


def _text(value: bytes) -> str:
    """Bytes that are not UTF-8 stay visible and distinct as ``\\xNN``."""
    return value.decode(errors="backslashreplace")
