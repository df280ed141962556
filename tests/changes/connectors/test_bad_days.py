"""Cloudflare, Doppler, Gitea and GitLab on bad days: a clear error, nothing lost, the source rests, another goes on, and a later
sweep makes the portal equal to the vendor. One table of faults drives all clients through the real poll over real HTTP."""

import random
from datetime import timedelta

import pytest

from changes.connectors import door, http, inbox, polling
from changes.connectors.actions import connect_forge
from changes.connectors.github import auth
from changes.connectors.models import Source
from changes.connectors.outage_models import SourceOutage
from changes.delivery.models import PullRequest
from changes.exceptions.models import ExceptionRecord
from changes.inventory.models import Asset, VendorEvent
from portal import vault
from portal.standins.faults import Fault
from tests.changes.connectors.cloudflare.conftest import ZONE, at
from tests.changes.connectors.cloudflare.conftest import world as cloudflare_world
from tests.changes.connectors.doppler.conftest import CANARY, REX
from tests.changes.connectors.doppler.conftest import world as doppler_world
from tests.pace import SHARED
from tests.standins import cloudflare_standin, doppler_standin, gitea_standin, gitlab_standin

__all__ = ["cloudflare_standin", "cloudflare_world", "doppler_standin", "doppler_world", "gitea_standin", "gitlab_standin"]

pytestmark = pytest.mark.django_db
NAMES = {"gitea": "northwind/web", "gitlab": "northwind/shop"}
LAG = timedelta(seconds=60)
DAYS = [
    (Fault.UNAUTHORISED, "401"),
    (Fault.FORBIDDEN, ""),
    (Fault.MISSING, "404"),
    (Fault.CONFLICT, "409"),
    (Fault.INVALID, "422"),
    (Fault.NOT_MODIFIED, "304"),
    (Fault.PRIMARY_403, "403"),
    (Fault.SECONDARY_403, "403"),
    (Fault.PRIMARY_429, "429"),
    (Fault.SECONDARY_429, "429"),
    (Fault.ERROR_500, "500"),
    (Fault.ERROR_502, "502"),
    (Fault.ERROR_503, "503"),
    (Fault.HTML, "JSON"),
    (Fault.BROKEN_JSON, "JSON"),
    (Fault.TRUNCATED, "cut short"),
    (Fault.REDIRECT, "302"),
    (Fault.DRIP, "no complete answer"),
    (Fault.HALF_OPEN, "no complete answer"),
    (Fault.BOMB, "more than"),
]
LIMITS = {Fault.PRIMARY_403, Fault.SECONDARY_403, Fault.PRIMARY_429, Fault.SECONDARY_429}
CONSOLES, FORGES = ("cloudflare", "doppler"), ("gitea", "gitlab")
NEIGHBOURS = {"cloudflare": "gitea", "doppler": "gitlab", "gitea": "doppler", "gitlab": "cloudflare"}
"""Who is asked after it, on days that could hold a worker up."""
HIDDEN = {Fault.FORBIDDEN, Fault.MISSING}
"""What a forge says of a repository that is not there, or not for us."""
SLOW = {Fault.SECONDARY_429, Fault.ERROR_503, Fault.DRIP, Fault.HALF_OPEN}
EDITS = {"cloudflare": "cloudflare.dns_record", "doppler": "doppler.config"}


class Company:
    """Two vendors, connected: one that has bad days, and a neighbour."""

    def __init__(self, vendors):
        self.vendors = vendors
        self.pull = 1
        self.slow = ""
        """Address of the vendor that is to be given up soon."""

    def connect(self):
        for kind in self.vendors.keys() & set(CONSOLES):
            world = self.vendors[kind]
            world.window.limit = 100_000  # hours of the portal's clock pass here in seconds
            given = {"account": world.account, "environments": {ZONE: "production"}} if kind == "cloudflare" else {}
            token = vault.seal(world.token)
            Source.objects.create(
                name=kind, kind=kind, api_url=world.api_url, token_encrypted=token, settings=given, connected_at=at(-30)
            )
        for kind in self.vendors.keys() & NAMES.keys():
            forge, name = self.vendors[kind], NAMES[kind]
            if name != "northwind/web":  # founded with that one
                forge.create_repository(name=name, by="rex", at=at(-99))
                forge.add_member(repository=name, login="ann", by="rex")
            for branch in ("shoes", "boots"):
                forge.commit(repository=name, branch=branch, files={f"{branch}": "1\n"}, author="ann", message="New", at=at(-20))
                forge.open_pull_request(repository=name, head=branch, title="Day 0", by="ann", at=at(-20))
            forge.send_hooks_to("", secret="")
            given = {"repository": name, "secret": "standin-secret", "main": "main", "prod": "prod", "token": forge.token_of("rex")}
            connect_forge(kind=kind, **given, api_url=forge.api_url, at=at(-30))

    def move(self, kind, number, *, at_minute=None):
        """Something happens at the vendor while the portal cannot see it."""
        world, moment = self.vendors[kind], at(number * 30 + 1 if at_minute is None else at_minute)
        if kind == "cloudflare":
            world.set_record(zone=ZONE, name=f"n{number}.{ZONE}", content="198.51.100.4", by=REX, at=moment)
        elif kind == "doppler":
            world.set_secrets(project="backend", config="prd", values={f"N{number}": CANARY}, by=REX, at=moment)
        else:
            world.edit_pull_request(repository=NAMES[kind], number=self.pull, by="ann", title=f"Day {number}", at=moment)

    def known(self, kind):
        """What the portal has of the vendor that ``move`` changes."""
        if kind in FORGES:
            return PullRequest.objects.get(repository__forge=kind, number=self.pull).title
        assets = Asset.objects.filter(source=kind, gone_at=None).exclude(kind="cloudflare.role")
        return VendorEvent.objects.filter(kind=EDITS[kind]).count(), assets.count()

    def expected(self, kind, number, first):
        """What it must have after ``number`` moves and no more."""
        if kind in FORGES:
            return f"Day {number}"
        return first[0] + number, first[1] + (number if kind == "cloudflare" else 0)


@pytest.fixture
def company(request, settings, monkeypatch):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    door.forget()
    kind = request.getfixturevalue("kind")
    names = {one: f"{one}_world" if one in CONSOLES else f"{one}_standin" for one in (kind, NEIGHBOURS[kind])}
    made = Company({one: request.getfixturevalue(name) for one, name in names.items()})
    made.connect()
    original = http.Client.request

    def request(self, **asked):
        """Given up soon where the vendor is slow, not where only this machine may be."""
        hurries = made.slow and self.base_url.startswith(made.slow)
        return original(self, **{**asked, "deadline": 1.0 if hurries else http.DEADLINE * SHARED})

    monkeypatch.setattr(http.Client, "request", request)
    return made


def sweep(moment, *kinds):
    """One poll of these, or of all that are due."""
    Source.objects.update(not_before=None)
    if not kinds:
        polling.poll_due(now=lambda: moment)
    for source in Source.objects.filter(kind__in=kinds):
        polling.POLLS[source.kind](source, lambda: moment)


def read(kind):
    return Source.objects.get(kind=kind)


def recorded(kind, fault, words, since, moment):
    """Look at what a bad day left: the source's error and an outage, or an exception where a forge hides its repository. Returns
    whether that is over, to be asked later."""
    bad = read(kind)
    if kind in FORGES and fault in HIDDEN:
        found = ExceptionRecord.objects.filter(kind="repository_unreadable", repository__forge=kind).latest("id")
        assert found.evidence.get("until") is None, fault
        return lambda at: ExceptionRecord.objects.get(pk=found.pk).evidence["until"] == at.isoformat()
    said = "asks us to wait" if kind in FORGES and fault in LIMITS else words
    assert bad.failures or bad.settings["missing"], fault
    assert said in bad.last_error, (fault, bad.last_error)
    assert CANARY not in bad.last_error
    outage = SourceOutage.objects.get(ended_at=None)
    assert (outage.source, outage.kind, outage.began_at) == (bad, "unreadable", since), fault
    assert said in outage.why, fault
    if fault in LIMITS:
        assert bad.not_before > moment, fault
    if fault is Fault.SECONDARY_429:
        assert bad.not_before == moment + timedelta(seconds=1)
    return lambda at: SourceOutage.objects.filter(pk=outage.pk, ended_at=at, filled_at=at).exists()


def bad_days(company, kind, first):
    """Each fault for a while, and one sweep after it. The neighbour is asked too on the days that could hold a worker up."""
    world, since = company.vendors[kind], at()
    for number, (fault, words) in enumerate(DAYS, start=1):
        world.faults.switch({"rules": [{"fault": fault, "seconds": 1.5 if fault is Fault.HALF_OPEN else 0.2}]})
        company.move(kind, number)
        company.slow = world.url if fault in (Fault.DRIP, Fault.HALF_OPEN) else ""
        moment, later = at(number * 30 + 2), at(number * 30 + 20)
        sweep(moment, *(() if fault in SLOW else (kind,)))
        for other in Source.objects.exclude(kind=kind) if fault in SLOW else ():
            assert (other.failures, moment - other.covered_until <= LAG) == (0, True), (fault, other.kind)
        assert company.known(kind) == company.expected(kind, number - 1, first), fault
        over = recorded(kind, fault, words, since, moment)

        world.faults.switch({})
        company.slow = ""
        sweep(later, kind)
        well = read(kind)
        assert (well.failures, well.last_error, well.settings.get("missing", [])) == (0, "", []), fault
        assert over(later), fault
        assert company.known(kind) == company.expected(kind, number, first), fault
        since = later


def wrong_clocks(company, kind, first):
    """The vendor's clock is three hours ahead, right again, then ten minutes behind: each move is found by the next poll.

    At a forge the moves after the first are about another pull request, since of one and the same the later date counts.
    """
    for place, ahead in enumerate((180, 0) if kind in FORGES else (180, 0, -10, 0), start=1):
        company.pull = min(place, 2)
        minute = (len(DAYS) + 1) * 30 + place * 2
        company.move(kind, len(DAYS) + place, at_minute=minute + ahead)
        sweep(at(minute + 1), kind)
        assert company.known(kind) == company.expected(kind, len(DAYS) + place, first), ahead


def muddled(rows):
    """Each four of them the other way round."""
    return [row for place in range(0, len(rows), 4) for row in rows[place : place + 4][::-1]]


def disorder(company, kind, first, monkeypatch):
    """A console lists its log in any order, an hour late; a forge's deliveries come in any order, and twice."""
    world, number = company.vendors[kind], len(DAYS) + 5
    minute, mixed = (len(DAYS) + 2) * 30, random.Random(7)
    if kind in FORGES:
        world.send_hooks_to("hold:", secret="standin-secret")
        for late in range(4):
            company.move(kind, number + late, at_minute=minute + late)
        held = []
        world.post_held(lambda headers, body: held.append((headers, body)) or 202)
        for headers, body in mixed.sample(held * 2, k=len(held) * 2):
            lowered = {name.lower(): value for name, value in headers.items()}
            assert door.arrive(name=kind, body=body, headers=lowered).status == 202
        inbox.drain(now=lambda: at(minute + 5))
    else:
        kept, logs = world.store.all, ("log", "activity", "audit")
        monkeypatch.setattr(world.store, "all", lambda kind, **given: (muddled if kind in logs else list)(kept(kind, **given)))
        for late in (3, 0, 2, 1):
            company.move(kind, number + late, at_minute=minute + 5 - 15 * late)
        sweep(at(minute + 6), kind)
    assert company.known(kind) == company.expected(kind, number + 3, first)


@pytest.mark.parametrize("kind", [*CONSOLES, *FORGES])
def test_after_every_bad_day_the_portal_equals_the_vendor_and_the_others_went_on(company, kind, monkeypatch):
    sweep(at())
    first = company.known(kind)

    bad_days(company, kind, first)
    wrong_clocks(company, kind, first)
    disorder(company, kind, first, monkeypatch)

    if kind == "gitlab":
        sweep(at(9000), kind)
        answered = []
        asking = http.Client.request
        monkeypatch.setattr(http.Client, "request", lambda self, **asked: answered.append(asking(self, **asked)) or answered[-1])
        sweep(at(9999), kind)
        assert {answer.status for answer in answered} == {304, 404}, "unchanged answers cost nothing; rule suites it has none"
