"""What GitHub sends about pull requests from their opening to their merge.

Thirty deliveries each, as docs/scale.md assumes: opened, pushed to, reviewed, merged, and six checks that begin and end on each of
two commits. They have the shapes of the stand-in, which a test holds to GitHub's contract, and as much text as makes them 24 KB
long. As in a backlog of an hour, those of one pull request stand among those of the others.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path

from changes.desk.bench.shapes import VERBS, WORDS
from portal.standins.github.acts.telling import common
from portal.standins.github.hooks import as_github_writes
from portal.standins.github.shapes import checks, pulls, repositories
from portal.standins.github.world import World
from portal.standins.store import Row
from portal.standins.times import stamp

SIZE = 24 * 1024
CHECKS = ("lint", "types", "unit", "browser", "build", "audit")
EACH = 6 + 4 * len(CHECKS)
"""Deliveries about one pull request."""
HOUR = timedelta(hours=1)
PUSHED, REVIEWED, MERGED = timedelta(minutes=14), timedelta(minutes=24), timedelta(minutes=40)
"""From the opening to what follows; checks end within eight minutes of their commit."""
ACTIONS = "github-actions"
Sent = tuple[datetime, str, bytes]
"""When it was sent, the event, and the body."""


def backlog(*, folder: Path, first: int, many: int, at: datetime) -> list[Sent]:
    """The deliveries about ``many`` pull requests from number ``first`` on, opened one after the other in an hour, in the order in
    which they were sent; the last one before ``at``. ``folder``: where the stand-in remembers who its people are.
    """
    world = World(folder, url="https://github.example")
    for login, uid, kind in (("northwind", 9000, "Organization"), ("ann", 9001, "User"), ("bob", 9002, "User")):
        world.add_account(login=login, uid=uid, kind=kind)
    world.add_account(login=f"{ACTIONS}[bot]", uid=41898282, kind="Bot")
    began = at - HOUR - MERGED
    told = [one for place in range(many) for one in Life(world, first + place, began + HOUR * place / many).sent()]
    world.close()
    return sorted(told, key=itemgetter(0))


class Life:
    """One pull request of ann's, approved and merged by bob."""

    def __init__(self, world: World, number: int, opened: datetime) -> None:
        self.world, self.number, self.opened = world, number, opened
        self.chance = random.Random(number)  # noqa: S311  # made-up text and times, no secret
        since = stamp(opened - timedelta(days=100))
        self.repository: Row = {"id": 424242, "full_name": "northwind/web", "description": "web", "default_branch": "main"}
        self.repository |= {"created_at": since, "pushed_at": since}
        self.one, self.two, self.merge = (_digest(number, name) for name in ("one", "two", "merge"))
        self.row = self._opened()
        self.row["body"] = self._text(SIZE - len(self._told(self._pull("opened"), by="ann")))

    def sent(self) -> Iterator[Sent]:
        """Its deliveries."""
        yield self.opened, "pull_request", self._told(self._pull("opened"), by="ann")
        yield from self._checks(self.one, self.opened)
        self._becomes(PUSHED, head_sha=self.two)
        branch = self._push(self.row["head_ref"], self.one, self.two, "ann", f"Say why in {self.number}")
        yield self.opened + PUSHED, "push", branch
        yield self.opened + PUSHED, "pull_request", self._told(self._pull("synchronize", before=self.one, after=self.two), by="ann")
        yield from self._checks(self.two, self.opened + PUSHED)
        yield self.opened + REVIEWED, "pull_request_review", self._told(self._reviewed(), by="bob")
        merged = self._becomes(MERGED, state="merged", merged_by="bob", merge_commit_sha=self.merge)
        self.row |= {"closed_at": merged, "merged_at": merged}
        yield self.opened + MERGED, "pull_request", self._told(self._pull("closed"), by="bob")
        before = _digest(self.number - 1, "merge")
        title = f"{self.row['title']} (#{self.number})"
        yield self.opened + MERGED, "push", self._push("main", before, self.merge, "bob", title)

    def _opened(self) -> Row:
        at, verb, word = stamp(self.opened), self.chance.choice(VERBS), self.chance.choice(WORDS)
        ends = {"head_ref": f"work-{self.number}", "head_sha": self.one, "base_ref": "main", "base_sha": _digest(0, "main")}
        named = {"id": self.number, "number": self.number, "user": "ann", "state": "open", "title": f"{verb} the {word}"}
        none = dict.fromkeys(("closed_at", "merged_at", "merged_by", "merge_commit_sha", "test_merge_sha"))
        size = {"commits": 1, "additions": 30, "deletions": 10, "files": 3}
        still = {"body": "-", "labels": [], "reviewers": [], "draft": False, "mergeable": True, "size": size}
        return {**named, **ends, **none, **still, "created_at": at, "updated_at": at}

    def _becomes(self, after: timedelta, **what: str) -> str:
        """It changes so long after its opening. Returns when that is."""
        at = stamp(self.opened + after)
        self.row |= {**what, "updated_at": at}
        self.repository["pushed_at"] = at
        return at

    def _pull(self, action: str, **more: str) -> Row:
        told = pulls.told(self.world, self.repository, self.row)
        return {"action": action, "number": self.number, "pull_request": told, **more}

    def _reviewed(self) -> Row:
        at = self._becomes(REVIEWED)
        row = {"id": self.number, "user": "bob", "state": "approved", "body": "", "commit": self.two, "submitted_at": at}
        review = pulls.review(self.world, self.repository["full_name"], self.number, row) | {"state": "approved", "updated_at": at}
        return {"action": "submitted", "review": review, "pull_request": pulls.simple(self.world, self.repository, self.row)}

    def _checks(self, sha: str, pushed: datetime) -> Iterator[Sent]:
        suite = {"id": self.number * 10 + (sha == self.two), "head_branch": self.row["head_ref"], "head_sha": sha, "app": ACTIONS}
        suite |= {"status": "in_progress", "conclusion": None, "created_at": stamp(pushed), "updated_at": stamp(pushed)}
        for place, name in enumerate(CHECKS):
            began = pushed + timedelta(seconds=self.chance.uniform(5, 25))
            ended = began + timedelta(seconds=self.chance.uniform(60, 440))
            run = {"id": suite["id"] * 10 + place, "name": name, "head_sha": sha, "app": ACTIONS, "suite": suite["id"]}
            run |= {"external_id": "", "details_url": "", "output": {"title": name, "text": ""}, "started_at": stamp(began)}
            begun = {**run, "status": "in_progress", "conclusion": None, "completed_at": None}
            done = {**run, "status": "completed", "conclusion": "success", "completed_at": stamp(ended)}
            for at, action, row in ((began, "created", begun), (ended, "completed", done)):
                yield at, "check_run", self._ran(action, row, suite)

    def _ran(self, action: str, row: Row, suite: Row) -> bytes:
        shape = checks.told_run(self.world, self.repository, row, suite)
        about = [pulls.minimal(self.world, self.repository, self.row)]
        shape |= {"pull_requests": about, "check_suite": shape["check_suite"] | {"pull_requests": about}}
        told = {"action": action, "check_run": shape}
        shape["output"]["text"] = self._text(SIZE - len(self._told(told, by=f"{ACTIONS}[bot]")))
        return self._told(told, by=f"{ACTIONS}[bot]")

    def _push(self, branch: str, before: str, after: str, by: str, message: str) -> bytes:
        page, ann = f"{self.world.url}/northwind/web", {"name": "Ann", "email": "ann@northwind.example", "username": "ann"}
        commit: Row = {"id": after, "tree_id": _digest(self.number, f"tree {branch}"), "distinct": True, "message": message}
        commit |= {"timestamp": self.row["updated_at"], "url": f"{page}/commit/{after}", "author": ann, "committer": ann}
        commit |= {"added": [], "removed": [], "modified": ["web/limits.py", "web/retry.py", "docs/limits.md"]}
        told: Row = {"ref": f"refs/heads/{branch}", "before": before, "after": after, "commits": [commit], "head_commit": commit}
        told |= {**dict.fromkeys(("created", "deleted", "forced"), False), "base_ref": None}
        told |= {"compare": f"{page}/compare/{before[:12]}...{after[:12]}"}
        told |= {"pusher": {"name": by, "email": f"{by}@northwind.example"}}
        told |= {"repository": repositories.pushed(self.world, self.repository)}
        missing = SIZE - len(self._told(told, by=by))
        commit["message"] += " " + self._text(missing // 2 - 1)  # it stands in the push twice
        return self._told(told, by=by)

    def _told(self, said: Row, *, by: str) -> bytes:
        whole = {"repository": repositories.repository(self.world, self.repository), **common(self.world, "northwind", by), **said}
        return as_github_writes(whole).encode()

    def _text(self, size: int) -> str:
        """Words as people and machines write them, with numbers that do not repeat."""
        lines = ([*self.chance.choices(WORDS, k=9), f"{self.chance.getrandbits(28):07x}"] for _ in range(size // 45 + 1))
        return " ".join(word for line in lines for word in line)[:size]


def _digest(number: int, name: str) -> str:
    return hashlib.sha1(f"{number} {name}".encode(), usedforsecurity=False).hexdigest()
