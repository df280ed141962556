"""Northwind's web at a stand-in of GitHub, and the portal that is connected to it: real deliveries, real readings, real Git.

Acts go on minute by minute from three hours ago, so that what came first is never in doubt.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from changes.connectors.actions import connect_github
from changes.connectors.door import forget
from changes.connectors.github import auth
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Reading, Settling
from changes.connectors.polling import mirror_due, poll_due
from changes.connectors.readings import read_due
from changes.connectors.settling import settle_due
from changes.delivery.models import PullRequest
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.proposals.models import Change
from portal.standins.github import GitHubStandIn
from tests.changes.people import linked, person
from tests.changes.stories import Clock
from tests.standins import github_standin

__all__ = ["company", "github_standin"]
WEB, SECRET = "northwind/web", "standin-secret"
UIDS = {"ann": 9001, "bob": 9002, "rex": 9003}


@dataclass
class Company:
    """The forge, the portal's door, and the clock of what happens at the forge."""

    github: GitHubStandIn
    client: Client
    clock: Clock
    at: datetime
    people: dict = field(default_factory=dict)

    def then(self, minutes=1):
        """A minute (or more) later, as the moment of the next act."""
        self.at += timedelta(minutes=minutes)
        return self.at

    def commit(self, branch, files=None, *, by="ann", message="Work", **more):
        """Commit to a branch; the branch begins at main when it is new."""
        files = files or {f"app/{branch.replace('/', '-')}.py": f"# {message}\n"}
        return self.github.commit(repository=WEB, branch=branch, files=files, author=by, message=message, at=self.then(), **more)[
            "sha"
        ]

    def open(self, branch, *, by="ann", title="Work", base="main", **more):
        """Open a pull request. Returns its number."""
        made = self.github.open_pull_request(repository=WEB, head=branch, base=base, title=title, by=by, at=self.then(), **more)
        return made["number"]

    def review(self, number, *, by="bob", state="approved", **more):
        return self.github.review(repository=WEB, number=number, by=by, state=state, at=self.then(), **more)["id"]

    def green(self, sha, *, conclusion="success", **more):
        self.github.check(repository=WEB, sha=sha, conclusion=conclusion, at=self.then(), **more)

    def merge(self, number, *, by="bob", **more):
        """Merge. Returns the commit that it became."""
        return self.github.merge(repository=WEB, number=number, by=by, at=self.then(), **more)["sha"]

    def ready(self, branch, **more):
        """Work of one commit with its pull request, approved by Bob and green. Returns (number, head)."""
        sha = self.commit(branch, by=more.get("by", "ann"))
        number = self.open(branch, **more)
        self.review(number)
        self.green(sha)
        return number, sha

    def promote(self, *, by="ann"):
        """Main goes to prod, reviewed and green, with staging before. Returns the number of the promotion."""
        head = self.github.tip(WEB, "refs/heads/main")
        self.github.deploy(repository=WEB, environment="staging", sha=head, by="bob", at=self.then())
        number = self.open("main", by=by, title="Promote main to production", base="prod")
        self.review(number)
        self.green(head)
        self.merge(number)
        return number

    def work(self, *, lose=(), change=lambda event, body: body):
        """Deliveries reach the door (but events named in ``lose``, and each as ``change`` leaves it), and the workers work."""
        self.github.post_held(lambda headers, body: self._post(headers, body, lose, change))
        for _ in range(5):
            drain(now=self.clock)
            while read_due(now=self.clock):
                pass
            self.clock.wait(6)
            settle_due(now=self.clock)
        assert not Settling.objects.exists()
        assert not Reading.objects.filter(done_at=None).exists()
        assert not Delivery.objects.filter(state__in=["new", "quarantined"]).exists()

    def _post(self, headers, body, lose, change):
        event = headers["X-GitHub-Event"]
        if event in lose:
            return 202
        return self.post(event, change(event, body), delivery=headers["X-GitHub-Delivery"])

    def post(self, event, body, *, delivery):
        """One signed delivery, as GitHub sends it."""
        headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": signed(body)}
        answer = self.client.post("/hooks/github/", data=body, content_type="application/json", headers=headers)
        assert answer.status_code == 202, answer.content
        return answer.status_code

    def last(self, event):
        """The last delivery of an event, as JSON."""
        return json.loads([row for row in self.github.deliveries() if row["event"] == event][-1]["body"])

    def look(self):
        """What the clock would do: fetch the mirror, and ask what has changed."""
        self.clock.wait(120)
        mirror_due(now=self.clock)
        poll_due(now=self.clock)
        self.work()

    def change(self, number):
        """The change of a pull request."""
        return Change.objects.get(links__pull_request__number=number, links__role="work")

    def gate(self, number, code):
        """(state, reason) of one gate of the change of a pull request, as last judged."""
        gates = {gate["code"]: gate for gate in self.change(number).assessment["gates"]}
        return gates[code]["state"], gates[code]["reason"]

    def row(self, number):
        return PullRequest.objects.get(number=number)

    @staticmethod
    def findings():
        rows = ExceptionRecord.objects.exclude(state=ExceptionState.CLEARED).order_by("id")
        return [f"{row.kind}:{row.subject}" for row in rows]


def founded(github, *, at):
    """``northwind/web`` at the forge: Ann and Bob push, Rex administers, main and prod ask for a review and for CI."""
    github.send_hooks_to("hold:", secret=SECRET)
    github.create_repository(name=WEB, by="rex", files={"app/main.py": "print('hello')\n"}, at=at)
    for login in ("ann", "bob"):
        github.add_member(repository=WEB, login=login, by="rex", at=at)
    for branch in ("main", "prod"):
        github.set_protection(repository=WEB, branch=branch, by="rex", at=at)
    github.post_held(lambda headers, body: 202)
    return github


def signed(body):
    """The signature that the door asks for."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def company(db, settings, tmp_path, client, github_standin):
    """Ann, Bob and Cleo in the portal, the first two linked to their accounts; ``northwind/web`` connected."""
    settings.DATA_DIR = tmp_path / "data"
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    forget()
    start = datetime.now(UTC).replace(microsecond=0)
    northwind = founded(github_standin, at=start - timedelta(hours=5))
    connect_github(
        repository=WEB,
        secret=SECRET,
        main="main",
        prod="prod",
        at=start - timedelta(hours=4),
        api_url=northwind.api_url,
        token=northwind.app_private_key,
        app_id=northwind.app_id,
        installation_id=northwind.installation_id,
        clone_url=northwind.clone_url(WEB),
    )
    people = {name: person(name) for name in ("Ann", "Bob", "Cleo", "Dev")}
    for name in ("Ann", "Bob"):
        linked(people[name], UIDS[name.lower()], name.lower())
    made = Company(northwind, client, Clock(start + timedelta(minutes=1)), start - timedelta(hours=3), people)
    yield made
    auth._kept.clear()
