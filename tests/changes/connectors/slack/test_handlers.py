"""What people do in Slack, applied by the worker: who they are, who handles it, and what they are told (threat T4)."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils.timezone import now

from changes.connectors.inbox import drain
from changes.connectors.models import Delivery, Posting, Source
from changes.connectors.slack import routing
from changes.connectors.slack.handlers import BY_EMAIL, UNASKED
from changes.connectors.slack.payloads import Asked
from changes.exceptions.models import ExceptionRecord
from portal.access.accounts.seeing import unexplained
from portal.access.identities import link_identity
from portal.outbox.delivery import deliver_due
from portal.outbox.models import Effect
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from tests.changes.connectors.slack import vendor_data
from tests.changes.connectors.slack.requests import command, press, react, send
from tests.changes.people import person
from tests.changes.stories import Clock

pytestmark = pytest.mark.django_db(transaction=True)
TEAM = "T0NORTHWND"


@pytest.fixture
def ann(slack_standin):
    """Ann, whose Slack account is linked."""
    made = person("Ann")
    link_identity(user=made, provider="slack", uid=f"{TEAM}:{uid(slack_standin, 'ann')}", login="ann", by="shell:test", at=now())
    return made


@pytest.fixture
def message(source, slack_standin):
    """A message of ours in #emergencies, posted under the name `emergency:7`."""
    where = slack_standin.channel("emergencies")
    row = slack_standin.add_message(where, {"user": "U0CSIGNBOT", "text": "Search is down"})
    Posting.objects.create(source=source, name="emergency:7", channel=where["channel_id"], ts=row["ts"])
    return row


def uid(slack, name):
    return slack.user(name)["user_id"]


def work():
    """What the workers do: apply what came in, deliver what it caused. Returns the newest delivery."""
    drain(now=now)
    deliver_due(now=now)
    return Delivery.objects.order_by("-id").first()


def test_a_command_reaches_its_handler_and_the_answer_its_author(client, source, slack_standin, routes, ann):
    command(client, slack_standin, text="emergency Search is down & slow | Roll back | none")

    delivery = work()

    (who, asked, at) = routes.got[0]
    assert (who, at) == (ann, delivery.received_at)
    assert replace(asked, response_url="") == Asked(
        what="command",
        name="emergency",
        user=uid(slack_standin, "ann"),
        team=TEAM,
        channel=slack_standin.channel("emergencies")["channel_id"],
        text="Search is down & slow | Roll back | none",
        fields=("Search is down & slow", "Roll back", "none"),
        known_by="identity",
    )
    assert (delivery.state, delivery.note) == ("applied", "command emergency by Ann")
    assert slack_standin.told(by="ann") == ["Done."]


def test_a_button_reaches_its_handler_with_the_message_it_stands_on(client, source, slack_standin, routes, ann, message):
    press(client, slack_standin, message)

    delivery = work()

    _, asked, _ = routes.got[0]
    assert (asked.value, asked.message, asked.message_ts) == ("7", "emergency:7", message["ts"])
    assert delivery.state == "applied"
    assert slack_standin.told(by="ann") == ["Done."]


def test_a_reaction_reaches_its_handler_given_and_taken_back(client, source, slack_standin, routes, ann, message):
    react(client, slack_standin, message, name="+1::skin-tone-2")
    react(client, slack_standin, message, kind="reaction_removed")

    work()

    assert [(asked.name, asked.added, asked.message) for _, asked, _ in routes.got] == [
        ("+1", True, "emergency:7"),
        ("+1", False, "emergency:7"),
    ]
    assert all(abs((asked.said_at - datetime.now(UTC)).total_seconds()) < 60 for _, asked, _ in routes.got)
    assert slack_standin.told(by="ann") == ["Done.", "Done."]


def test_a_handler_that_says_nothing_tells_nothing(client, source, slack_standin, routes, ann, message):
    routes.answer = ""
    react(client, slack_standin, message)

    work()

    assert len(routes.got) == 1
    assert not Effect.objects.exists()


def test_a_person_is_recognised_by_a_confirmed_address_and_told_so(client, source, slack_standin, routes):
    bob = person("Bob")
    command(client, slack_standin, by="bob", text="emergency x")

    work()

    assert [(who, asked.known_by) for who, asked, _ in routes.got] == [(bob, "email")]
    assert slack_standin.told(by="bob") == [f"Done.\n{BY_EMAIL}"]


UNKNOWN = {
    "nobody has the address": {"email": "else@northwind.example"},
    "no address": {"email": ""},
    "an address that was not confirmed": {"confirmed": False},
    "a bot": {"is_bot": True},
    "deactivated at Slack": {"deleted": True},
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_somebody_unknown_is_told_what_to_do_and_handled_by_nobody(client, source, slack_standin, routes, settings, case):
    person("Bob")
    slack_standin.change_user(name="bob", **UNKNOWN[case])
    command(client, slack_standin, by="bob", text="emergency x")

    delivery = work()

    assert routes.got == []
    assert "whom nobody here knows" in delivery.note
    told = slack_standin.told(by="bob")
    assert len(told) == 1
    assert f"Sign in at {settings.BASE_URL} and link your Slack account" in told[0]


def test_an_account_that_is_linked_to_nobody_is_listed_until_somebody_explains_it(client, source, slack_standin, routes, ann):
    command(client, slack_standin, by="ann", text="emergency x")
    command(client, slack_standin, by="bob", text="emergency x")

    work()

    assert [seen.key for seen in unexplained()] == [("slack", f"{TEAM}:{uid(slack_standin, 'bob')}")]


def test_an_account_of_another_workspace_is_nobody_here(client, source, slack_standin, routes, message):
    person("Kim")
    slack_standin.add_user(name="kim", email="kim@northwind.example", team="T0ELSEWHER")
    react(client, slack_standin, message, by="kim")

    work()

    assert routes.got == []
    assert "another workspace" in slack_standin.told(by="kim")[0]


@pytest.mark.parametrize("linked", [True, False])
def test_somebody_who_has_left_does_nothing_any_more(client, source, slack_standin, routes, ann, linked):
    if not linked:
        slack_standin.change_user(name="rex", email="ann@northwind.example")
    type(ann).objects.filter(pk=ann.pk).update(left_at=now(), is_active=False)
    who = "ann" if linked else "rex"
    command(client, slack_standin, by=who, text="emergency x")

    work()

    assert routes.got == []
    assert "has been closed" in slack_standin.told(by=who)[0]


def test_a_linked_account_of_another_workspace_with_the_same_number_is_not_taken_for_ours(client, source, slack_standin, routes):
    ann = person("Ann")
    uid_elsewhere = f"T0ELSEWHER:{uid(slack_standin, 'bob')}"
    link_identity(user=ann, provider="slack", uid=uid_elsewhere, login="x", by="shell:test", at=now())
    command(client, slack_standin, by="bob", text="emergency x")

    work()

    assert routes.got == []


def test_a_refusal_is_told_in_its_own_words_and_leaves_nothing(client, source, slack_standin, routes, ann):
    routes.answer = Refused(Clause.ACCESS_RESTRICTED, "You cannot give the +1 to your own change.", "Ask somebody else.")
    command(client, slack_standin, text="emergency x")
    work()
    routes.answer = Stale("It was approved already.")
    command(client, slack_standin, text="emergency y")

    work()

    assert slack_standin.told(by="ann") == [
        "You cannot give the +1 to your own change. Ask somebody else.",
        "It was approved already.",
    ]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"applied"}


def test_what_a_handler_did_before_its_refusal_is_undone(client, source, slack_standin, routes, ann, message):
    @routing.action("half")
    def half(*, person, asked, at):
        Source.objects.filter(pk=source.pk).update(last_error="half done")
        raise Refused(Clause.ACCESS_RESTRICTED, "No.")

    press(client, slack_standin, message, action="half")
    work()

    assert Source.objects.get().last_error == ""
    assert slack_standin.told(by="ann") == ["No."]


IGNORED = {
    "an unknown command": (lambda c, s, m: command(c, s, text="pay"), "nobody here handles command pay"),
    "a bare word": (lambda c, s, m: command(c, s, text="emergency"), "nobody here handles command emergency"),
    "an unknown button": (lambda c, s, m: press(c, s, m, action="x"), "nobody here handles action x"),
    "another reaction": (lambda c, s, m: react(c, s, m, name="eyes"), "nobody here handles reaction eyes"),
    "another message": (lambda c, s, m: react(c, s, {**m, "ts": "1.000001"}), "nobody here handles reaction +1"),
    "a foreign team": (lambda c, s, m: command(c, s, text="emergency x", team_id="T666"), "from another workspace"),
    "a foreign team's button": (lambda c, s, m: press(c, s, m, user={"id": "U1", "team_id": "T666"}), "from another workspace"),
    "a foreign team's event": (lambda c, s, m: react(c, s, m, team_id="T666"), "from another workspace"),
}


@pytest.mark.parametrize("case", IGNORED)
def test_what_concerns_nobody_is_kept_and_not_used(client, source, slack_standin, routes, ann, message, case):
    act, note = IGNORED[case]
    act(client, slack_standin, message)

    delivery = work()

    assert (delivery.state, delivery.note) == ("ignored", note)
    assert routes.got == []
    assert slack_standin.told(by="ann") == []


def test_our_own_reaction_and_a_bots_are_not_a_persons(client, source, slack_standin, routes, message):
    slack_standin.add_user(name="robot", is_bot=True)
    ours = slack_standin.user("robot")
    slack_standin.store.save({**ours, "user_id": "U0CSIGNBOT"})
    react(client, slack_standin, message, by="robot")
    event = {"type": "reaction_added", "user": uid(slack_standin, "ann"), "reaction": "+1", "bot_id": "B1"}
    event["item"] = {"type": "message", "channel": slack_standin.channel("emergencies")["channel_id"], "ts": message["ts"]}
    send(client, json.dumps({"type": "event_callback", "event_id": "Ev2", "team_id": TEAM, "event": event}).encode())

    work()

    assert list(Delivery.objects.values_list("note", flat=True)) == ["a bot's own doing"] * 2


def test_the_same_event_thrice_has_one_effect(client, source, slack_standin, routes, ann, message):
    for number in (0, 1, 2):
        react(client, slack_standin, message, event_id="Ev7", event_context=f"{number}")

    work()

    assert len(routes.got) == 1


def test_removal_of_the_app_is_shown_as_a_broken_source(client, source):
    for name in ("events.app_uninstalled_body", "events.tokens_revoked_body"):
        send(client, json.dumps({**vendor_data.inbound(name), "event_id": name, "team_id": TEAM}).encode())

    work()

    assert Source.objects.get().failures == 2
    assert "Slack" in Source.objects.get().last_error or "app was removed" in Source.objects.get().last_error
    assert set(Delivery.objects.values_list("state", flat=True)) == {"applied"}
    lasting = ExceptionRecord.objects.get(kind="log_channel_down")
    assert (lasting.sentence, "until" in lasting.evidence) == ("The app was removed from the workspace.", False)


@pytest.mark.parametrize("body", [b"{", b'{"type": "event_callback"}', b"payload=7", b"command=x"])
def test_what_cannot_be_read_is_set_aside_with_the_reason(client, source, routes, body):
    send(client, body)

    delivery = work()

    assert delivery.state == "quarantined"
    assert delivery.note


def test_a_slack_that_cannot_say_who_it_was_is_asked_again(client, source, slack_standin, routes):
    person("Bob")
    slack_standin.faults.switch({"rules": [{"fault": "503", "path": "users.info", "times": 1}]})
    command(client, slack_standin, by="bob", text="emergency x")
    clock = Clock(now())
    drain(now=clock)
    waiting = Delivery.objects.get()

    clock.wait(60)
    drain(now=clock)

    assert (waiting.state, "503" in waiting.note) == ("new", True)
    assert Delivery.objects.get().state == "applied"
    assert len(routes.got) == 1


def test_an_app_that_may_not_ask_is_set_aside_and_the_person_is_told(client, source, slack_standin, routes):
    slack_standin.set_scopes(scopes=["chat:write", "commands"])
    command(client, slack_standin, by="bob", text="emergency x")

    delivery = work()

    assert (delivery.state, "users:read" in delivery.note) == ("quarantined", True)
    assert slack_standin.told(by="bob") == [UNASKED]


def test_the_workspace_is_asked_once(client, source, slack_standin, routes, ann):
    for text in ("emergency x", "emergency y"):
        command(client, slack_standin, text=text)

    work()

    assert Source.objects.get().settings["team"] == TEAM
    assert Source.objects.get().settings["channels"]["changes"]
    assert len(routes.got) == 2
