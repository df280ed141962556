"""All five vendors' stand-ins over HTTP: each is away for an hour, one delivery in twenty is lost, and after one sweep the portal
equals the vendor; each hole is on record, and the others go on meanwhile. The portal's clock is the test's."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.completeness.queries import sheet_of
from changes.connectors import outages
from changes.connectors.actions import connect_github, connect_slack
from changes.connectors.door import forget
from changes.connectors.github import auth
from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Source
from changes.connectors.outage_models import SourceOutage
from changes.connectors.polling import poll_due
from changes.connectors.readings import read_due
from changes.delivery.models import Check, PullRequest, Release, Review
from changes.inventory.models import VendorEvent
from portal import vault
from portal.access.scope import EVERYTHING
from portal.outbox.actions import enqueue
from portal.outbox.delivery import deliver_due
from portal.standins.faults import Fault
from tests.standins import cloudflare_standin, doppler_standin, fly_standin, github_standin, northwind, slack_standin

__all__ = ["cloudflare_standin", "doppler_standin", "fly_standin", "github_standin", "northwind", "slack_standin"]
pytestmark = pytest.mark.django_db
WEB, ZONE, REX = "northwind/web", "northwind.example", "rex@northwind.example"
KINDS = ("github", "fly", "slack", "doppler", "cloudflare")
LAG = timedelta(seconds=60)


class World:
    """The five vendors, the portal's clock, and the deliveries of which one in twenty is lost."""

    def __init__(self, client, vendors, machine):
        self.client, self.vendors, self.machine = client, vendors, machine
        self.at = self.start = datetime.now(UTC)
        self.moves = self.sent = self.lost = 0

    def __call__(self):
        return self.at

    def wait(self, minutes):
        self.at += timedelta(minutes=minutes)
        self.machine.move_to(self.at, tick=False)

    def connect(self):
        github, fly, slack, doppler, cloudflare = (self.vendors[kind] for kind in KINDS)
        connect_github(repository=WEB, secret="standin-secret", main="main", prod="prod", at=self.at, api_url=github.api_url)
        key = vault.seal(github.app_private_key)
        Source.objects.update(token_encrypted=key, app_id=github.app_id, installation_id=github.installation_id)
        connect_slack(
            token=slack.token,
            signing_secret="s" * 32,
            channel=slack.channel("production-changes")["channel_id"],
            emergencies=slack.channel("emergencies")["channel_id"],
            api_url=slack.api_url,
            at=self.at,
        )
        fly.create_app(name="web-prod", org="northwind", at=self.at)
        apps = {"web-prod": {"environment": "production", "repository": WEB}}
        doppler.add_user(email=REX, name="Rex Stone", access="owner", at=self.at)
        doppler.add_project(name="backend", by=REX, at=self.at)
        cloudflare.add_zone(name=ZONE, by=REX, at=self.at)
        for kind, vendor, given in (
            ("fly", fly, {"org": "northwind", "apps": apps}),
            ("doppler", doppler, {"environments": {}}),
            ("cloudflare", cloudflare, {"account": cloudflare.account, "environments": {ZONE: "production"}}),
        ):
            token = vault.seal(vendor.token)
            Source.objects.create(
                name=kind, kind=kind, api_url=vendor.api_url, token_encrypted=token, settings=given, connected_at=self.at
            )

    def move(self):
        """Something happens at each vendor."""
        self.moves += 1
        number, at = self.moves, self.at
        github, fly, _, doppler, cloudflare = (self.vendors[kind] for kind in KINDS)
        github.commit(repository=WEB, branch=f"b{number}", files={"a.txt": f"{number}\n"}, author="ann", message=f"Work {number}")
        pull = github.open_pull_request(repository=WEB, head=f"b{number}", title=f"Work {number}", by="ann")
        github.check(repository=WEB, sha=pull["head"]["sha"])
        github.review(repository=WEB, number=pull["number"], by="bob")
        github.edit_pull_request(repository=WEB, number=pull["number"], by="ann", title=f"Better work {number}")
        fly.release(app="web-prod", by=REX, image=f"registry.fly.io/web-prod:v{number}", at=at)
        doppler.set_secrets(project="backend", config="prd", values={f"N{number}": "v"}, by=REX, at=at)
        cloudflare.set_record(zone=ZONE, name=f"n{number}.{ZONE}", content="198.51.100.4", by=REX, at=at)
        enqueue(kind="slack.message", key=f"log:test-{number}", payload={"channel": "changes", "text": f"Message {number}"}, at=at)

    def deliver(self):
        """Hand over what GitHub sends; every twentieth delivery gets lost and is a failure in GitHub's own log."""

        def post(headers, body):
            self.sent += 1
            if self.sent % 20 == 3:
                self.lost += 1
                return 503
            kind = headers.pop("Content-Type", "application/json")
            return self.client.post("/hooks/github/", data=body, content_type=kind, headers=headers).status_code

        self.vendors["github"].post_held(post)

    def away(self, kind, *, gone):
        """The vendor's API fails, or is a good one again; Slack is not even there."""
        if kind != "slack":
            rules = [{"fault": Fault.ERROR_503}] if gone else []
            self.vendors[kind].faults.switch({"rules": rules})
            return
        Source.objects.filter(kind="slack").update(api_url="http://127.0.0.1:9" if gone else self.vendors["slack"].api_url)

    def sweep(self):
        """What the workers do in one minute: everything that is due, whoever is away."""
        self.deliver()
        drain(now=self)
        poll_due(now=self)
        read_due(now=self)
        deliver_due(now=self)
        self.deliver()
        drain(now=self)

    def differs(self):
        """What the portal has, beside what the vendors have; empty when they are equal."""
        github, fly, slack = (self.vendors[kind] for kind in KINDS[:3])
        pulls = [github.pull_request(repository=WEB, number=number) for number in range(1, self.moves + 1)]
        channel = slack.channel("production-changes")["channel_id"]
        edits = VendorEvent.objects.filter(kind__in=("doppler.config", "cloudflare.dns_record"))
        read = (Review.objects.count(), Check.objects.filter(source="check_run").count())
        versions = set(Release.objects.values_list("version", flat=True))
        pairs = {
            "pulls": (
                {(row["number"], row["title"], row["head"]["sha"]) for row in pulls},
                set(PullRequest.objects.values_list("number", "title", "head_sha")),
            ),
            "reviews and checks": ((self.moves, self.moves), read),
            "releases": ({row["version"] for row in fly.releases("web-prod")}, versions),
            "edits": (2 * self.moves, edits.count()),
            "messages": (
                sorted(f"Message {number}" for number in range(1, self.moves + 1)),
                sorted(row["text"] for row in slack.posts(channel=channel)),
            ),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@pytest.fixture
def world(client, settings, monkeypatch, time_machine, northwind, fly_standin, slack_standin, doppler_standin, cloudflare_standin):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(outages, "UNREAD_AFTER", timedelta(hours=1))  # the test sweeps that seldom
    auth._kept.clear()
    forget()
    for vendor in (doppler_standin, cloudflare_standin):
        vendor.window.limit = 100_000  # hours of the portal's clock pass here in seconds
    vendors = (northwind, fly_standin, slack_standin, doppler_standin, cloudflare_standin)
    made = World(client, dict(zip(KINDS, vendors, strict=True)), time_machine)
    made.connect()
    return made


def test_each_vendor_is_away_for_an_hour_and_one_sweep_makes_the_portal_equal_to_all(world):
    world.move()
    world.sweep()
    assert world.differs() == {}

    for kind in KINDS:
        world.away(kind, gone=True)
        left = world.at
        world.wait(2)
        world.move()
        world.sweep()
        world.wait(57)
        world.sweep()
        for other in Source.objects.exclude(kind=kind):
            assert world.at - other.covered_until <= LAG, (kind, other.kind)
        assert SourceOutage.objects.get(ended_at=None).source.kind == kind

        world.away(kind, gone=False)
        Source.objects.update(not_before=None)
        world.wait(1)
        world.sweep()
        assert world.differs() == {}, kind
        outage = SourceOutage.objects.get(source__kind=kind, kind="unreadable")
        assert (outage.began_at, outage.ended_at, outage.filled_at) == (left, world.at, world.at), kind

    assert world.lost
    missed = SourceOutage.objects.filter(kind="webhooks").values_list("missed", flat=True)
    assert sum(len(one) for one in missed) == world.lost
    assert not Delivery.objects.filter(state__in=["new", "quarantined"]).exists()
    sheet = sheet_of(since=world.start, until=world.at, scope=EVERYTHING, at=world.at)
    assert {row.source: row.outage for row in sheet.coverage} == dict.fromkeys(KINDS, 60)
    assert all(row.filled == 60 and row.covered >= row.minutes - 61 for row in sheet.coverage)
    assert [row for row in sheet.sequences if row.lacking] == []
