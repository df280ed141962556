"""What a merge commit holds beside what Git itself makes of its parents. Reads only: the mirror stays as it is.

A merge that Git (or the forge, with Git) made has the tree of ``git merge-tree --write-tree``. Another tree was written by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from changes.delivery.git_process import LOCAL, GitError, ask, check_sha, failure, run
from changes.delivery.models import MergeContent

QUICK = 10.0
"""Seconds for one question to git."""
PATHS_KEPT = 20
OLD_GIT = 129
"""The exit code of git for an option that it does not know: ``--write-tree`` came with 2.38."""
MERGE = ("merge-tree", "--write-tree", "-z", "--no-messages", "--allow-unrelated-histories")
WAYS: tuple[tuple[str, ...], ...] = (
    (),
    ("-c", "merge.directoryRenames=false"),
    ("-c", "merge.directoryRenames=true"),
    ("-c", "merge.renames=false"),
)
"""Git's own ways to treat moved files. Forges and versions differ in them; whichever made the tree, nobody wrote it by hand."""


@dataclass(frozen=True)
class Compared:
    """What came out: ``paths`` are the first files that differ, ``why`` says in a sentence why nobody can tell."""

    content: MergeContent
    paths: tuple[str, ...] = ()
    why: str = ""


def compare(*, folder: Path, sha: str, parents: Sequence[str], scratch: Path) -> Compared:
    """Compare a merge commit with what Git makes of ``parents``. ``scratch`` is an empty folder, or one that earlier calls used.

    ``UNKNOWN``: a merge of more than two, one that takes longer than ``QUICK`` seconds, missing objects, a git that is too old.
    """
    if len(parents) != 2:
        return _unknown(f"It has {len(parents)} parents, and Git merges only two so that it can be compared.")
    try:
        wanted = run(
            ["rev-parse", "--verify", "--end-of-options", check_sha(sha) + "^{tree}"], folder=folder, seconds=QUICK
        ).strip()
        made = []
        for code, tree in _merged(folder, parents, scratch):
            if (code, tree) == (0, wanted):
                return Compared(MergeContent.SAME)
            made.append((code, tree))
        code, tree = made[0]
        content = MergeContent.RESOLVED if code else MergeContent.OWN
        return Compared(content, paths=_differing(folder, tree, wanted, scratch))
    except GitError as problem:
        return _unknown(str(problem))


def _unknown(why: str) -> Compared:
    return Compared(MergeContent.UNKNOWN, why=why)


def _merged(folder: Path, parents: Sequence[str], scratch: Path) -> Iterator[tuple[int, str]]:
    """Exit code (1: with conflicts) and tree of each way to merge. Raises ``GitError``."""
    for way in WAYS:
        arguments = [*way, *MERGE, *(check_sha(parent) for parent in parents)]
        code, printed, messages = ask(arguments, folder=folder, seconds=QUICK, scratch=scratch)
        if code == OLD_GIT:
            raise GitError("The git of this machine is older than 2.38 and cannot compare merges.")
        tree = printed.partition("\0")[0].strip()
        if code not in (0, 1) or not tree:
            raise GitError(f"Git could not merge its two sides: {failure(messages, LOCAL)}.")
        yield code, tree


def _differing(folder: Path, one: str, other: str, scratch: Path) -> tuple[str, ...]:
    arguments = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options", check_sha(one), check_sha(other)]
    code, printed, messages = ask(arguments, folder=folder, seconds=QUICK, scratch=scratch)
    if code:
        raise failure(messages, LOCAL)
    return tuple(path for path in printed.split("\0") if path)[:PATHS_KEPT]
