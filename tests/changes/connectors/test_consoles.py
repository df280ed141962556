"""Connecting Doppler and Cloudflare, and how they are: each sentence says what to do."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from changes.connectors.actions import connect_cloudflare, connect_doppler
from changes.connectors.models import HookSecret, Source
from changes.connectors.wellbeing import judge
from portal import vault
from portal.ledger.queries import entries_about

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
ACCOUNT = "4bb334f7c94c4a29a045f03944f072e5"


def test_both_are_connected_from_the_shell_and_what_is_given_again_changes(monkeypatch):
    environment = "acme.example=production"
    call_command("connect", "cloudflare", "--account", ACCOUNT, "--token", "t", "--environment", environment)
    monkeypatch.setattr("sys.stdin.readline", lambda: "dp.sa.one\n")
    call_command("connect", "doppler", "--token", "-", "--secret", "s")
    connect_doppler(token="dp.sa.two", secret="s", environments={"live": "production"}, at=AT)

    cloudflare, doppler = Source.objects.order_by("name")
    assert cloudflare.settings == {"account": ACCOUNT, "environments": {"acme.example": "production"}}
    assert (cloudflare.api_url, doppler.api_url) == ("https://api.cloudflare.com/client/v4", "https://api.doppler.com")
    assert (vault.open(bytes(doppler.token_encrypted)), HookSecret.objects.count()) == ("dp.sa.two", 1)
    assert doppler.settings == {"environments": {"live": "production"}}
    assert [entry.kind for entry in entries_about(stream=f"source:{doppler.pk}")] == ["source.connected"] * 2


def test_a_wrong_connection_is_refused_in_words():
    with pytest.raises(ValueError, match="no account's id"):
        connect_cloudflare(account="northwind", token="t", environments={}, at=AT)
    with pytest.raises(ValueError, match="An environment is one of production, staging, development"):
        connect_doppler(token="t", environments={"prd": "live"}, at=AT)
    with pytest.raises(CommandError, match="NAME=ENVIRONMENT"):
        call_command("connect", "doppler", "--token", "t", "--environment", "prd")
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("settings", "state", "words"),
    [
        ({}, "healthy", "Add a webhook"),
        ({"missing": ["DNS Read", "Zone Read"]}, "stale", "The token may not read: DNS Read, Zone Read."),
        ({"token_expires": (AT + timedelta(days=13)).isoformat()}, "stale", "The token ends on 15 Nov 2026."),
        ({"token_expires": (AT + timedelta(days=15)).isoformat()}, "healthy", "Read every minute"),
        ({"syncs": {"s": {"config": "backend/prd", "enabled": False}}}, "stale", "no longer carries backend/prd to Fly"),
        ({"syncs": {"s": {"config": "backend/prd", "enabled": True}}}, "healthy", "Read every minute"),
    ],
)
def test_how_a_source_is_stands_in_a_sentence_that_mends_it(settings, state, words):
    source = connect_doppler(token="t", environments={}, at=AT)
    source.refresh_from_db()
    source.last_good_read_at, source.settings = AT, settings

    found, sentence = judge(source, AT)

    assert found == state
    assert words in sentence
