"""Connecting Slack, and whether it is well: the token, the scopes, the channels."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from changes.connectors.actions import connect_slack
from changes.connectors.models import HookSecret, Source
from changes.connectors.polling import poll_due
from changes.connectors.wellbeing import judge, sources
from portal import vault
from portal.ledger.queries import entries_about
from tests.changes.connectors.slack.conftest import AT
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
GOOD = {"token": "xoxb-1", "signing_secret": "s", "channel": "C0123456", "at": AT}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"channel": "#production-changes"}, "no channel's id"),
        ({"channel": ""}, "no channel's id"),
        ({"emergencies": "emergencies"}, "'emergencies' is no channel's id"),
        ({"signing_secret": ""}, "signing secret is empty"),
    ],
)
def test_a_wrong_connection_is_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        connect_slack(**{**GOOD, **wrong})
    assert not Source.objects.exists()


def test_connecting_again_changes_what_is_given_and_adds_the_secret():
    connect_slack(**GOOD)
    connect_slack(**GOOD)
    source = connect_slack(**{**GOOD, "signing_secret": "new", "token": "xoxb-2", "emergencies": "C0999999"})

    assert source.settings == {"channels": {"changes": "C0123456", "emergencies": "C0999999"}}
    assert (source.api_url, vault.open(bytes(source.token_encrypted))) == ("https://slack.com/api", "xoxb-2")
    assert [vault.open(bytes(row.secret_encrypted)) for row in HookSecret.objects.order_by("id")] == ["s", "new"]
    assert b"xoxb" not in bytes(source.token_encrypted)
    entry = entries_about(stream=f"source:{source.pk}")[0]
    assert entry.kind == "source.connected"
    assert "xoxb" not in str(entry.fact)


def test_the_command_reads_its_secrets_from_files_or_standard_input(tmp_path, monkeypatch, capsys):
    (tmp_path / "token").write_text("xoxb-from-file\n")
    monkeypatch.setattr("sys.stdin", type("In", (), {"readline": staticmethod(lambda: "from stdin\n")})())
    rest = ("--signing-secret", "-", "--channel", "C0123456")

    call_command("connect", "slack", "--token-file", str(tmp_path / "token"), *rest)

    assert "/hooks/slack/" in capsys.readouterr().out
    assert vault.open(bytes(Source.objects.get().token_encrypted)) == "xoxb-from-file"
    assert vault.open(bytes(HookSecret.objects.get().secret_encrypted)) == "from stdin"
    with pytest.raises(CommandError, match="No such file"):
        call_command("connect", "slack", "--token-file", str(tmp_path / "nothing"), *rest)
    with pytest.raises(CommandError, match="no channel's id"):
        call_command("connect", "slack", "--token", "x", "--signing-secret", "s", "--channel", "general")


def poll(**later):
    poll_due(now=lambda: now() + timedelta(**later))
    row = Source.objects.get()
    return judge(row, now() + timedelta(**later))


def test_a_poll_learns_who_we_are_and_what_the_channels_are_called(source, slack_standin):
    assert judge(source, now())[0] == "stale"

    assert poll() == ("healthy", "Listened to; posts to #production-changes, #emergencies.")
    settings = Source.objects.get().settings
    assert (settings["team"], settings["user"], settings["bot"]) == ("T0NORTHWND", "U0CSIGNBOT", "B0CSIGNBOT")
    assert settings["url"] == "https://northwind.slack.com/"


def test_a_poll_asks_once_a_minute(source, slack_standin):
    poll()
    slack_standin.revoke_token()

    assert poll(seconds=30)[0] == "healthy"
    assert poll(seconds=70)[0] == "broken"


BROKEN = {
    "revoked": (lambda slack: slack.revoke_token(), "the token is not valid"),
    "a scope is missing": (lambda slack: slack.set_scopes(scopes=["chat:write", "users:read"]), "the app lacks channels:history"),
    "not invited": (lambda slack: slack.change_channel(channel="emergencies", app=False), "not in #emergencies; write /invite"),
    "archived": (lambda slack: slack.change_channel(channel="emergencies", archived=True), "#emergencies is archived"),
    "away": (lambda slack: slack.faults.switch({"rules": [{"fault": "502"}]}), "502"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_connection_says_what_to_do(source, slack_standin, case):
    spoil, words = BROKEN[case]
    spoil(slack_standin)

    state, sentence = poll()

    assert state == "broken"
    assert words in sentence


def test_slack_without_a_token_is_not_read(source):
    Source.objects.update(token_encrypted=b"", api_url="https://slack.com/api")

    assert poll()[0] == "stale"


def test_the_page_of_integrations_shows_it(client, source, slack_standin):
    poll()
    sign_in(client, person("Mia"))

    page = client.get("/integrations/").content.decode()

    assert "Slack" in page
    assert "Listened to; posts to #production-changes, #emergencies." in page


def test_the_doctor_looks_at_every_source(source, slack_standin, capsys):
    fresh = [(finding.level, finding.text) for finding in sources()]
    poll()
    well = [(finding.level, finding.text) for finding in sources()]
    Source.objects.update(failures=1, last_error="Slack: the token is not valid.")
    broken = list(sources())
    with pytest.raises(SystemExit):
        call_command("doctor")

    assert fresh == [("note", "slack is not up to date")]
    assert well == [("ok", "slack: Listened to; posts to #production-changes, #emergencies.")]
    assert [(finding.level, "token is not valid" in finding.mend) for finding in broken] == [("BAD", True)]
    assert "slack is broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "state", "words"),
    [
        ({"paused_at": 0}, "stale", "Paused"),
        ({"last_good_read_at": 11}, "stale", "more than ten minutes"),
        ({"kind": "github", "last_good_read_at": 0}, "healthy", "Read and listened to"),
        ({"kind": "fly", "last_good_read_at": 0}, "healthy", "sends no deliveries"),
    ],
)
def test_a_source_is_told_in_a_sentence(changed, state, words):
    """Numbers are minutes ago."""
    times = {name: now() - timedelta(minutes=ago) for name, ago in changed.items() if name != "kind"}
    standard = {"kind": "slack", "connected_at": now()}
    row = Source.objects.create(name="s", api_url="http://127.0.0.1", **{**standard, **changed, **times})

    found = judge(row, now())

    assert (found[0], words in found[1]) == (state, True)
