"""Takes apart what Slack sends: events (JSON), buttons (a form field with JSON), commands (form fields). Pure.

https://docs.slack.dev/apis/events-api, /interactivity/handling-user-interaction, /interactivity/implementing-slash-commands.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs

from changes.connectors.fields import Fields, Incomplete, Unreadable, clean, read_json

MOST_FIELDS = 60
"""Form fields; Slack sends about fifteen."""
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}", re.ASCII)
_SKIN = re.compile(r"::skin-tone-[0-9]$", re.ASCII)
_ESCAPED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that somebody did in Slack. Ids are Slack's own; what does not apply is empty."""

    what: str
    """command, action or reaction."""
    name: str
    """First word of the command, action id of the button, or the reaction without its skin tone."""
    user: str
    team: str
    channel: str
    message_ts: str = ""
    """The message that was reacted to or whose button was pressed."""
    text: str = ""
    """What stands behind the command's first word."""
    fields: tuple[str, ...] = ()
    """``text`` taken apart at ``|``, or into lines where there is none."""
    value: str = ""
    """The button's value."""
    added: bool = True
    """False when a reaction was taken back."""
    said_at: datetime | None = None
    """When it happened by Slack's clock; None for commands. Deliveries can come out of order."""
    bot: bool = False
    response_url: str = field(default="", repr=False)
    message: str = ""
    """The key under which the portal posted that message; empty when it is not one of ours. Filled in by the worker."""
    thread_ts: str = ""
    """The thread that this message is a reply in. Filled in by the worker."""
    known_by: str = ""
    """How the person was recognised: identity or email. Filled in by the worker."""


@dataclass(frozen=True)
class Other:
    """Something that changes nothing here, with words for the inbox."""

    event: str
    note: str
    fields: Fields | None = None
    """Slack's own event, for those about a channel."""


def fields_of(*, body: bytes) -> tuple[str, Fields]:
    """(event, values) of a request. ``event`` is Slack's type: ``command``, ``block_actions``, ``reaction_added``.

    Raises ``Unreadable``.
    """
    if body.lstrip()[:1] in (b"{", b"["):
        return _typed(Fields.of(value=read_json(body=body), path=""))
    try:
        form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as wrong:
        raise Unreadable(f"The body is neither JSON nor a form: {clean(text=str(wrong))[:100]}") from None
    values = {name: given[0] for name, given in form.items()}
    if "payload" in values:
        return _typed(Fields.of(value=read_json(body=values["payload"].encode()), path="payload"))
    if "command" in values:
        return "command", Fields(values=values, path="")
    raise Unreadable("The body is no event, no button and no command")


def _typed(fields: Fields) -> tuple[str, Fields]:
    kind = fields.needed_text("type")
    if kind != "event_callback":
        return kind, fields
    return fields.needed("event").needed_text("type"), fields


def asked_of(*, body: bytes) -> Asked | Other:
    """What a request asks for. Raises ``Unreadable`` and ``Incomplete`` with the reason."""
    event, fields = fields_of(body=body)
    reader = READERS.get(event)
    if reader is None:
        return Other(event, f"{event} is not used", fields.within("event") if fields.has("event") else None)
    return reader(fields)


def _command(fields: Fields) -> Asked:
    word, text = split_command(text=fields.text("text") or "")
    return Asked(
        what="command",
        name=word,
        user=fields.needed_text("user_id"),
        team=fields.text("team_id") or "",
        channel=fields.text("channel_id") or "",
        text=text,
        fields=split_fields(text=text),
        response_url=fields.text("response_url") or "",
    )


def _action(fields: Fields) -> Asked | Other:
    """The first action; Slack sends one for a button."""
    actions = fields.items("actions")
    if not actions:
        raise Incomplete("actions is empty")
    action, user, container = actions[0], fields.needed("user"), fields.within("container")
    if action.text("url"):
        return Other("block_actions", "a button that only opens a page")
    team = user.text("team_id") or _within(fields, "team", "id")
    return Asked(
        what="action",
        name=action.needed_text("action_id"),
        user=user.needed_text("id"),
        team=team,
        channel=_within(fields, "channel", "id") or (container.text("channel_id") if container else "") or "",
        message_ts=_stamp(container.text("message_ts") if container else None),
        value=action.text("value") or "",
        said_at=moment_of(ts=action.text("action_ts") or ""),
        response_url=fields.text("response_url") or "",
    )


def _reaction(fields: Fields) -> Asked | Other:
    event = fields.needed("event")
    kind, item = event.needed_text("type"), event.needed("item")
    if item.text("type") != "message":
        return Other(kind, "a reaction to something that is no message")
    return Asked(
        what="reaction",
        name=_SKIN.sub("", event.needed_text("reaction")),
        user=event.needed_text("user"),
        team=fields.text("team_id") or "",
        channel=item.needed_text("channel"),
        message_ts=_stamp(item.needed_text("ts")),
        added=kind == "reaction_added",
        said_at=moment_of(ts=event.text("event_ts") or ""),
        bot=bool(event.text("bot_id")),
    )


READERS: dict[str, Callable[[Fields], Asked | Other]] = {
    "command": _command,
    "block_actions": _action,
    "reaction_added": _reaction,
    "reaction_removed": _reaction,
}


def _within(fields: Fields, name: str, inner: str) -> str:
    found = fields.within(name)
    return (found.text(inner) if found else "") or ""


def _stamp(text: str | None) -> str:
    return text if text is not None and _TS.fullmatch(text) else ""


def moment_of(*, ts: str) -> datetime | None:
    """Slack's ``1599616881.000800`` as a time in UTC; None for anything else."""
    return datetime.fromtimestamp(float(ts), UTC) if _TS.fullmatch(ts) else None


def split_command(*, text: str) -> tuple[str, str]:
    """(first word in lower case, the rest) of what was typed behind the slash command."""
    word, *rest = clean(text=unescaped(text=text)).strip().split(maxsplit=1) or [""]
    return word.lower(), rest[0] if rest else ""


def split_fields(*, text: str) -> tuple[str, ...]:
    """``what | fix | undo`` as three fields, an empty one kept; without ``|`` every line that is not blank is one."""
    if "|" in text:
        return tuple(part.strip() for part in text.split("|"))
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def unescaped(*, text: str) -> str:
    """Slack writes ``&``, ``<`` and ``>`` of people's text as entities, and only these."""
    return re.sub(r"&(?:lt|gt|amp);", lambda found: _ESCAPED[found[0]], text)
