"""Requests as Slack makes them, signed, for the door in a test."""

import json
import time
from urllib.parse import urlencode

from changes.connectors.slack.signature import sign
from portal.standins.slack import shapes
from tests.changes.connectors.slack.conftest import SECRET

FORM = "application/x-www-form-urlencoded"


def send(client, body, *, content="application/json", secret=SECRET, ago=0, **headers):
    """Post these bytes, signed so many seconds ago; a header given as None is left out."""
    stamp = str(int(time.time()) - ago)
    signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": sign(body=body, stamp=stamp, secret=secret)}
    sent = {name: value for name, value in {**signed, **headers}.items() if value is not None}
    return client.post("/hooks/slack/", data=body, content_type=content, headers=sent)


def command(client, slack, *, by="ann", text="", url="", **changed):
    """A slash command of somebody in #emergencies."""
    where, who = slack.channel("emergencies"), slack.user(by)
    made = shapes.command(slack, who=who, where=where, slash="/change", text=text, response_url=url or respond(slack, where, who))
    return send(client, urlencode({**made, **changed}).encode(), content=FORM)


def press(client, slack, row, *, by="ann", action="plus_one", **changed):
    """A button of a message in #emergencies is pressed."""
    where, who = slack.channel("emergencies"), slack.user(by)
    element = {"type": "button", "action_id": action, "value": "7", "text": {"type": "plain_text", "text": "+1"}}
    made = shapes.block_actions(slack, who=who, where=where, row=row, element=element, response_url=respond(slack, where, who))
    return send(client, urlencode({"payload": json.dumps({**made, **changed})}).encode(), content=FORM)


def react(client, slack, row, *, by="ann", name="+1", kind="reaction_added", **changed):
    """A reaction to a message in #emergencies."""
    who = slack.user(by)["user_id"]
    where = slack.channel("emergencies")["channel_id"]
    inner = shapes.reaction(kind, who=who, name=name, channel_id=where, row=row, ts=slack.next_ts())
    return send(client, json.dumps({**shapes.event(inner), **changed}).encode())


def respond(slack, where, who):
    return slack.response_url(where, who)
