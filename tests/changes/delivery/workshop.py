"""A real Git repository that a test fills commit by commit, with exactly the people, dates and parents it needs."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.pace import SHARED

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN = ("Ann", "ann@northwind.example")
BOB = ("Bob", "bob@northwind.example")
CLEAN = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


class Workshop:
    """A bare repository. Commits are made with ``git fast-import``, so that nothing about them is left to chance."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", ".")
        self.clock = START

    @classmethod
    def at(cls, folder):
        """One that is there already."""
        found = cls.__new__(cls)
        found.folder, found.clock = folder, START
        return found

    def git(self, *arguments, feed=None):
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=CLEAN, input=feed, capture_output=True, check=True, timeout=120 * SHARED
        )
        return done.stdout.decode(errors="surrogateescape").strip()

    def commit(self, branch="main", *, files=None, message="work", parents=None, author=ANN, committer=None, at=None):
        """Commit to a branch and return the SHA. ``parents`` defaults to the branch's tip; ``files`` to one new file."""
        self.clock += timedelta(minutes=1)
        seconds = at if isinstance(at, int) else int((at or self.clock).timestamp())
        if parents is None:
            parents = [self.tip(branch)] if self.tip(branch) else []
        files = {f"file-{self.clock:%H%M%S}-{branch}": "x"} if files is None else files
        self.git(
            "fast-import", "--quiet", "--force", feed=self._stream(branch, files, message, parents, author, committer, seconds)
        )
        return self.tip(branch)

    def _stream(self, branch, files, message, parents, author, committer, seconds):
        def person(who):
            return os.fsencode(f"{who[0]} <{who[1]}> {seconds} +0000")

        text = message if isinstance(message, bytes) else message.encode()
        lines = [f"commit refs/heads/{branch}".encode(), b"author " + person(author), b"committer " + person(committer or author)]
        lines += [b"data %d\n%s" % (len(text), text)]
        lines += [b"from " + parents[0].encode()] if parents else []
        lines += [b"merge " + parent.encode() for parent in parents[1:]]
        for name, content in files.items():
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in os.fsencode(name)) + b'"'
            lines += (
                [b"D " + quoted]
                if content is None
                else [b"M 100644 inline " + quoted, b"data %d\n%s" % (len(content), content.encode())]
            )
        return b"\n".join(lines) + b"\n"

    def merge(self, branch, other, **options):
        """A merge commit of ``other`` (a branch) into ``branch``; ``files`` are what it brings."""
        return self.commit(branch, parents=[self.tip(branch), self.tip(other)], **options)

    def tip(self, branch):
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"],
            cwd=self.folder,
            env=CLEAN,
            capture_output=True,
            timeout=20 * SHARED,
        )
        return done.stdout.decode().strip()

    def point(self, branch, sha):
        """Move a branch, as a force push does."""
        self.git("update-ref", f"refs/heads/{branch}", sha)

    def fill(self, count, *, branch="main", every_merge=10):
        """``count`` first-parent commits in one go, every tenth a merge; for figures."""
        lines = []
        for number in range(1, count + 1):
            seconds = int(START.timestamp()) + number
            stamp = f"{seconds} +0000\n"
            side = number % every_merge == 0
            if side:
                lines.append(
                    f"commit refs/heads/side\nmark :{number + count}\nauthor Bob <bob@northwind.example> {stamp}"
                    f"committer Bob <bob@northwind.example> {stamp}data 4\nside\nfrom :{number - 1}\n"
                    f"M 100644 inline side/{number % 97}\ndata {len(str(number))}\n{number}\n"
                )
            message = f"Change {number}"
            lines.append(
                f"commit refs/heads/{branch}\nmark :{number}\nauthor Ann <ann@northwind.example> {stamp}"
                f"committer Ann <ann@northwind.example> {stamp}data {len(message)}\n{message}\n"
                + (f"from :{number - 1}\n" if number > 1 else "")
                + (f"merge :{number + count}\n" if side else "")
                + f"M 100644 inline src/{number % 89}/part-{number % 101}.py\ndata {len(str(number))}\n{number}\n"
            )
        self.git("fast-import", "--quiet", "--force", feed="".join(lines).encode())
