"""Connecting: clear refusals, secrets sealed, running it again changes what is given; replay of what was set aside."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from changes.connectors import actions
from changes.connectors.models import Delivery, HookSecret, Source
from changes.delivery.models import Repository
from portal import vault
from portal.ledger.queries import entries_about
from portal.policy.refusal import Stale
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def connect(**more):
    values = {"repository": "acme/web", "secret": "s", "main": "main", "prod": "prod", "at": AT}
    return actions.connect_github(**{**values, **more})


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"repository": "web"}, "owner/name"),
        ({"repository": "/web"}, "owner/name"),
        ({"repository": "a/b/c"}, "owner/name"),
        ({"secret": ""}, "secret is empty"),
        ({"prod": "main"}, "two branches"),
    ],
)
def test_a_wrong_connection_is_refused_in_words(wrong, word):
    with pytest.raises(ValueError, match=word):
        connect(**wrong)
    assert not Source.objects.exists()


def test_connecting_again_changes_what_is_given_and_keeps_the_scope():
    first = connect(token="t")
    second = connect(approved_by="portal", prod="production", at=datetime(2026, 12, 1, tzinfo=UTC))

    assert first.pk == second.pk
    row = Repository.objects.get()
    assert (row.prod_branch, row.approved_by, row.in_scope_from) == ("production", "portal", AT)
    assert row.clone_url == "https://github.com/acme/web.git"
    assert vault.open(bytes(Source.objects.get().token_encrypted)) == "t"
    assert HookSecret.objects.count() == 1
    assert [entry.kind for entry in entries_about(stream=f"repository:{row.pk}")] == ["repository.changed", "repository.connected"]


def test_a_forge_of_ones_own_and_an_app():
    row = connect(
        api_url="https://forge.example/api", app_id="7", installation_id="9", token="key", clone_url="https://forge.example/x.git"
    )

    source = Source.objects.get()
    assert (source.app_id, source.installation_id, source.api_url) == ("7", "9", "https://forge.example/api")
    assert row.clone_url == "https://forge.example/x.git"
    assert connect(repository="acme/api").clone_url == "https://github.com/acme/api.git"


def test_secrets_are_sealed():
    connect(secret="open sesame")

    assert b"open sesame" not in bytes(HookSecret.objects.get().secret_encrypted)


def test_fly_gathers_apps_over_several_runs():
    for app in ("web-prod", "web-staging"):
        source = actions.connect_fly(org="acme", token="t", apps={app: ("production", "acme/web")}, at=AT)

    assert sorted(source.settings["apps"]) == ["web-prod", "web-staging"]


def test_the_command_connects_and_refuses_in_words(capsys):
    call_command("connect", "github", "--repository", "acme/web", "--secret", "s")
    call_command("connect", "fly", "--org", "acme", "--token", "t", "--app", "web-prod=production:acme/web")

    assert "acme/web is in scope" in capsys.readouterr().out
    with pytest.raises(CommandError, match="owner/name"):
        call_command("connect", "github", "--repository", "web", "--secret", "s")
    with pytest.raises(CommandError, match="APP=ENVIRONMENT"):
        call_command("connect", "fly", "--org", "acme", "--token", "t", "--app", "web-prod")


def test_the_command_leaves_the_names_of_the_branches_as_they_are_unless_it_is_given_others(capsys):
    for given in (["--main", "trunk"], [], ["--prod", "live"]):
        call_command("connect", "github", "--repository", "acme/web", "--secret", "s", *given)

    assert "trunk feeds staging, prod feeds production" in capsys.readouterr().out
    row = Repository.objects.get()
    assert (row.main_branch, row.prod_branch) == ("trunk", "live")


def test_a_secret_can_be_read_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", type("In", (), {"readline": staticmethod(lambda: "from stdin\n")})())
    call_command("connect", "github", "--repository", "acme/web", "--secret", "-")

    assert vault.open(bytes(HookSecret.objects.get().secret_encrypted)) == "from stdin"


def test_a_delivery_set_aside_is_replayed_once():
    connect()
    rex = person("Rex")
    delivery = Delivery.objects.create(
        source=Source.objects.get(),
        delivery_id="d",
        event="push",
        body=b"",
        body_size=0,
        body_digest="0" * 64,
        received_at=AT,
        state="quarantined",
        attempts=5,
    )

    actions.replay(delivery=delivery, by=rex, at=AT)
    with pytest.raises(Stale):
        actions.replay(delivery=delivery, by=rex, at=AT)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("new", 0)
