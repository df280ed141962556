"""Cloudflare and Doppler on bad days: a clear error, nothing lost, the source rests, and a later sweep makes the portal equal to
the vendor. One table of faults drives both clients through the real poll over real HTTP."""

from datetime import timedelta

import pytest

from changes.connectors import http, polling
from changes.connectors.models import Source
from changes.connectors.outage_models import SourceOutage
from changes.inventory.models import Asset, VendorEvent
from portal import vault
from portal.standins.faults import Fault
from tests.changes.connectors.cloudflare.conftest import ZONE, at
from tests.changes.connectors.cloudflare.conftest import world as cloudflare_world
from tests.changes.connectors.doppler.conftest import CANARY, REX
from tests.changes.connectors.doppler.conftest import world as doppler_world
from tests.standins import cloudflare_standin, doppler_standin

__all__ = ["cloudflare_standin", "cloudflare_world", "doppler_standin", "doppler_world"]

pytestmark = pytest.mark.django_db
DAYS = [
    (Fault.UNAUTHORISED, "401"),
    (Fault.FORBIDDEN, ""),
    (Fault.MISSING, "404"),
    (Fault.SECONDARY_429, "429"),
    (Fault.ERROR_500, "500"),
    (Fault.ERROR_503, "503"),
    (Fault.HTML, "JSON"),
    (Fault.BROKEN_JSON, "JSON"),
    (Fault.TRUNCATED, "cut short"),
    (Fault.REDIRECT, "302"),
    (Fault.DRIP, "no complete answer"),
    (Fault.HALF_OPEN, "no complete answer"),
    (Fault.BOMB, "more than"),
]


@pytest.fixture(params=["cloudflare", "doppler"])
def vendor(request, settings, monkeypatch):
    """(kind, stand-in, what happens there next)."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    original = http.Client.request
    monkeypatch.setattr(http.Client, "request", lambda self, **asked: original(self, **{**asked, "deadline": 1.0}))
    world = request.getfixturevalue(f"{request.param}_world")
    world.window.limit = 100_000  # hours of the portal's clock pass here in seconds
    given = {"account": world.account, "environments": {ZONE: "production"}} if request.param == "cloudflare" else {}
    Source.objects.create(
        name=request.param,
        kind=request.param,
        api_url=world.api_url,
        token_encrypted=vault.seal(world.token),
        settings=given,
        connected_at=at(-30),
    )
    return request.param, world


def move(kind, world, number):
    """Something happens at the vendor while the portal cannot see it."""
    moment = at(number * 30 + 1)
    if kind == "cloudflare":
        world.set_record(zone=ZONE, name=f"n{number}.{ZONE}", content="198.51.100.4", by=REX, at=moment)
    else:
        world.set_secrets(project="backend", config="prd", values={f"N{number}": CANARY}, by=REX, at=moment)


def poll(kind, moment):
    source = Source.objects.get(kind=kind)
    Source.objects.filter(pk=source.pk).update(not_before=None)
    polling.POLLS[kind](source, lambda: moment)
    return Source.objects.get(kind=kind)


def known(kind):
    events = VendorEvent.objects.filter(kind={"cloudflare": "cloudflare.dns_record", "doppler": "doppler.config"}[kind])
    assets = Asset.objects.filter(gone_at=None).exclude(kind__in=["cloudflare.role"])
    return events.count(), assets.count()


def test_after_every_bad_day_the_portal_equals_the_vendor(vendor):
    kind, world = vendor
    poll(kind, at())
    events, assets = known(kind)

    for number, (fault, words) in enumerate(DAYS, start=1):
        world.faults.switch({"rules": [{"fault": fault, "seconds": 1.5 if fault is Fault.HALF_OPEN else 0.2}]})
        move(kind, world, number)
        bad = poll(kind, at(number * 30 + 2))

        assert bad.failures or bad.settings["missing"], fault
        assert words in bad.last_error, (fault, bad.last_error)
        assert CANARY not in bad.last_error
        assert known(kind) == (events, assets), fault
        outage = SourceOutage.objects.get(ended_at=None)
        assert (outage.kind, outage.began_at) == ("unreadable", at((number - 1) * 30 + 20) if number > 1 else at()), fault
        assert words in outage.why, fault
        if fault is Fault.SECONDARY_429:
            assert bad.not_before == at(number * 30 + 2) + timedelta(seconds=1)

        world.faults.switch({})
        well = poll(kind, at(number * 30 + 20))
        events, assets = events + 1, assets + (1 if kind == "cloudflare" else 0)
        assert (well.failures, well.last_error, well.settings["missing"]) == (0, "", []), fault
        outage.refresh_from_db()
        assert outage.ended_at == outage.filled_at == at(number * 30 + 20), fault
        assert known(kind) == (events, assets), fault
