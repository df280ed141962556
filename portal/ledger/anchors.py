"""Checkpoints outside the database: without them whoever rules the database can rewrite it unseen (docs/ledger.md)."""

import os
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Protocol

from portal.ledger import files, notes
from portal.ledger.places import Places

BRANCH = "refs/heads/checkpoints"
SUBJECT = re.compile(r"Checkpoint (\d+)")
GIT_SECONDS = 30
TAIL = 4096
"""Bytes at the end of a file of checkpoints in which the last one stands whole."""
Signed = tuple[int, str]
"""Size and signed note of a checkpoint."""


class AnchorProblem(Exception):
    """A checkpoint could not be written outside. Passing: the next round tries again."""


class Overtaken(AnchorProblem):
    """Another process has written there meanwhile; what is missing has to be asked again."""


class Anchor(Protocol):
    """A place outside the database that keeps every checkpoint."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def place(self) -> str:
        """Where it is, for people; never a password."""

    def last(self) -> int:
        """Size of the checkpoint that was written there last; 0 when there is none."""

    def write(self, checkpoints: Sequence[Signed]) -> None:
        """Add these, in this order. Raises ``AnchorProblem``."""

    def notes(self) -> Iterator[str]:
        """All signed notes that are there, in any order."""


def anchors(where: Places) -> list[Anchor]:
    """The configured ones."""
    return [FileAnchor(where.anchors), GitAnchor(where.git, where.remote)]


def path_of(size: int, note: str) -> str:
    """Where a checkpoint stands inside an anchor; ten thousand sizes share a folder. Two of one size do not meet."""
    return f"{size // 10_000:08d}/{size:012d}-{sha256(note.encode()).hexdigest()[:8]}.note"


@dataclass(frozen=True)
class FileAnchor:
    """A folder: one file for each checkpoint, and all of them in ``checkpoints.txt`` to hand over."""

    folder: Path
    name: str = "files"

    @property
    def place(self) -> str:
        return str(self.folder)

    def last(self) -> int:
        found = list(notes.split(files.tail(self.folder / "checkpoints.txt", TAIL)))
        return int(found[-1].split("\n")[1]) if found else 0

    def write(self, checkpoints: Sequence[Signed]) -> None:
        together = self.folder / "checkpoints.txt"
        try:
            if files.tail(together, 1) not in ("", "\n"):
                files.append_line(together, "\n\n")  # the last note is torn: a machine stopped while it was written
            for size, note in checkpoints:
                files.write_whole(self.folder / "sizes" / path_of(size, note), note)
                files.append_line(together, note + "\n")
        except OSError as problem:
            raise AnchorProblem(f"files: {problem}") from problem

    def notes(self) -> Iterator[str]:
        for path in sorted(self.folder.glob("sizes/*/*.note")):
            yield path.read_text()
        together = self.folder / "checkpoints.txt"
        if together.exists():
            yield from notes.split(together.read_text())


@dataclass(frozen=True)
class GitAnchor:
    """A Git repository (bare or not): a commit for each checkpoint on its own branch, pushed when there is a remote."""

    repository: Path
    remote: str = ""
    name: str = "git"

    @property
    def place(self) -> str:
        return "a remote repository, branch checkpoints" if self.remote else f"{self.repository}, branch checkpoints"

    def last(self) -> int:
        if not self.repository.exists() or not self._tip():
            return 0
        found = SUBJECT.match(self._git("log", "-1", "--format=%s", BRANCH).decode())
        return int(found[1]) if found else 0

    def write(self, checkpoints: Sequence[Signed]) -> None:
        if not self.repository.exists():
            self.repository.mkdir(parents=True)
            self._git("init", "--quiet", "--bare")
        if checkpoints:
            self._import(checkpoints)
        if self.remote:
            self._git("push", "--quiet", self.remote, f"{BRANCH}:{BRANCH}")

    def notes(self) -> Iterator[str]:
        if not self.repository.exists() or not self._tip():
            return
        with tarfile.open(fileobj=BytesIO(self._git("archive", "--format=tar", BRANCH))) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield content.read().decode()

    def _import(self, checkpoints: Sequence[Signed]) -> None:
        tip = self._tip()
        try:
            self._git("fast-import", "--quiet", "--done", "--date-format=now", given=b"".join(self._commits(checkpoints, tip)))
        except AnchorProblem as problem:
            if self._tip() != tip:
                raise Overtaken(str(problem)) from problem
            raise

    def _tip(self) -> str:
        return self._git("for-each-ref", "--format=%(objectname)", BRANCH).decode().strip()

    def _commits(self, checkpoints: Iterable[Signed], tip: str) -> Iterator[bytes]:
        parent = f"from {tip}\n".encode() if tip else b""
        for size, note in checkpoints:
            message, content = f"Checkpoint {size}\n".encode(), note.encode()
            yield f"commit {BRANCH}\ncommitter Countersign <countersign@localhost> now\ndata {len(message)}\n".encode()
            yield message + parent + f"M 100644 inline {path_of(size, note)}\ndata {len(content)}\n".encode() + content + b"\n"
            parent = b""
        yield b"done\n"

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
        command = ["git", "-c", "safe.directory=*", "-C", str(self.repository), *arguments]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, timeout=GIT_SECONDS, check=True, env={**os.environ, **quiet}
            )
        except subprocess.CalledProcessError as problem:
            raise AnchorProblem(f"git {arguments[0]}: {self._readable(problem.stderr)}") from problem
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise AnchorProblem(f"git {arguments[0]}: {type(problem).__name__}") from problem
        return done.stdout

    def _readable(self, stderr: bytes) -> str:
        """What Git said, without the remote's address: it may hold a password."""
        text = stderr.decode(errors="replace").strip()
        return text.replace(self.remote, "<remote>") if self.remote else text
