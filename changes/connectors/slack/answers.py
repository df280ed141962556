"""What one person is told in Slack after a command, a button or a reaction, seen by nobody else. Kind ``slack.answer``.

Such an answer cannot be looked for, so a worker that dies between Slack's answer and the commit tells it twice.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from changes.connectors import errors
from changes.connectors.slack.blocks import whispered
from changes.connectors.slack.client import Slack
from changes.connectors.slack.outside import connected, outside
from changes.connectors.slack.payloads import Asked
from portal.outbox.actions import enqueue
from portal.outbox.registry import deliverer

KIND = "slack.answer"


def answer(*, asked: Asked, text: str, key: str, at: datetime) -> None:
    """Tell whoever asked, once, in the caller's transaction. An empty text tells nothing."""
    if not text:
        return
    payload = {"user": asked.user, "channel": asked.channel, "response_url": asked.response_url, "text": text}
    payload |= {"thread_ts": asked.thread_ts} if asked.thread_ts else {}
    enqueue(kind=KIND, key=key, payload=payload, at=at)


@deliverer(KIND)
def deliver_answer(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say it where it was asked; where that is closed (the address has expired, we are not in the channel), directly."""
    source = connected()
    if isinstance(source, str):
        return {"told": "", "reason": source}
    text = whispered(text=payload["text"])
    with outside():
        client = Slack(source=source)
        for way in (_respond, _whisper):
            with suppress(errors.Permanent):  # closed to us: the next way
                if way(client, payload, text):
                    return {"told": way.__name__.strip("_")}
        client.post(channel=client.direct(user=payload["user"]), message={"text": text})
    return {"told": "direct"}


def _respond(client: Slack, payload: Mapping[str, Any], text: str) -> bool:
    if not payload.get("response_url"):
        return False
    client.respond(response_url=payload["response_url"], text=text)
    return True


def _whisper(client: Slack, payload: Mapping[str, Any], text: str) -> bool:
    if not payload.get("channel"):
        return False
    client.whisper(channel=payload["channel"], user=payload["user"], text=text, thread_ts=payload.get("thread_ts", ""))
    return True
