"""A connected Doppler workplace with a small world in it; every value there is the canary."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.models import HookSecret, Source
from portal import vault
from tests.standins import doppler_standin

__all__ = ["doppler_standin"]

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REX, BOB = "rex@northwind.example", "bob@northwind.example"
CANARY = "canary-7f3a91c4e2"


def at(minutes=0):
    return START + timedelta(minutes=minutes)


@pytest.fixture
def world(doppler_standin):
    vendor = doppler_standin
    vendor.add_user(email=REX, name="Rex Stone", access="owner", at=at(-900))
    vendor.add_user(email=BOB, name="Bob Okafor", at=at(-900))
    vendor.add_project(name="backend", by=REX, at=at(-800))
    vendor.set_secrets(project="backend", config="prd", values={"DATABASE_URL": CANARY, "STRIPE": CANARY}, by=REX, at=at(-700))
    vendor.set_secrets(project="backend", config="dev", values={"DATABASE_URL": CANARY}, by=BOB, at=at(-690))
    vendor.add_member(project="backend", email=BOB, role="collaborator", environments=("dev",))
    vendor.add_service_token(project="backend", config="prd", name="fly", at=at(-680))
    vendor.add_sync(project="backend", config="prd", at=at(-670))
    vendor.set_policy(name="Two look", reviewers=2, project="backend")
    return vendor


@pytest.fixture
def source(world, settings):
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    row = Source.objects.create(
        name="doppler",
        kind="doppler",
        api_url=world.api_url,
        token_encrypted=vault.seal(world.token),
        settings={"environments": {}},
        connected_at=at(-30),
    )
    HookSecret.objects.create(source=row, secret_encrypted=vault.seal("hook-secret"), created_at=at(-30))
    return row


def fresh(source):
    return Source.objects.get(pk=source.pk)
