"""A repository's life in the official shape of GitHub's deliveries, and what must be known of it at the end. Pure.

``life_of`` decides everything from a seed: the same seed gives the same bytes, so that a failure can be repeated.
"""

import hashlib
import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

REPOSITORY = {"id": 97793914, "name": "web", "full_name": "acme/web", "owner": {"login": "acme", "id": 1, "type": "Organization"}}
ANN = {"login": "ann", "id": 9001, "type": "User"}
BOB = {"login": "bob", "id": 9002, "type": "User"}
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FATES = ["open"] * 3 + ["closed"] * 3 + ["main"] * 3 + ["prod"]


def sha_of(*words):
    return hashlib.sha1(" ".join(map(str, words)).encode()).hexdigest()


@dataclass(frozen=True)
class Sent:
    """One delivery: id, event, raw body."""

    id: str
    event: str
    body: bytes


@dataclass
class Expected:
    """What the portal must know when everything has arrived, by natural key. Texts only, so that it compares with SQL."""

    pull_requests: dict = field(default_factory=dict)
    """number -> (state, title, head sha, merge sha)"""
    reviews: dict = field(default_factory=dict)
    """vendor id -> (number, state, commit)"""
    checks: dict = field(default_factory=dict)
    """vendor id -> (status, conclusion, commit)"""
    pushes: set = field(default_factory=set)
    """(branch, before, after)"""
    releases: dict = field(default_factory=dict)
    """vendor id -> (environment, state, commit)"""
    changes: dict = field(default_factory=dict)
    """pull request -> state of its change"""


class Life:
    """Writes the deliveries of a repository down in the order in which they happened."""

    def __init__(self, *, seed):
        self.random = random.Random(seed)
        self.at = BEGAN
        self.sent: list[Sent] = []
        self.expected = Expected()
        self.tips = {"main": sha_of("main"), "prod": sha_of("prod")}
        self.ids = 1000

    def now(self):
        self.at += timedelta(seconds=self.random.randint(20, 90))
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def number(self):
        self.ids += 1
        return self.ids

    def send(self, event, sender=ANN, **body):
        text = json.dumps({**body, "repository": REPOSITORY, "sender": sender})
        self.sent.append(Sent(str(uuid.UUID(int=self.random.getrandbits(128))), event, text.encode()))

    def pull_request(self, number):
        """One pull request from its opening to its fate."""
        fate = self.random.choice(FATES)
        request = Request(self, number, base="prod" if fate == "prod" else "main")
        request.tell("opened")
        if self.random.random() < 0.4:
            request.retitle()
        if fate != "closed" or self.random.random() < 0.3:
            request.check()
            request.review()
        if self.random.random() < 0.2:
            request.push_again()
        if fate == "closed":
            request.close()
        elif fate in ("main", "prod"):
            request.merge()
        request.expect()


class Request:
    """A pull request while it lives."""

    def __init__(self, life, number, *, base):
        self.life, self.number, self.base = life, number, base
        self.head = sha_of("head", number, 1)
        self.state, self.merge_sha, self.title = "open", "", f"Add page {number}"
        self.opened_at = life.now()
        self.more = {}
        self.released = False

    def shape(self, at):
        return {
            "id": 50_000 + self.number,
            "number": self.number,
            "title": self.title,
            "state": "open" if self.state == "open" else "closed",
            "body": "## Why\nCustomers ask.\n## What\nA page.\n## Tested\nBy hand.\n## Rollback\nRelease the one before.",
            "draft": False,
            "user": ANN,
            "head": {"ref": f"ann/page-{self.number}", "sha": self.head},
            "base": {"ref": self.base, "sha": self.life.tips[self.base]},
            "labels": [],
            "merged": self.state == "merged",
            "created_at": self.opened_at,
            "updated_at": at,
            "additions": 12,
            "deletions": 3,
            "changed_files": 1,
            **self.more,
        }

    def tell(self, action, sender=ANN, **more):
        at = self.opened_at if action == "opened" else self.life.now()
        self.life.send("pull_request", sender, action=action, number=self.number, pull_request=self.shape(at), **more)

    def retitle(self):
        was, self.title = self.title, f"Add page {self.number} for everybody"
        self.tell("edited", changes={"title": {"from": was}})

    def push_again(self):
        before, self.head = self.head, sha_of("head", self.number, 2)
        self.tell("synchronize", before=before, after=self.head)

    def check(self):
        pk, at = self.life.number(), self.life.now()
        conclusion = self.life.random.choice(["success", "success", "failure"])
        run = {"id": pk, "name": "ci / tests", "head_sha": self.head, "status": "completed", "conclusion": conclusion}
        run |= {"started_at": at, "completed_at": at, "app": {"slug": "github-actions"}, "pull_requests": []}
        self.life.send("check_run", action="completed", check_run=run)
        self.life.expected.checks[pk] = ("completed", conclusion, self.head)

    def review(self):
        pk, at = self.life.number(), self.life.now()
        state = self.life.random.choice(["approved", "approved", "changes_requested", "commented"])
        review = {"id": pk, "user": BOB, "state": state, "commit_id": self.head, "submitted_at": at, "body": None}
        self.life.send("pull_request_review", BOB, action="submitted", review=review, pull_request=self.shape(at))
        if state != "commented" and self.life.random.random() < 0.2:
            state = "dismissed"
            self.life.send(
                "pull_request_review", action=state, review={**review, "state": state}, pull_request=self.shape(self.life.now())
            )
        self.life.expected.reviews[pk] = (self.number, state, self.head)

    def close(self):
        self.state, self.more = "closed", {"closed_at": self.life.now()}
        self.tell("closed")

    def merge(self):
        at = self.life.now()
        self.state, self.merge_sha = "merged", sha_of("merge", self.number)
        self.more = {"closed_at": at, "merged_at": at, "merge_commit_sha": self.merge_sha, "merged_by": BOB}
        self.tell("closed", BOB)
        self.push()
        self.deploy("production" if self.base == "prod" else "staging")

    def push(self):
        before, self.life.tips[self.base] = self.life.tips[self.base], self.merge_sha
        at = self.life.now()
        author = {"name": "Ann", "email": "ann@northwind.example", "username": "ann"}
        commit = {"id": self.merge_sha, "message": f"{self.title} (#{self.number})", "timestamp": at, "author": author}
        commit |= {"added": [], "removed": [], "modified": [f"pages/{self.number}.md"]}
        self.life.send(
            "push",
            BOB,
            ref=f"refs/heads/{self.base}",
            before=before,
            after=self.merge_sha,
            commits=[commit],
            head_commit=commit,
            pusher={"name": "bob", "email": "bob@northwind.example"},
            forced=False,
            created=False,
            deleted=False,
        )
        self.life.expected.pushes.add((self.base, before, self.merge_sha))

    def deploy(self, environment):
        if self.life.random.random() < 0.5:
            return
        pk, at = self.life.number(), self.life.now()
        state = self.life.random.choice(["success", "success", "failure"])
        deployment = {"id": pk, "sha": self.merge_sha, "ref": self.base, "environment": environment, "description": None}
        deployment |= {"creator": BOB, "created_at": at, "updated_at": at, "task": "deploy"}
        self.life.send("deployment", BOB, action="created", deployment=deployment)
        step = {"id": self.life.number(), "state": state, "created_at": self.life.now(), "environment": environment}
        self.life.send("deployment_status", BOB, action="created", deployment=deployment, deployment_status=step)
        word = "succeeded" if state == "success" else "failed"
        self.life.expected.releases[str(pk)] = (environment, word, self.merge_sha)
        self.released = word == "succeeded" and environment == "production"

    def expect(self):
        known = self.life.expected
        known.pull_requests[self.number] = (self.state, self.title, self.head, self.merge_sha)
        words = {"open": "proposed", "closed": "withdrawn", "merged": "proposed" if self.base == "main" else "merged"}
        known.changes[self.number] = "released" if self.released else words[self.state]


def life_of(*, deliveries, seed):
    """At least this many different deliveries, whole lives only, and what they must lead to."""
    life, number = Life(seed=seed), 0
    while len(life.sent) < deliveries:
        number += 1
        life.pull_request(number)
    return life.sent, life.expected


def disordered(sent, *, total, seed, window=40):
    """``total`` deliveries: those of ``sent``, the rest repeated (with their id, or replayed with a new one), shuffled in windows.

    A repetition stands anywhere behind the first time, as with GitHub. The generator is another than the lives', or a replay
    would get the id of a later delivery.
    """
    mixer = random.Random(f"order {seed}")
    found = [(place + mixer.random() * window, each) for place, each in enumerate(sent)]
    for _ in range(total - len(sent)):
        place = mixer.randrange(len(sent))
        again = sent[place]
        if mixer.random() < 0.5:
            again = Sent(str(uuid.UUID(int=mixer.getrandbits(128))), again.event, again.body)
        found.append((place + mixer.random() * 4 * window, again))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]
