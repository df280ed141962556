"""A change at Gitea and at GitLab from its pull request to production, over real HTTP and Git, and what was done past the rules."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.actions import connect_fly, connect_forge
from changes.connectors.door import forget
from changes.connectors.github import auth
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.connectors.polling import mirror_due, poll_due
from changes.connectors.readings import read_due
from changes.connectors.settling import settle_due
from changes.delivery.models import BranchCommit, PullRequest, Push, Review
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.proposals.models import Change
from portal.outbox.delivery import deliver_due
from tests.standins import fly_standin, gitea_standin, gitlab_standin

__all__ = ["fly_standin", "gitea_standin", "gitlab_standin"]
pytestmark = pytest.mark.django_db(transaction=True)
WEB, SECRET = "northwind/web", "standin-secret"
APPS = {"web-staging": ("staging", WEB), "web-prod": ("production", WEB)}


class Company:
    """One forge and Fly, the portal beside them, and a clock that both sides read."""

    def __init__(self, forge, fly, client):
        self.forge, self.fly, self.client = forge, fly, client
        self.at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)

    def __call__(self):
        return self.at

    def connect(self):
        forget()
        auth._kept.clear()
        given = {"repository": WEB, "secret": SECRET, "main": "main", "prod": "prod", "token": self.forge.token_of("rex")}
        connect_forge(kind=self.forge.vendor, **given, api_url=self.forge.api_url, at=self.at)
        for app in APPS:
            self.fly.create_app(name=app, org="northwind", at=self.at)
        connect_fly(org="northwind", api_url=self.fly.api_url, token=self.fly.token, apps=APPS, at=self.at)

    def work(self, minutes=5):
        """Time passes, and everything that came in is applied, read, polled, mirrored and settled."""
        self.forge.post_held(self.post)
        self.at += timedelta(minutes=minutes)
        drain(now=self)
        poll_due(now=self)
        mirror_due(now=self)
        while read_due(now=self):
            pass
        self.at += timedelta(seconds=30)
        settle_due(now=self)
        deliver_due(now=self)

    def post(self, headers, body):
        path = f"/hooks/{self.forge.vendor}/"
        return self.client.post(path, data=body, content_type="application/json", headers=headers).status_code

    def passes(self, sha, *, good=True):
        if self.forge.vendor == "gitlab":
            self.forge.pipeline(repository=WEB, sha=sha, status="success" if good else "failed", by="ann", at=self.at)
        else:
            state = "success" if good else "failure"
            self.forge.status(repository=WEB, sha=sha, context="ci / tests", state=state, by="ann", at=self.at)

    def propose(self, branch, title):
        """Ann commits, opens a pull request, and CI passes. Returns its number."""
        forge, at = self.forge, self.at
        files = {f"app/{branch}.py": "READY = True\n"}
        forge.commit(repository=WEB, branch=branch, files=files, author="ann", message=title, at=at)
        made = forge.open_pull_request(repository=WEB, head=branch, title=title, by="ann", body="## Why\nAsked for.\n", at=at)
        self.passes(made["head"]["sha"])
        return made["number"]

    def merge(self, number, *, by="bob", review=True):
        self.at += timedelta(minutes=4)
        if review:
            self.forge.review(repository=WEB, number=number, by="bob", at=self.at)
        self.at += timedelta(minutes=4)
        return self.forge.merge(repository=WEB, number=number, by=by, at=self.at)["sha"]

    def release(self, app, sha):
        self.fly.release(app=app, by="bob@northwind.example", sha=sha, repository=WEB, at=self.at)


@pytest.fixture(params=["gitea", "gitlab"])
def company(request, settings, tmp_path, client, fly_standin):
    settings.CONNECTOR_PRIVATE_HOSTS, settings.DATA_DIR = ["127.0.0.1"], tmp_path
    made = Company(request.getfixturevalue(f"{request.param}_standin"), fly_standin, client)
    made.connect()
    return made


def findings():
    rows = ExceptionRecord.objects.exclude(state=ExceptionState.CLEARED)
    return sorted(f"{row.kind}:{row.subject}" for row in rows)


def test_a_change_goes_to_production_and_what_went_past_the_rules_is_found(company):
    forge = company.forge
    number = company.propose("shoes", "Sell shoes")
    company.work()
    change = Change.objects.get()
    assert (change.title, change.state, findings()) == ("Sell shoes", "proposed", [])
    head = forge.pull(WEB, number)["head_sha"]
    assert [row["context"] for row in forge.statuses_of(WEB, head) if row["creator"] == "rex"] == ["Countersign"]

    merged = company.merge(number)
    company.release("web-staging", merged)
    company.at += timedelta(minutes=1)
    promotion = forge.open_pull_request(repository=WEB, head="main", base="prod", title="Promote", by="ann", at=company.at)
    company.passes(promotion["head"]["sha"])
    company.work()
    released = company.merge(promotion["number"])
    company.release("web-prod", released)
    lonely = company.propose("log", "Log less")
    company.merge(lonely, by="rex", review=False)
    company.at += timedelta(minutes=1)
    hot = forge.push_direct(repository=WEB, branch="prod", files={"hot.txt": "fix\n"}, by="rex", message="Hot", at=company.at)
    company.work()

    review = Review.objects.get(pull_request__number=number)
    assert (review.state, review.commit_sha, review.login) == ("approved", head, "bob")
    assert BranchCommit.objects.filter(branch="prod", sha=released).exists()
    assert [(row.number, row.state, row.merge_sha) for row in PullRequest.objects.order_by("number")[:2]] == [
        (1, "merged", merged),
        (2, "merged", released),
    ]
    assert findings() == sorted([f"direct_push:prod:{hot['sha'][:12]}", f"no_review:#{lonely}"])
    assert Push.objects.get(after=hot["sha"]).pusher_login == "rex"
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"applied", "ignored"}
    assert set(Source.objects.values_list("failures", "last_error")) == {(0, "")}
    assert {row.title: row.state for row in Change.objects.all()} == {
        "Sell shoes": "released",
        "Log less": "proposed",
        "Hot": "merged",
    }
