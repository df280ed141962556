"""Messages in Slack as effects: posted once, updated in place, answered in their thread (UX: one message, a thread for steps).

Kind ``slack.message``. The payload, in plain words (``blocks.message_of`` says how it looks):

    channel    "changes" or "emergencies" (as connected), or a channel's id
    person     instead of a channel: the id of a person of the portal, who gets a direct message
    text       the sentence; ``lines``, ``link``, ``buttons`` as there
    thread     the key of an effect of this kind: a reply in the thread of its message (then no channel is needed)
    update_of  the key of an effect of this kind: its message is replaced; posted if there is none. Give such effects a
               ``subject`` of their own when they are asked for, so that only the newest version is delivered

An answer can get lost after Slack has taken a message, so we look first: each message carries its name as metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from changes.connectors import errors
from changes.connectors.models import Posting, Source
from changes.connectors.slack.blocks import message_of
from changes.connectors.slack.client import Slack
from changes.connectors.slack.outside import connected, outside
from changes.connectors.slack.workspace import account_of, workspace
from portal.access.models import User
from portal.outbox.errors import Passing, Permanent
from portal.outbox.models import Effect
from portal.outbox.registry import deliverer

KIND = "slack.message"
MINUTES_BACK = timedelta(minutes=10)
"""How far before the effect's own time we look: clocks differ."""
AFTER_THE_OTHER = timedelta(seconds=2)
PURPOSES = ("changes", "emergencies")
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a message goes: a channel, and the thread in it if there is one."""

    channel: str
    thread_ts: str = ""


class Skipped(Exception):
    """Nothing is sent, and that is no error; the text says why."""


@deliverer(KIND)
def deliver_message(payload: Mapping[str, Any]) -> Result:
    """Bring about that the message stands in Slack. Returns ``{"posted", "channel", "ts", "permalink"}``, or why not."""
    source = connected()
    if isinstance(source, str):
        return {"posted": False, "reason": source}
    try:
        with outside():
            return _deliver(Slack(source=source), source, payload)
    except Skipped as reason:
        return {"posted": False, "reason": str(reason)}


def _deliver(client: Slack, source: Source, payload: Mapping[str, Any]) -> Result:
    earlier = str(payload.get("update_of") or "")
    name = earlier or str(payload["key"])
    row = Posting.objects.filter(source=source, name=name).first()
    if row is None and earlier:
        _wait_for(earlier)
    if row is None:
        row, is_new = _posted(client, source, name, payload)
        if is_new:
            return _result(row)
    if earlier:
        client.update(channel=row.channel, ts=row.ts, message=message_of(payload), name=name)
    return _result(row)


def _posted(client: Slack, source: Source, name: str, payload: Mapping[str, Any]) -> tuple[Posting, bool]:
    """The message of this name, found or posted now."""
    place = _place(client, source, payload)
    ts = client.find(channel=place.channel, name=name, oldest=_oldest(name, str(payload["key"])), thread_ts=place.thread_ts)
    is_new = not ts
    if is_new:
        ts = client.post(channel=place.channel, message=message_of(payload), name=name, thread_ts=place.thread_ts)
    permalink = _permalink(client, source, place.channel, ts)
    made = {"channel": place.channel, "ts": ts, "thread_ts": place.thread_ts, "permalink": permalink}
    return Posting.objects.create(source=source, name=name, **made), is_new


def _place(client: Slack, source: Source, payload: Mapping[str, Any]) -> Place:
    if payload.get("thread"):
        return _thread(source, str(payload["thread"]))
    if payload.get("person"):
        return Place(_direct(client, source, int(payload["person"])))
    wanted = str(payload.get("channel") or "")
    channel = source.settings.get("channels", {}).get(wanted) if wanted in PURPOSES else wanted
    if not channel:
        raise Permanent(f"no channel is set for {wanted or 'this message'}; connect Slack again with --channel")
    return Place(channel)


def _thread(source: Source, parent: str) -> Place:
    row = Posting.objects.filter(source=source, name=parent).first()
    if row is None:
        _wait_for(parent)
        raise Skipped("the message that it answers was not posted")
    return Place(row.channel, row.thread_ts or row.ts)


def _wait_for(key: str) -> None:
    """The other message comes first: while it waits, so do we, and the try does not count."""
    if Effect.objects.filter(key=key, state=Effect.State.WAITING).exists():
        raise Passing(AFTER_THE_OTHER, "the message that it belongs to is not posted yet")


def _direct(client: Slack, source: Source, person: int) -> str:
    found = User.objects.filter(pk=person).first()
    if found is None or found.left_at is not None or not found.is_active:
        raise Skipped("the person is not there any more")
    account = account_of(person=found, team=workspace(source=source, client=client)["team"], client=client)
    if isinstance(account, str):
        raise Permanent(account)
    return client.direct(user=account.id)


def _oldest(*keys: str) -> float:
    """Seconds since 1970: no message of these effects can be older."""
    asked = Effect.objects.filter(key__in=keys).order_by("created_at").values_list("created_at", flat=True).first()
    return max((asked - MINUTES_BACK).timestamp(), 0.0) if asked else 0.0


def _permalink(client: Slack, source: Source, channel: str, ts: str) -> str:
    """The address that Slack gives, or made as Slack makes it: the message stands there, whatever becomes of this question."""
    try:
        return client.permalink(channel=channel, ts=ts)
    except (errors.Passing, errors.Permanent):
        url = str(source.settings.get("url", ""))
        return f"{url}archives/{channel}/p{ts.replace('.', '')}" if url else ""


def _result(row: Posting) -> Result:
    return {"posted": True, "channel": row.channel, "ts": row.ts, "permalink": row.permalink}
