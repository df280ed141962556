"""The methods of the Web API that the portal uses."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from portal.standins.slack import shapes
from portal.standins.slack.calls import METHODS, Args, decoded, method, needed
from portal.standins.slack.checks import check_blocks, check_metadata
from portal.standins.slack.world import APP, BOT, BOT_USER, TEAM, SlackError
from portal.standins.store import Row

if TYPE_CHECKING:
    from portal.standins.slack.standin import SlackStandIn

__all__ = ["METHODS"]
LONGEST_TEXT = 40_000


@method("auth.test", takes_json=True)
def auth_test(world: "SlackStandIn", args: Args) -> Row:
    """Who the token is."""
    address = f"https://{TEAM['domain']}.slack.com/"
    who = {"user": "countersign", "user_id": BOT_USER, "bot_id": BOT, "app_id": APP}
    return {"url": address, "team": TEAM["name"], "team_id": TEAM["id"], **who, "is_enterprise_install": False}


@method("chat.postMessage", scope="chat:write", takes_json=True)
def post_message(world: "SlackStandIn", args: Args) -> Row:
    """Posts as the app."""
    where = _writable(world, needed(args, "channel", "channel_not_found"))
    body = _content(args)
    thread = str(args.get("thread_ts") or "")
    if thread:
        parent = world.store.one("message", place=where["channel_id"], subject=thread)
        if parent is None:
            raise SlackError("thread_not_found")
        thread = parent["thread_ts"] or thread
    kept = {"user": BOT_USER, "thread_ts": thread, "client_msg_id": str(args.get("client_msg_id") or "")}
    row = world.add_message(where, {**body, **kept})
    return {"channel": where["channel_id"], "ts": row["ts"], "message": shapes.message(world, row, metadata=True)}


@method("chat.update", scope="chat:write", takes_json=True)
def update(world: "SlackStandIn", args: Args) -> Row:
    """Replaces a message of the app."""
    where = world.channel(needed(args, "channel", "channel_not_found"))
    row = world.message(where, needed(args, "ts", "message_not_found"))
    if row["user"] != BOT_USER:
        raise SlackError("cant_update_message")
    row |= {**_content(args), "edited": world.next_ts()}
    world.store.save(row)
    return {"channel": where["channel_id"], "ts": row["ts"], "text": row["text"], "message": shapes.message(world, row)}


@method("chat.postEphemeral", scope="chat:write", takes_json=True)
def post_ephemeral(world: "SlackStandIn", args: Args) -> Row:
    """Tells one person something."""
    where = _writable(world, needed(args, "channel", "channel_not_found"))
    who = world.user(needed(args, "user", "user_not_in_channel"))
    row = world.whisper(where, who["user_id"], _content(args)["text"], blocks=_content(args)["blocks"])
    return {"message_ts": row["ts"]}


@method("chat.delete", scope="chat:write", takes_json=True)
def delete(world: "SlackStandIn", args: Args) -> Row:
    """Deletes a message of the app."""
    where = world.channel(needed(args, "channel", "channel_not_found"))
    row = world.message(where, needed(args, "ts", "message_not_found"))
    if row["user"] != BOT_USER:
        raise SlackError("cant_delete_message")
    world.store.delete(row)
    return {"channel": where["channel_id"], "ts": row["ts"]}


@method("chat.getPermalink")
def get_permalink(world: "SlackStandIn", args: Args) -> Row:
    """The address of a message."""
    where = world.channel(needed(args, "channel", "channel_not_found"))
    row = world.message(where, needed(args, "message_ts", "message_not_found"))
    return {"channel": where["channel_id"], "permalink": shapes.permalink(where["channel_id"], row["ts"], row["thread_ts"])}


@method("conversations.list", scope="channels:read")
def conversations_list(world: "SlackStandIn", args: Args) -> Row:
    """The channels, in pages."""
    rows, cursor = _page([row for row in world.channels() if not row["private"]], args)
    return {"channels": [shapes.channel(row) for row in rows], "response_metadata": {"next_cursor": cursor}}


@method("conversations.info", scope="channels:read")
def conversations_info(world: "SlackStandIn", args: Args) -> Row:
    """One channel. A private one is hidden from an app that is not in it."""
    row = world.channel(needed(args, "channel", "channel_not_found"))
    if row["private"] and not row["app"]:
        raise SlackError("channel_not_found")
    return {"channel": shapes.channel(row)}


@method("conversations.open", scope="im:write", takes_json=True)
def conversations_open(world: "SlackStandIn", args: Args) -> Row:
    """Direct messages with a person."""
    who = world.user(needed(args, "users", "users_list_not_supplied"))
    return {"channel": {"id": world.direct_channel(who["user_id"])["channel_id"]}}


@method("conversations.history")
def history(world: "SlackStandIn", args: Args) -> Row:
    """Messages of a channel without replies, newest first."""
    where = _readable(world, args)
    rows = [row for row in reversed(world.messages(channel=where["channel_id"])) if _within(row, args)]
    return _listed(world, rows, args)


@method("conversations.replies")
def replies(world: "SlackStandIn", args: Args) -> Row:
    """A thread with its first message, oldest first."""
    where = _readable(world, args)
    rows = world.messages(channel=where["channel_id"], thread=needed(args, "ts", "thread_not_found"))
    if not rows:
        raise SlackError("thread_not_found")
    return _listed(world, rows, args)


@method("users.info", scope="users:read")
def users_info(world: "SlackStandIn", args: Args) -> Row:
    """A person."""
    row = world.user(needed(args, "user", "user_not_found"))
    return {"user": shapes.user(row, email="users:read.email" in world.scopes)}


@method("users.list", scope="users:read")
def users_list(world: "SlackStandIn", args: Args) -> Row:
    """Everybody, in pages; people of other workspaces in shared channels too."""
    rows, cursor = _page(world.users(), args)
    email = "users:read.email" in world.scopes
    return {
        "members": [shapes.user(row, email=email) for row in rows],
        "cache_ts": 1_790_000_000,
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.lookupByEmail", scope="users:read.email")
def lookup(world: "SlackStandIn", args: Args) -> Row:
    """A person by e-mail address."""
    email = needed(args, "email", "users_not_found").lower()
    for row in world.users():
        if row["email"].lower() == email and row["team"] == TEAM["id"] and not row["deleted"]:
            return {"user": shapes.user(row, email=True)}
    raise SlackError("users_not_found")


@method("reactions.add", scope="reactions:write", takes_json=True)
def reactions_add(world: "SlackStandIn", args: Args) -> Row:
    """The app reacts."""
    return _react(world, args, added=True)


@method("reactions.remove", scope="reactions:write", takes_json=True)
def reactions_remove(world: "SlackStandIn", args: Args) -> Row:
    """The app takes its reaction back."""
    return _react(world, args, added=False)


@method("reactions.get", scope="reactions:read")
def reactions_get(world: "SlackStandIn", args: Args) -> Row:
    """A message with its reactions."""
    where = world.channel(needed(args, "channel", "channel_not_found"))
    row = world.message(where, needed(args, "timestamp", "message_not_found"))
    return {"type": "message", "channel": where["channel_id"], "message": shapes.message(world, row)}


def _react(world: "SlackStandIn", args: Args, *, added: bool) -> Row:
    ts, name = needed(args, "timestamp", "no_item_specified"), needed(args, "name", "invalid_name")
    world.change_reaction(needed(args, "channel", "channel_not_found"), ts, BOT_USER, name, added=added)
    return {}


def _writable(world: "SlackStandIn", where: str) -> Row:
    """A channel that the app may write to; a person's id is their direct messages."""
    row = world.direct_channel(where) if where.startswith("U") else world.channel(where)
    if row["archived"]:
        raise SlackError("is_archived")
    if not row["app"]:
        raise SlackError("channel_not_found" if row["private"] else "not_in_channel")
    return row


def _readable(world: "SlackStandIn", args: Args) -> Row:
    row = world.channel(needed(args, "channel", "channel_not_found"))
    scope = "im:history" if row["with"] else "groups:history" if row["private"] else "channels:history"
    if scope not in world.scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(world.scopes))
    if not row["app"]:
        raise SlackError("not_in_channel")
    return row


def _content(args: Args) -> Row:
    text, blocks = str(args.get("text") or ""), decoded(args.get("blocks") or [])
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > LONGEST_TEXT:
        raise SlackError("msg_too_long")
    check_blocks(blocks)
    metadata = decoded(args.get("metadata") or None)
    check_metadata(metadata)
    return {"text": text, "blocks": blocks, "metadata": metadata}


def _within(row: Row, args: Args) -> bool:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    inclusive = args.get("inclusive") in {"true", "1", True}
    at = float(row["ts"])
    return oldest < at < latest or (inclusive and at in (oldest, latest))


def _listed(world: "SlackStandIn", rows: list[Row], args: Args) -> Row:
    shown, cursor = _page(rows, args)
    metadata = args.get("include_all_metadata") in {"true", "1", True}
    messages = [shapes.message(world, row, metadata=metadata) for row in shown]
    return {"messages": messages, "has_more": bool(cursor), "pin_count": 0, "response_metadata": {"next_cursor": cursor}}


def _page(rows: list[Row], args: Args) -> tuple[list[Row], str]:
    """A page and the cursor of the next one; "" at the end."""
    limit = min(max(int(args.get("limit") or 100), 1), 999)
    start = _place(args.get("cursor") or "")
    more = start + limit < len(rows)
    return rows[start : start + limit], base64.b64encode(f"place:{start + limit}".encode()).decode() if more else ""


def _place(cursor: Any) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(str(cursor), validate=True).decode().removeprefix("place:"))
    except (binascii.Error, ValueError) as problem:
        raise SlackError("invalid_cursor") from problem
