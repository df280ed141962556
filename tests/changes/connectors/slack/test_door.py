"""The door of Slack: what is not genuine leaves nothing, every kind is answered within its time and stored once."""

import json

import pytest
import time_machine
from django.test import Client
from django.utils.timezone import now

from changes.connectors.models import Delivery
from tests.changes.connectors.slack import vendor_data
from tests.changes.connectors.slack.requests import FORM, command, press, react, send
from tests.lean import lean_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["before Django", "as a view"])
def client(request):
    """Both roads to the door."""
    if request.param == "as a view":
        yield Client()
        return
    with lean_client() as found:
        yield found


BODY = b'{"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": {"type": "message"}}'
BROKEN = {
    "no signature": {"X-Slack-Signature": None},
    "empty signature": {"X-Slack-Signature": ""},
    "no timestamp": {"X-Slack-Request-Timestamp": None},
    "a timestamp that is no number": {"X-Slack-Request-Timestamp": "noon"},
    "another timestamp": {"X-Slack-Request-Timestamp": "1531420618"},
    "a signature that is not ascii": {"X-Slack-Signature": "v0=ä"},
    "another version": {"X-Slack-Signature": f"v1={'0' * 64}"},
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_request_that_is_not_genuine_is_401_and_leaves_nothing(client, source, case):
    answer = send(client, BODY, **BROKEN[case])

    assert answer.status_code == 401
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(("ago", "status"), [(290, 200), (310, 401), (-290, 200), (-310, 401)])
def test_a_request_is_good_for_five_minutes(client, source, ago, status):
    assert send(client, BODY, ago=ago).status_code == status
    assert Delivery.objects.count() == (status == 200)


def test_a_captured_request_has_no_effect_later(client, source):
    captured = {}

    def keep(body, **headers):
        captured.update(headers)
        return client.post("/hooks/slack/", data=body, content_type="application/json", headers=headers)

    from_slack = send(type("Tap", (), {"post": lambda self, path, data, content_type, headers: keep(data, **headers)})(), BODY)
    again = client.post("/hooks/slack/", data=BODY, content_type="application/json", headers=captured)
    with time_machine.travel(now().timestamp() + 400):
        later = client.post("/hooks/slack/", data=BODY, content_type="application/json", headers=captured)

    assert (from_slack.status_code, again.status_code, later.status_code) == (200, 200, 401)
    assert Delivery.objects.count() == 1


def test_the_secret_of_another_app_opens_nothing(client, source):
    assert send(client, BODY, secret="another").status_code == 401


def test_the_challenge_is_said_and_nothing_is_stored(client, source):
    body = json.dumps(vendor_data.inbound("events_url_verification.event_body")).encode()

    answer = send(client, body)

    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"})
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("challenge", [None, "", 7, "x" * 501])
def test_a_challenge_that_is_none_is_stored_as_unreadable(client, source, challenge):
    answer = send(client, json.dumps({"type": "url_verification", "challenge": challenge}).encode())

    assert (answer.status_code, answer.content) == (200, b"")
    assert Delivery.objects.get().event == "unreadable"


def test_every_kind_is_answered_as_slack_wants_it_and_stored_once(client, source, slack_standin, routes):
    message = slack_standin.add_message(slack_standin.channel("emergencies"), {"user": "U0CSIGNBOT", "text": "x"})

    typed = command(client, slack_standin, text="emergency search is down")
    pressed = press(client, slack_standin, message)
    reacted = react(client, slack_standin, message)

    assert (typed.status_code, typed.headers["Content-Type"]) == (200, "application/json")
    assert typed.json() == {"response_type": "ephemeral", "text": "Received. The answer follows here in a moment."}
    assert [(answer.status_code, answer.content) for answer in (pressed, reacted)] == [(200, b"")] * 2
    assert list(Delivery.objects.order_by("id").values_list("event", "state")) == [
        ("command", "new"),
        ("block_actions", "new"),
        ("reaction_added", "new"),
    ]


HELP = "`/change emergency what | fix | undo`"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", HELP),
        ("help", HELP),
        ("HELP", HELP),
        ("emergency", "Use the form."),
        ("Emergency  ", "Use the form."),
        ("<!channel> pay", f"Countersign does not know this command. There is:\n{HELP}"),
    ],
)
def test_help_and_the_way_to_the_form_are_answered_at_once(client, source, slack_standin, routes, text, answer):
    assert command(client, slack_standin, text=text).json()["text"] == answer


def test_an_event_sent_again_is_stored_once(client, source, slack_standin):
    body = json.dumps(vendor_data.inbound("events.valid_reaction_added_body")).encode()

    answers = [send(client, body)] + [
        send(client, body, **{"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"}) for number in (1, 2, 3)
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    delivery = Delivery.objects.get()
    assert delivery.delivery_id == "Ev111"
    assert "x-slack-retry-num" not in delivery.headers


def test_commands_are_stored_by_their_trigger(client, source, slack_standin, routes):
    for _ in range(2):
        command(client, slack_standin, text="emergency x", trigger_id="398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")
    command(client, slack_standin, text="emergency x")

    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("trigger", ["", "x" * 200, "ä", "a\tb"])
def test_a_request_without_a_plain_name_is_stored_under_its_digest(client, source, slack_standin, routes, trigger):
    command(client, slack_standin, text="emergency x", trigger_id=trigger)

    delivery = Delivery.objects.get()
    assert delivery.delivery_id == delivery.body_digest


@pytest.mark.parametrize(
    "body", [b"", b"{", b"payload=%7B", b"[]", b"\xff", b'{"type": "\xc3\xa4"}', b'{"type": "event_callback"}']
)
def test_genuine_bytes_that_cannot_be_read_are_kept(client, source, body):
    answer = send(client, body, content=FORM)

    assert (answer.status_code, answer.content) == (200, b"")
    assert Delivery.objects.get().event == "unreadable"


def test_slack_that_is_not_connected_is_404(client):
    assert send(client, BODY).status_code == 404
