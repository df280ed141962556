"""One story through real HTTP in both directions: typed in Slack, posted in Slack, answered by a button and a reaction."""

import time

import pytest
from django.utils.timezone import now

from changes.connectors.inbox import drain
from changes.connectors.models import Delivery
from changes.connectors.slack import routing
from portal.access.identities import link_identity
from portal.outbox.actions import enqueue
from portal.outbox.delivery import deliver_due
from tests.changes.connectors.slack.conftest import SECRET
from tests.changes.people import person
from tests.pace import SHARED

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(source, slack_standin, live_server, routes, settings):
    """Ann and Bob are linked, and what is typed in Slack comes to the portal over the line."""
    settings.BASE_URL = live_server.url
    for name in ("Ann", "Bob"):
        uid = f"T0NORTHWND:{slack_standin.user(name.lower())['user_id']}"
        link_identity(user=person(name), provider="slack", uid=uid, login=name.lower(), by="shell:test", at=now())
    slack_standin.hooks(url=f"{live_server.url}/hooks/slack/", secret=SECRET)
    return slack_standin


def work(slack):
    slack.flush()
    drain(now=now)
    deliver_due(now=now)


def test_an_emergency_is_typed_posted_and_answered_within_seconds(company, monkeypatch):
    given = []
    monkeypatch.setattr(routing, "_commands", {})
    monkeypatch.setattr(routing, "_reactions", {})

    @routing.command("emergency", usage="what | fix | undo")
    def declare(*, person, asked, at):
        what, fix, undo = asked.fields
        buttons = [{"text": "+1", "action": "plus_one", "value": "1", "style": "primary"}]
        payload = {"channel": "emergencies", "text": f"Emergency: {what}", "lines": [fix, undo], "buttons": buttons}
        enqueue(kind="slack.message", key="emergency:1", payload=payload, at=at)
        return f"Declared, {person.name}."

    @routing.reaction("+1")
    def plus(*, person, asked, at):
        given.append((person.name, asked.message, asked.added))
        enqueue(
            kind="slack.message",
            key=f"emergency:1:{person.name}",
            payload={"thread": asked.message, "text": f"+1 by {person.name}"},
            at=at,
        )
        return ""

    assert company.verify()
    began = time.monotonic()
    outcome = company.command(by="ann", channel="emergencies", text="emergency Search <down> | roll back | release again")
    work(company)
    first = company.posts(channel="emergencies")[0]
    company.react(channel="emergencies", ts=first["ts"], by="bob", name="+1::skin-tone-5")
    company.send_again()
    work(company)
    took = time.monotonic() - began

    assert (outcome["status"], outcome["seconds"] < 3 * SHARED) == (200, True)
    assert company.told(by="ann") == ["Received. The answer follows here in a moment.", "Declared, Ann."]
    assert first["text"] == "Emergency: Search &lt;down&gt;"
    assert given == [("Bob", "emergency:1", True)]
    assert [row["text"] for row in company.messages(channel="emergencies", thread=first["ts"])] == [first["text"], "+1 by Bob"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"applied"}
    assert took < 5 * SHARED


def test_a_button_pressed_in_slack_comes_back_as_words(company, routes):
    posted = {"type": "button", "action_id": "plus_one", "value": "7", "text": {"type": "plain_text", "text": "+1"}}
    where = company.channel("emergencies")
    row = company.add_message(where, {"user": "U0CSIGNBOT", "text": "x", "blocks": [{"type": "actions", "elements": [posted]}]})

    outcome = company.press(channel="emergencies", ts=row["ts"], by="bob", action="plus_one")
    work(company)

    assert (outcome["status"], outcome["body"]) == (200, "")
    assert [(person.name, asked.value) for person, asked, _ in routes.got] == [("Bob", "7")]
    assert company.told(by="bob") == ["Done."]
    assert company.told(by="ann") == []
