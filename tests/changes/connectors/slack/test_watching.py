"""The channels are watched by events and by the poll: what is wrong lasts as an exception until it is well again."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import now

from changes.connectors.fields import Fields
from changes.connectors.models import Delivery, Source
from changes.connectors.polling import poll_due
from changes.connectors.slack import client as client_module
from changes.connectors.slack.rights import held_in
from changes.connectors.wellbeing import judge
from changes.entitlements.models import Entitlement
from changes.exceptions.models import ExceptionRecord
from changes.training import queries as training
from portal import vault
from portal.access.accounts.seeing import met_accounts
from portal.access.identities import link_identity
from portal.access.models import User
from portal.standins.slack import shapes
from tests.changes.connectors.slack import vendor_data
from tests.changes.connectors.slack.requests import send
from tests.changes.connectors.slack.test_handlers import work
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
LOG = "production-changes"


@pytest.fixture
def poll(source):
    """Ask Slack, two minutes later each time. Returns the moment."""
    clock = [now()]

    def turn(minutes=2):
        clock[0] += timedelta(minutes=minutes)
        Source.objects.update(not_before=None)
        poll_due(now=lambda: clock[0])
        return clock[0]

    turn()
    return turn


def lasting():
    return list(ExceptionRecord.objects.order_by("id").values_list("kind", "state", "sentence"))


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ({"archived": True}, {"archived": False}, "is archived"),
        ({"app": False}, {"app": True}, "the app is not in"),
        ({"name": "prod-log"}, {"name": LOG}, "#production-changes is called #prod-log now"),
    ],
)
def test_what_the_poll_finds_wrong_lasts_until_it_finds_it_right(poll, slack_standin, wrong, right, words):
    channel = slack_standin.channel(LOG)["channel_id"]
    slack_standin.change_channel(channel=channel, **wrong)
    found = poll()
    poll()

    [(kind, state, sentence)] = lasting()
    assert (kind, state) == ("log_channel_down", "open")
    assert words in sentence
    slack_standin.change_channel(channel=channel, **right)
    ended = poll()

    record = ExceptionRecord.objects.get()
    assert record.state == "repaired"
    assert record.evidence["since"] == (found - timedelta(minutes=2)).isoformat(), "the last time that it was well"
    assert (record.evidence["found_at"], record.evidence["until"]) == (found.isoformat(), ended.isoformat())
    slack_standin.change_channel(channel=channel, **wrong)
    poll()
    assert [state for _, state, _ in lasting()] == ["repaired", "open"], "another interval is another exception"


def test_a_revoked_token_lasts_until_another_one_is_given(poll, slack_standin):
    fresh = slack_standin.revoke_token()
    poll()
    assert "token" in lasting()[0][2]

    Source.objects.update(token_encrypted=vault.seal(fresh))
    poll()

    assert [state for _, state, _ in lasting()] == ["repaired"]


def test_an_outage_is_an_exception_once_it_is_long(poll, slack_standin):
    slack_standin.faults.switch({"rules": [{"fault": "broken-json", "path": "auth.test", "times": 9}]})
    slack_standin.faults.switch({"rules": [{"fault": "503", "path": "auth.test", "times": 2}]})
    poll()
    assert lasting() == []

    poll(minutes=16)
    poll()

    [(_, state, sentence)] = lasting()
    assert (state, sentence.startswith("Slack has been away since")) == ("repaired", True)


EVENTS = {
    "archived": ("channel_archive", {}, "#production-changes was archived."),
    "left": ("channel_left", {}, "The app was removed from #production-changes."),
    "somebody left": ("member_left_channel", {"user": "U0SOMEBODY"}, ""),
    "another channel": ("channel_archive", {"channel": "C0OTHER"}, ""),
}


@pytest.mark.parametrize("case", EVENTS)
def test_an_event_about_our_channel_begins_it_at_once(client, poll, slack_standin, case):
    kind, changed, words = EVENTS[case]
    event = {"type": kind, "channel": slack_standin.channel(LOG)["channel_id"], "event_ts": slack_standin.next_ts(), **changed}
    send(client, json.dumps(shapes.event(event)).encode())

    work()

    assert [sentence for _, _, sentence in lasting()] == ([words] if words else [])
    assert Delivery.objects.get().state == ("applied" if words else "ignored")
    poll()
    assert all(state == "repaired" for _, state, _ in lasting()), "the poll finds everything well"


def test_people_without_a_linked_account_get_one_suggested_by_their_address(poll, slack_standin):
    bob, zoe = person("Bob"), person("Zoe")

    poll()
    first = Source.objects.get().settings["looked_up"]
    poll()

    assert [(met.login, met.mails) for met in met_accounts()] == [("bob", frozenset({"bob@northwind.example"}))]
    assert set(first) == {str(bob.pk), str(zoe.pk)}
    assert Source.objects.get().settings["looked_up"] == first, "asked once a week"


def test_who_is_in_the_workspace_is_kept_as_rights_and_counts_for_training(poll, slack_standin, monkeypatch):
    """Owner, member, guest, bot and somebody of another workspace; what cannot be read is said and leaves the log alone."""
    monkeypatch.setattr(client_module, "PAGE", 3)
    slack_standin.change_user(name="ann", standing="primary_owner")
    slack_standin.change_user(name="rex", deleted=True)
    slack_standin.add_user(name="gus", standing="single_guest")
    slack_standin.add_user(name="robot", is_bot=True)
    slack_standin.add_user(name="kim", team="T0ELSEWHER", standing="admin")
    ann = slack_standin.user("ann")["user_id"]
    owner = User.objects.create(email="ann@elsewhere.example", name="Ann", joined_at=now() - timedelta(days=9))
    with transaction.atomic():
        link_identity(user=owner, provider="slack", uid=f"T0NORTHWND:{ann}", login="ann", by="shell:test", at=now())

    at = poll(minutes=61)

    rows = Entitlement.objects.filter(ended_at=None, thing__key="slack.workspace:T0NORTHWND")
    held = {row.account_name: (row.account_kind, row.right, row.vendor_word) for row in rows}
    assert held == {
        "Ann Berg": ("person", "admin", "primary owner"),
        "Bob Okafor": ("person", "write", "member"),
        "gus": ("person", "read", "guest of one channel"),
        "robot": ("app", "write", "bot"),
        "kim": ("person", "read", "guest of another workspace"),
    }
    assert [member.person for member in training.members(at=at)] == [owner]
    slack_standin.change_user(name="gus", deleted=True)
    poll(minutes=30)
    assert rows.all().count() == 5, "read every hour"
    slack_standin.faults.switch({"rules": [{"fault": "broken-json", "path": "users.list", "times": 1}]})
    poll(minutes=31)
    assert judge(Source.objects.get(), now())[1].startswith("Its members cannot be read: ")
    assert (rows.all().count(), lasting()) == (5, [])
    poll(minutes=61)
    assert rows.all().count() == 4


def test_the_official_examples_of_members_are_read():
    said = vendor_data.response("users.list")["200"]
    users = [Fields.of(value=value, path="members") for value in said["members"]]

    held = held_in(users, team="T012AB3C4", name="Ghostbusters")

    assert ("T012AB3C4:W012A3CDE", "admin", "admin") in {(one.account_id, one.right, one.vendor_word) for one in held}
    assert len(held) == len(users)
