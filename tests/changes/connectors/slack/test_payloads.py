"""What Slack sends, taken apart: its own recordings, the stand-in's shapes, and what nobody should send."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.slack.payloads import Asked, Other, asked_of, moment_of, split_command, split_fields, unescaped
from tests.changes.connectors.slack import vendor_data


def form(**fields):
    return urlencode(fields).encode()


def button(**more):
    value = {
        "type": "block_actions",
        "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T1"},
        "channel": {"id": "C1"},
        "container": {"message_ts": "1.000002", "channel_id": "C1"},
        "response_url": "https://hooks.slack.com/actions/T1/1/x",
        "actions": [{"action_id": "plus_one", "value": "7", "action_ts": "1700000000.000100"}],
        **more,
    }
    return form(payload=json.dumps(value))


def event(**inner):
    return json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": inner}).encode()


REACTION = {
    "type": "reaction_added",
    "user": "U1",
    "reaction": "+1",
    "item": {"type": "message", "channel": "C1", "ts": "1.000002"},
}


def test_a_recorded_button_is_read():
    body = form(payload=json.dumps(vendor_data.inbound("block_actions.body")))

    assert asked_of(body=body) == Asked(
        what="action",
        name="a",
        user="W111",
        team="T111",
        channel="C111",
        message_ts="111.222",
        value="click_me_123",
        said_at=moment_of(ts="1596530385.194939"),
        response_url="https://hooks.slack.com/actions/T111/111/random-value",
    )


def test_a_recorded_reaction_is_read():
    body = json.dumps(vendor_data.inbound("events.valid_reaction_added_body")).encode()

    assert asked_of(body=body) == Asked(
        what="reaction",
        name="heart_eyes",
        user="W111",
        team="T111",
        channel="C111",
        message_ts="1599529504.000400",
        said_at=datetime(2020, 9, 9, 2, 1, 21, 800, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "name",
    [
        "events.app_uninstalled_body",
        "events.body",
        "events.join_event_body",
        "events.message_file_share_body",
        "events.tokens_revoked_body",
        "events.valid_event_body",
        "events_ignore_self.response_url_message_event",
        "message_changed.event_payload",
        "message_deleted.event_payload",
    ],
)
def test_other_recorded_events_are_not_used(name):
    recorded = vendor_data.inbound(name)

    found = asked_of(body=json.dumps(recorded).encode())

    assert isinstance(found, Other)
    assert found.event == recorded["event"]["type"]


@pytest.mark.parametrize("name", ["shortcut.global_shortcut_body", "view_closed.body", "view_submission.body"])
def test_other_recorded_interactions_are_not_used(name):
    recorded = vendor_data.inbound(name)

    assert asked_of(body=form(payload=json.dumps(recorded))) == Other(recorded["type"], f"{recorded['type']} is not used")


def test_a_command_is_taken_apart():
    body = form(
        command="/change",
        text="  Emergency search is down &amp; slow | roll back | none ",
        user_id="U1",
        team_id="T1",
        channel_id="C1",
        response_url="https://hooks.slack.com/commands/1",
        trigger_id="1.2.3",
    )

    assert asked_of(body=body) == Asked(
        what="command",
        name="emergency",
        user="U1",
        team="T1",
        channel="C1",
        text="search is down & slow | roll back | none ".strip(),
        fields=("search is down & slow", "roll back", "none"),
        response_url="https://hooks.slack.com/commands/1",
    )


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("", "", ""),
        ("   ", "", ""),
        ("help", "help", ""),
        ("EMERGENCY x y", "emergency", "x y"),
        ("emergency\nx\ny", "emergency", "x\ny"),
        ("emergency \n x", "emergency", "x"),
        ("a\x00b", "a␀b", ""),
    ],
)
def test_the_first_word_is_the_command(text, word, rest):
    assert split_command(text=text) == (word, rest)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", ()),
        ("what", ("what",)),
        ("what | fix | undo", ("what", "fix", "undo")),
        ("what||undo", ("what", "", "undo")),
        ("what\n\n fix \nundo\n", ("what", "fix", "undo")),
        ("what\nmore | fix", ("what\nmore", "fix")),
    ],
)
def test_fields_stand_between_bars_or_on_lines(text, fields):
    assert split_fields(text=text) == fields


def test_only_slacks_three_entities_are_signs_again():
    assert unescaped(text="&lt;a&gt; &amp;lt; &quot; &amp;amp;") == "<a> &lt; &quot; &amp;"


@pytest.mark.parametrize("name", ["+1", "+1::skin-tone-2", "+1::skin-tone-6"])
def test_a_reaction_of_any_skin_is_the_same(name):
    found = asked_of(body=event(**{**REACTION, "reaction": name}))

    assert (found.name, found.added) == ("+1", True)


def test_a_reaction_taken_back_and_one_of_a_bot_are_told_apart():
    back = asked_of(body=event(**{**REACTION, "type": "reaction_removed", "event_ts": "1700000000.000100"}))
    bots = asked_of(body=event(**REACTION, bot_id="B1"))

    assert (back.added, back.said_at, back.bot) == (False, datetime(2023, 11, 14, 22, 13, 20, 100, tzinfo=UTC), False)
    assert bots.bot


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (event(**{**REACTION, "item": {"type": "file", "file": "F1"}}), "a reaction to something that is no message"),
        (button(actions=[{"action_id": "open", "url": "https://x.example"}]), "a button that only opens a page"),
    ],
)
def test_what_changes_nothing_says_so(body, note):
    assert asked_of(body=body).note == note


def test_a_button_without_a_channel_or_a_team_of_its_user_is_read_from_the_rest():
    found = asked_of(body=button(user={"id": "U1"}, channel=None))
    bare = asked_of(body=button(user={"id": "U1"}, team=None, channel=None, container=None))

    assert (found.team, found.channel) == ("T1", "C1")
    assert (bare.team, bare.channel, bare.message_ts) == ("", "", "")


POISON = {
    "empty": b"",
    "half a form": b"a=b",
    "not utf-8": b"\xff\xfe",
    "not json": b"{",
    "an array": b"[]",
    "nan": b'{"type": NaN}',
    "3,000 deep": b"[" * 3000 + b"]" * 3000,
    "no type": b"{}",
    "type is a number": b'{"type": 7}',
    "event is a text": b'{"type": "event_callback", "event": "x"}',
    "no event": b'{"type": "event_callback"}',
    "payload is not json": form(payload="{"),
    "payload is a number": form(payload="7"),
    "a thousand fields": b"&".join(b"a%d=1" % number for number in range(1000)),
    "command of nobody": form(command="/change", text="x"),
    "no actions": button(actions=[]),
    "actions is an object": button(actions={"a": 1}),
    "action without id": button(actions=[{}]),
    "user is a text": button(user="U1"),
    "reaction by nobody": event(**{**REACTION, "user": None}),
    "reaction is a number": event(**{**REACTION, "reaction": 1}),
    "item without ts": event(**{**REACTION, "item": {"type": "message", "channel": "C1"}}),
}


@pytest.mark.parametrize("case", POISON)
def test_poison_is_refused_in_words(case):
    with pytest.raises((Unreadable, Incomplete)) as refused:
        asked_of(body=POISON[case])
    assert str(refused.value)


@pytest.mark.parametrize("ts", ["", "x", "1", "1.", "1e5.0", "-1.0", "9" * 13 + ".0"])
def test_a_ts_that_is_none_is_no_moment(ts):
    assert moment_of(ts=ts) is None
