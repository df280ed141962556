"""A connected Cloudflare account with a small world in it."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.models import Source
from portal import vault
from tests.standins import cloudflare_standin

__all__ = ["cloudflare_standin"]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZONE, REX, BOB = "northwind.example", "rex@northwind.example", "bob@northwind.example"


def at(minutes=0):
    return START + timedelta(minutes=minutes)


@pytest.fixture
def world(cloudflare_standin):
    """One zone with two records, one application with a policy, a reusable policy, a group, a service token, two members."""
    vendor = cloudflare_standin
    vendor.add_zone(name=ZONE, by=REX, at=at(-600))
    for name, content in ((f"www.{ZONE}", "198.51.100.4"), (f"api.{ZONE}", "198.51.100.5")):
        vendor.set_record(zone=ZONE, name=name, content=content, by=REX, at=at(-590))
    vendor.set_application(name="Admin", domain=f"admin.{ZONE}", by=REX, at=at(-580))
    vendor.set_policy(application="Admin", name="Engineers", emails=(BOB,), by=REX, at=at(-570))
    vendor.set_policy(name="Everybody here", emails=(BOB, REX), by=REX, at=at(-570))
    vendor.set_group(name="Engineers", emails=(BOB,), by=REX, at=at(-560))
    vendor.add_service_token(name="CI", by=REX, at=at(-550))
    vendor.add_member(email=REX, role="Super Administrator - All Privileges", at=at(-540))
    vendor.add_member(email=BOB, role="Administrator Read Only", by=REX, at=at(-530))
    return vendor


@pytest.fixture
def source(world, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    return Source.objects.create(
        name="cloudflare",
        kind="cloudflare",
        api_url=world.api_url,
        token_encrypted=vault.seal(world.token),
        settings={"account": world.account, "environments": {ZONE: "production", f"staging.{ZONE}": "staging"}},
        connected_at=at(-30),
    )
