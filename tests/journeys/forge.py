"""A forge of our own making: signed GitHub deliveries in the official shapes, posted through the door and worked off.

``Forge`` remembers each pull request, so that a test says only what happens next. Times are those of the test.
"""

import hashlib
import hmac
import json
import urllib.request
import uuid
from datetime import timedelta

from django.utils import timezone

from changes.connectors.actions import connect_github
from changes.connectors.door import forget
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Settling
from changes.connectors.settling import settle_due
from tests.pace import SHARED

NAME = "northwind/web"
SECRET = "a secret for tests"
ACCOUNTS = {"ann": 11, "bob": 12, "cleo": 13, "dev": 14}


def commit(name):
    """A commit's SHA for a word."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def account(login):
    return {"login": login, "id": ACCOUNTS[login], "type": "User"}


class Forge:
    """One repository with main and prod. Each method is one delivery; ``work`` does what the workers would do."""

    def __init__(self, site):
        self.site = site
        self.pulls = {}
        self.deployed = 0
        self.reviewed = 0
        self.ahead = timedelta()
        forget()
        connect_github(
            repository=NAME, secret=SECRET, main="main", prod="prod", approved_by="portal", at=timezone.now() - timedelta(days=2)
        )

    def now(self):
        """The time at the forge; it moves on with every look, and ``work`` lets some seconds pass."""
        self.ahead += timedelta(milliseconds=1)
        return timezone.now() + self.ahead

    def send(self, event, body):
        """Post one delivery over HTTP, signed as GitHub signs."""
        raw = json.dumps({**body, "repository": self._repository(), "sender": account("ann")}).encode()
        signature = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        request = urllib.request.Request(
            f"{self.site}/hooks/github/",
            data=raw,
            headers={
                "Content-Type": "application/json",
                "X-GitHub-Event": event,
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": f"sha256={signature}",
            },
        )
        with urllib.request.urlopen(request, timeout=10 * SHARED) as answer:
            assert answer.status == 202

    def work(self):
        """Drain the inbox and settle, as the workers do within seconds."""
        at = self.now()
        drain(now=lambda: at)
        at += timedelta(seconds=6)
        settle_due(now=lambda: at)
        assert not Settling.objects.exists()
        assert not Delivery.objects.filter(state__in=["new", "quarantined"]).exclude(event="unreadable").exists()

    def open(self, number, *, title, body="", by="ann", into="main", branch="work", head=""):
        """Somebody opens a pull request."""
        now = self.now().isoformat()
        self.pulls[number] = {
            "id": number,
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "draft": False,
            "user": account(by),
            "head": {"ref": "main" if into == "prod" else branch, "sha": head or commit(f"{number} head")},
            "base": {"ref": into, "sha": commit("base")},
            "labels": [],
            "merged": False,
            "created_at": now,
            "updated_at": now,
            "additions": 12,
            "deletions": 3,
            "changed_files": 2,
        }
        self._tell(number, "opened")

    def review(self, number, *, by, state="approved"):
        """Somebody reviews its head."""
        pull = self.pulls[number]
        self.reviewed += 1
        review = {
            "id": self.reviewed,
            "state": state,
            "user": account(by),
            "commit_id": pull["head"]["sha"],
            "submitted_at": self.now().isoformat(),
        }
        self.send("pull_request_review", {"action": "submitted", "review": review, "pull_request": pull})

    def check(self, number, conclusion="success"):
        """CI ends on its head."""
        now = self.now().isoformat()
        run = {
            "id": number,
            "name": "ci / tests",
            "head_sha": self.pulls[number]["head"]["sha"],
            "status": "completed",
            "conclusion": conclusion,
            "started_at": now,
            "completed_at": now,
            "app": {"slug": "github-actions"},
        }
        self.send("check_run", {"action": "completed", "check_run": run})

    def merge(self, number, *, by):
        """Somebody merges it; the branch moves. Returns the commit that it became."""
        pull, now, sha = self.pulls[number], self.now().isoformat(), commit(f"{number} merged")
        pull.update(state="closed", merged=True, merged_at=now, closed_at=now, merged_by=account(by), merge_commit_sha=sha)
        self._tell(number, "closed")
        return sha

    def push(self, branch, *, by, message="Straight to the branch"):
        """Somebody pushes a commit without a pull request."""
        after = commit(f"{branch} {message}")
        made = {"id": after, "message": message, "author": {"username": by}, "added": [], "removed": [], "modified": ["app.py"]}
        body = {
            "ref": f"refs/heads/{branch}",
            "before": commit("base"),
            "after": after,
            "created": False,
            "deleted": False,
            "forced": False,
            "commits": [made],
            "pusher": {"name": by},
        }
        self.send("push", body)

    def deploy(self, sha, environment, *, state="success", by="bob"):
        """A deployment of a commit, and how it ended."""
        self.deployed += 1
        now = self.now().isoformat()
        deployment = {
            "id": self.deployed,
            "environment": environment,
            "sha": sha,
            "ref": "main",
            "creator": account(by),
            "created_at": now,
            "updated_at": now,
        }
        self.send("deployment", {"action": "created", "deployment": deployment})
        step = {"id": self.deployed, "state": state, "created_at": now, "updated_at": now}
        self.send("deployment_status", {"action": "created", "deployment_status": step, "deployment": deployment})

    def _tell(self, number, action):
        pull = self.pulls[number]
        pull["updated_at"] = self.now().isoformat()
        self.send("pull_request", {"action": action, "number": number, "pull_request": pull})

    def _repository(self):
        owner, _, name = NAME.partition("/")
        pushed = int(self.now().timestamp())
        return {"id": 5, "name": name, "full_name": NAME, "owner": {"login": owner, "id": 1}, "pushed_at": pushed}
