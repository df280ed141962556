"""What the door needs to know of a request before it is stored: its name, and what Slack is told within three seconds."""

import hashlib
import json
from collections.abc import Mapping

from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.named import Named
from changes.connectors.slack import routing
from changes.connectors.slack.payloads import fields_of, split_command

LONGEST_ID = 80
LONGEST_CHALLENGE = 500
UNREADABLE = "unreadable"


def named(body: bytes, headers: Mapping[str, str]) -> Named:
    """Name a genuine request. Never raises: what cannot be read is stored under its digest, and set aside by the worker.

    Slack sends an event again under its ``event_id``; a button or a command carries a ``trigger_id`` of its own.
    """
    try:
        event, fields = fields_of(body=body)
        if event == "url_verification":
            return Named(
                "", event, answer=_json({"challenge": fields.needed_text("challenge", limit=LONGEST_CHALLENGE)}), kept=False
            )
        name = fields.text("event_id") or fields.text("trigger_id") or ""
        return Named(_plain(name) or _digest(body), _plain(event)[:60] or UNREADABLE, answer=_answer(event, fields))
    except (Unreadable, Incomplete):
        return Named(_digest(body), UNREADABLE, answer=b"")


def _answer(event: str, fields: Fields) -> bytes:
    """A command is answered with words for this person alone; for the rest an empty 200 is what Slack wants."""
    if event != "command":
        return b""
    word, text = split_command(text=fields.text("text") or "")
    return _json({"response_type": "ephemeral", "text": routing.first_answer(word=word, text=text)})


def _plain(text: str) -> str:
    return text if len(text) <= LONGEST_ID and text.isascii() and text.isprintable() else ""


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _json(value: dict[str, str]) -> bytes:
    return json.dumps(value).encode()
