"""What is asked of Slack's Web API: answers that cannot be used, refusals in words, limits, where answers may go."""

import json

import pytest

from changes.connectors.answer import Answer
from changes.connectors.errors import AddressRefused, Forbidden, Invalid, NotFound, NotJson, Passing, Unauthorised
from changes.connectors.http import Client
from changes.connectors.models import Source
from changes.connectors.slack.client import Slack, refusal, response_place
from portal import vault
from tests.changes.connectors.slack import vendor_data
from tests.changes.connectors.slack.conftest import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def answering(monkeypatch):
    """A client whose every request is answered with this body."""

    def client(body, status=200, headers=None, token=b""):
        said = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = Answer(what="POST /x", status=status, headers=headers or {}, body=said)
        monkeypatch.setattr(Client, "request", lambda self, **options: answer)
        source = Source(name="slack", kind="slack", api_url="https://slack.com/api", token_encrypted=token, connected_at=AT)
        return Slack(source=source)

    return client


def test_official_answers_are_read(answering):
    def said(method):
        return vendor_data.response(method)["200"]

    who = answering(said("auth.test"), headers={"x-oauth-scopes": "chat:write, commands"}).whoami()
    channel = answering(said("conversations.info")).channel(channel="C012AB3CD")
    account = answering(said("users.info")).account(user="W012A3CDE")
    ts = answering(said("chat.postMessage")).post(channel="C1H9RESGL", message={"text": "x"})
    permalink = answering(said("chat.getPermalink")).permalink(channel="C1H9RESGA", ts="135854651500008")
    direct = answering(said("conversations.open")).direct(user="U1")

    assert (who.team, who.user, who.team_name, who.scopes) == (
        "T12345678",
        "W12345678",
        "Subarachnoid Workspace",
        {"chat:write", "commands"},
    )
    assert (channel.name, channel.is_member, channel.is_archived) == ("general", True, False)
    assert (account.team, account.email, account.is_person) == ("T012AB3C4", "", True)
    assert (ts, permalink, direct) == (
        "1503435956.000247",
        "https://ghostbusters.slack.com/archives/C1H9RESGA/p135854651500008",
        "D069C7QFK",
    )


@pytest.mark.parametrize(("confirmed", "email"), [(True, "spengler@ghostbusters.example.com"), (False, ""), (None, "")])
def test_an_address_counts_when_slack_says_that_it_was_confirmed(answering, confirmed, email):
    said = vendor_data.response("users.info")["200"]
    said["user"]["is_email_confirmed"] = confirmed

    assert answering(said).account(user="W012A3CDE").email == email


@pytest.mark.parametrize("method", ["auth.test", "conversations.info", "users.lookupByEmail", "chat.getPermalink"])
def test_official_refusals_are_errors_in_words(answering, method):
    client = answering(vendor_data.response(method)["default"])
    asked = {
        "auth.test": client.whoami,
        "conversations.info": lambda: client.channel(channel="C1"),
        "users.lookupByEmail": lambda: client.account_with(email="x@y.example"),
        "chat.getPermalink": lambda: client.permalink(channel="C1", ts="1.0"),
    }

    with pytest.raises((Unauthorised, NotFound), match="Slack: "):
        asked[method]()


UNUSABLE = {
    "html": b"<html>",
    "an array": [],
    "no team": {"ok": True, "user_id": "U1"},
    "a number for a name": {"ok": True, "team_id": 7, "user_id": "U1"},
    "ok in words": {"ok": "true", "team_id": "T1", "user_id": "U1"},
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_answer_that_cannot_be_used_is_no_success(answering, case):
    with pytest.raises((NotJson, Invalid)):
        answering(UNUSABLE[case]).whoami()


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ({"error": "ratelimited"}, Passing, "asked too often"),
        ({"error": "internal_error"}, Passing, "internal_error"),
        ({"error": "invalid_auth"}, Unauthorised, "token is not valid"),
        ({"error": "missing_scope", "needed": "users:read.email"}, Forbidden, r"lacks a scope \(users:read.email\); add it"),
        ({"error": "missing_scope"}, Forbidden, "lacks a scope$"),
        ({"error": "not_in_channel"}, Forbidden, "/invite @Countersign"),
        ({"error": "is_archived"}, Invalid, "another --channel"),
        ({"error": "something_new"}, Invalid, "chat.postMessage answered something_new"),
        ({"error": "<script>"}, Invalid, "answered script"),
        ({"error": None}, Invalid, "an error without a name"),
        ({}, Invalid, "an error without a name"),
    ],
)
def test_a_refusal_has_its_kind_and_words_to_act_on(said, kind, words):
    with pytest.raises(kind, match=words):
        raise refusal(method="chat.postMessage", said=said, wait=None)


def test_a_limit_waits_as_long_as_slack_says(answering):
    with pytest.raises(Passing) as waits:
        answering({"ok": False, "error": "ratelimited"}, status=429, headers={"retry-after": "42"}).whoami()
    assert waits.value.retry_after == 42.0

    with pytest.raises(Passing) as waits:
        answering({"ok": False, "error": "ratelimited"}).whoami()
    assert waits.value.retry_after == 30.0


def test_more_pages_than_can_be_read_are_said(answering):
    client = answering({"ok": True, "messages": [], "response_metadata": {"next_cursor": "more"}})

    with pytest.raises(Invalid, match="more than 10000 messages"):
        client.find(channel="C1", name="x", oldest=0.0)


def test_only_our_own_metadata_names_a_message(answering):
    def found(**metadata):
        page = {"ok": True, "messages": [{"ts": "1.000002", **metadata}]}
        return answering(page).find(channel="C1", name="x", oldest=0.0)

    ours = {"event_type": "countersign_message", "event_payload": {"name": "x"}}
    assert found(metadata=ours) == "1.000002"
    for other in ({}, {"metadata": {**ours, "event_type": "another"}}, {"metadata": {"event_type": "countersign_message"}}):
        assert found(**other) == ""


def test_time_ends_and_a_token_that_cannot_be_opened_is_said(answering):
    client = answering({"ok": True})
    client._until = 0.0
    with pytest.raises(Passing, match="too long"):
        client.whoami()

    with pytest.raises(Unauthorised, match="cannot be opened"):
        answering({"ok": True}, token=b"sealed elsewhere")
    assert "xoxb" not in repr(answering({"ok": True}, token=vault.seal("xoxb-1")))


REAL, STANDIN = "https://slack.com/api", "http://127.0.0.1:4000/slack/api"


@pytest.mark.parametrize(
    ("url", "api", "place"),
    [
        ("https://hooks.slack.com/commands/T1/1/x", REAL, ("https://hooks.slack.com", "/commands/T1/1/x")),
        ("https://hooks.slack.com/commands/T1/1/x", STANDIN, ("https://hooks.slack.com", "/commands/T1/1/x")),
        ("http://127.0.0.1:4000/slack/respond/7", STANDIN, ("http://127.0.0.1:4000", "/slack/respond/7")),
        ("https://hooks.slack.com", REAL, ("https://hooks.slack.com", "/")),
    ],
)
def test_answers_go_to_slack_or_to_the_stand_in(url, api, place):
    assert response_place(response_url=url, api_url=api) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://slack.com/commands/1",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "https://hooks.slack.com.evil.example/commands/1",
        "https://hooks.slack.com@evil.example/commands/1",
        "https://evil.example/hooks.slack.com",
        "https://hooks.slack.com/commands/1?to=evil",
        "https://hooks.slack.com/commands/1#x",
        "http://127.0.0.1:4000/slack/respond/7",
        "http://169.254.169.254/latest/meta-data/",
        "//hooks.slack.com/x",
        "javascript:alert(1)",
        "https://ｈooks.slack.com/x",
    ],
)
def test_answers_go_nowhere_else(url):
    with pytest.raises(AddressRefused):
        response_place(response_url=url, api_url=REAL)
