"""A bare Git repository, driven through ``git`` itself: commits, merges, differences. Paths and messages are text (UTF-8).

Every command runs with a clean environment, so that the machine's own settings change nothing.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
NOBODY = "0" * 40
FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01"


class GitFailed(Exception):
    """``git`` refused; the message is what it said."""


class Conflict(GitFailed):
    """Two sides changed the same thing."""


@dataclass(frozen=True)
class Signature:
    """A name, an address and a moment, as a commit holds them."""

    name: str
    email: str
    at: datetime


@dataclass(frozen=True)
class Commit:
    """One commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class ChangedFile:
    """One path in a difference. ``status`` is GitHub's word; counts are lines, 0 for binary files."""

    path: str
    previous: str
    status: str
    sha: str
    additions: int
    deletions: int


STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


class BareRepository:
    """One bare repository in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *args: str, text: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """What ``git`` prints. Raises GitFailed when it ends with an error."""
        done = self._done(*args, text=text, env=env)
        if done.returncode != 0:
            raise GitFailed(done.stderr.decode(errors="replace").strip() or f"git {args[0]} ended with {done.returncode}")
        return done.stdout.decode(errors="replace")

    def _done(self, *args: str, text: bytes = b"", env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "--git-dir", str(self.path), "-c", "core.quotePath=false", *args]
        return subprocess.run(command, input=text, capture_output=True, env=clean_environment() | dict(env or {}), check=False)

    def create(self, default_branch: str) -> None:
        """Makes the empty repository, open to pushes over HTTP."""
        self.path.mkdir(parents=True)
        self.run("init", "--quiet", "--bare", "-b", default_branch)
        for name, value in {"http.receivepack": "true", "gc.auto": "0", "receive.fsckObjects": "true"}.items():
            self.run("config", name, value)

    # What is there

    def tip(self, ref: str) -> str:
        """The commit a branch or expression names. Raises GitFailed when there is none."""
        return self.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()

    def has(self, ref: str) -> bool:
        """Whether the branch or commit exists."""
        return self._done("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").returncode == 0

    def branches(self) -> dict[str, str]:
        """Branch name → commit."""
        lines = self.run("for-each-ref", "--format=%(refname:lstrip=2)%00%(objectname)", "refs/heads").splitlines()
        pairs = [line.partition("\0") for line in lines]
        return {name: sha for name, _, sha in pairs}

    def commits(self, *revisions: str, limit: int | None = None, first_parent: bool = False) -> list[Commit]:
        """Commits that ``git log`` lists for ``revisions``, oldest first."""
        options = ["--first-parent"] if first_parent else []
        options += [f"--max-count={limit}"] if limit is not None else []
        printed = self.run("log", "--reverse", "--topo-order", f"--format={FIELDS}", *options, *revisions, "--")
        return [_commit(entry) for entry in printed.split("\1") if entry.strip()]

    def commit_of(self, ref: str) -> Commit:
        """The commit itself."""
        return self.commits(ref, limit=1)[0]

    def count(self, revisions: str) -> int:
        """How many commits are in a range."""
        return int(self.run("rev-list", "--count", revisions))

    def merge_base(self, one: str, other: str) -> str:
        """The common ancestor. Raises GitFailed when the histories are strangers."""
        return self.run("merge-base", one, other).strip()

    def contains(self, ref: str, sha: str) -> bool:
        """Whether ``sha`` is ``ref`` or one of its ancestors."""
        return self._done("merge-base", "--is-ancestor", sha, ref).returncode == 0

    def files(self, old: str, new: str) -> list[ChangedFile]:
        """What differs between two commits or trees."""
        printed = self.run("diff-tree", "-r", "-M", "--raw", "--numstat", "--abbrev=40", "-z", old, new)
        return _changed_files(printed)

    def patches(self, old: str, new: str) -> list[str]:
        """The difference of every file that ``files`` lists, in its order: hunks only; empty for a binary or a moved file."""
        printed = self.run("diff", "--no-color", "--no-ext-diff", "-M", old, new)
        parts = [part.partition("\n@@ ") for part in f"\n{printed}".split("\ndiff --git ")[1:]]
        return [f"@@ {hunks}".rstrip("\n") if mark else "" for _, mark, hunks in parts]

    # What is done

    def write(self, ref: str, sha: str) -> None:
        """Points a full ref name at a commit; the empty name deletes it."""
        self.run("update-ref", ref, sha) if sha else self.run("update-ref", "-d", ref)

    def commit(self, *, parent: str, files: Mapping[str, str | None], message: str, author: Signature, committer: Signature) -> str:
        """A new commit on ``parent`` ("" for a first one): file contents, or None to remove a file. Returns its name."""
        with tempfile.TemporaryDirectory() as scratch:
            env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            if parent:
                self.run("read-tree", parent, env=env)
            self.run("update-index", "--index-info", text=self._index_lines(files), env=env)
            tree = self.run("write-tree", env=env).strip()
        return self.commit_tree(tree, [parent] if parent else [], message, author, committer)

    def _index_lines(self, files: Mapping[str, str | None]) -> bytes:
        lines = []
        for path, content in files.items():
            if content is None:
                lines.append(f"0 {NOBODY}\t{path}")
            else:
                blob = self.run("hash-object", "-w", "--stdin", text=content.encode()).strip()
                lines.append(f"100644 {blob}\t{path}")
        return "".join(line + "\n" for line in lines).encode()

    def commit_tree(self, tree: str, parents: list[str], message: str, author: Signature, committer: Signature) -> str:
        """A commit of a tree that exists. Returns its name; no branch moves."""
        env = _signed("AUTHOR", author) | _signed("COMMITTER", committer)
        flags = [part for parent in parents for part in ("-p", parent)]
        return self.run("commit-tree", tree, *flags, text=message.encode(), env=env).strip()

    def merged_tree(self, base: str, head: str) -> str:
        """The tree of a merge of two commits. Raises Conflict."""
        done = self._done("merge-tree", "--write-tree", base, head)
        if done.returncode != 0:
            raise Conflict("the merge has conflicts")
        return done.stdout.decode().strip()

    def replayed_tree(self, commit: Commit, onto: str) -> str:
        """The tree of one commit put on top of another. Raises Conflict when both changed the same file."""
        with tempfile.TemporaryDirectory() as scratch:
            env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            self.run("read-tree", "-i", "-m", "--aggressive", commit.parents[0], onto, commit.sha, env=env)
            written = self._done("write-tree", env=env)
        if written.returncode != 0:
            raise Conflict(f"{commit.sha[:12]} does not apply")
        return written.stdout.decode().strip()


def clean_environment() -> dict[str, str]:
    """What every ``git`` process gets: a path, and no settings of the machine or the person."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _signed(role: str, by: Signature) -> dict[str, str]:
    seconds = int(by.at.astimezone(UTC).timestamp())
    return {f"GIT_{role}_NAME": by.name, f"GIT_{role}_EMAIL": by.email, f"GIT_{role}_DATE": f"@{seconds} +0000"}


def _commit(entry: str) -> Commit:
    sha, tree, parents, a_name, a_mail, a_at, c_name, c_mail, c_at, message = entry.lstrip("\n").split("\0", 9)
    author = Signature(a_name, a_mail, datetime.fromisoformat(a_at))
    committer = Signature(c_name, c_mail, datetime.fromisoformat(c_at))
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))


def _changed_files(printed: str) -> list[ChangedFile]:
    """Reads ``--raw --numstat -z``: first all raw records, then all counts, both in one order."""
    parts = iter(printed.split("\0"))
    raw: list[tuple[str, str, str, str]] = []
    counts: list[tuple[int, int]] = []
    for part in parts:
        if part.startswith(":"):
            _, _, _, new_sha, letter = part[1:].split(" ")
            first = next(parts)
            moved = letter[0] in "RC"
            raw.append((STATUS.get(letter[0], "changed"), new_sha, next(parts) if moved else first, first if moved else ""))
        elif part:
            added, removed, path = part.split("\t")
            if not path:  # a rename prints its two names apart
                next(parts), next(parts)
            counts.append((_lines(added), _lines(removed)))
    return [
        ChangedFile(path, previous, status, sha, added, removed)
        for (status, sha, path, previous), (added, removed) in zip(raw, counts, strict=True)
    ]


def _lines(count: str) -> int:
    return 0 if count == "-" else int(count)
