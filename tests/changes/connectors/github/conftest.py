"""A source that is connected to a scripted forge."""

from datetime import UTC, datetime

import pytest

from changes.connectors.github import auth
from changes.connectors.github.client import GitHub
from changes.connectors.models import Source
from portal import vault
from tests.changes.connectors.github.forge import Forge, forge

NOW = datetime(2026, 2, 10, 12, 0, tzinfo=UTC)
TOKEN = "ghp_kept-secret-kept-secret"


@pytest.fixture
def scripted(settings):
    """Factory: a forge with this script, stopped after the test."""
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    auth._kept.clear()
    open_forges = []

    def start(script) -> Forge:
        context = forge(script)
        open_forges.append(context)
        return context.__enter__()

    yield start
    for context in open_forges:
        context.__exit__(None, None, None)
    auth._kept.clear()


@pytest.fixture
def connect(db, scripted):
    """Factory: (client of northwind/web, forge) for a script; extra words are fields of the source."""

    def make(script, *, at=NOW, **values) -> tuple[GitHub, Forge]:
        served = scripted(script)
        values = {"token_encrypted": vault.seal(TOKEN), "connected_at": NOW} | values
        source = Source.objects.create(name="github", kind="github", api_url=served.url, **values)
        return GitHub(source=source, repository_name="northwind/web", at=at), served

    return make
