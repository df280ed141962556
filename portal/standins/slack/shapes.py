"""People, channels, messages and requests to the portal in Slack's shapes."""

import secrets
import time
from typing import Any

from portal.standins.slack.world import APP, BOT, BOT_USER, TEAM, SlackWorld
from portal.standins.store import Row


def user(row: Row, *, email: bool) -> Row:
    """``users.info``. The address is told only with the scope users:read.email."""
    profile = {"real_name": row["real_name"], "display_name": row["name"], "team": row["team"]}
    return {
        "id": row["user_id"],
        "team_id": row["team"],
        "name": row["name"],
        "deleted": row["deleted"],
        "real_name": row["real_name"],
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": {**profile, **({"email": row["email"]} if email and row["email"] else {})},
        **_standing(row.get("standing", "member")),
        "is_bot": row["is_bot"],
        "is_app_user": False,
        "is_email_confirmed": row["confirmed"],
        "updated": 1_790_000_000,
    }


def _standing(word: str) -> Row:
    """Slack's marks of a standing: whoever owns is an admin too, a guest of one channel a guest too."""
    primary, owner, one = word == "primary_owner", word in ("primary_owner", "owner"), word == "single_guest"
    return {
        "is_admin": owner or word == "admin",
        "is_owner": owner,
        "is_primary_owner": primary,
        "is_restricted": one or word == "guest",
        "is_ultra_restricted": one,
    }


def channel(row: Row) -> Row:
    """``conversations.info``."""
    if row["with"]:
        return {"id": row["channel_id"], "created": row["created"], "is_im": True, "is_archived": False, "user": row["with"]}
    return {
        "id": row["channel_id"],
        "name": row["name"],
        "name_normalized": row["name"],
        "is_channel": not row["private"],
        "is_group": row["private"],
        "is_im": False,
        "is_mpim": False,
        "is_private": row["private"],
        "is_general": False,
        "is_shared": False,
        "is_archived": row["archived"],
        "is_member": row["app"],
        "created": row["created"],
        "creator": BOT_USER,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


def message(world: SlackWorld, row: Row, *, metadata: bool = False) -> Row:
    """A message as the history and the answer to a post show it."""
    shown: Row = {"type": "message", "user": row["user"], "text": row["text"], "ts": row["ts"], "team": TEAM["id"]}
    if row["user"] == BOT_USER:
        shown |= {"bot_id": BOT, "app_id": APP}
    if row["blocks"]:
        shown["blocks"] = row["blocks"]
    if row["thread_ts"]:
        shown["thread_ts"] = row["thread_ts"]
    if row["edited"]:
        shown["edited"] = {"user": row["user"], "ts": row["edited"]}
    if row["reactions"]:
        shown["reactions"] = [{"name": name, "users": who, "count": len(who)} for name, who in row["reactions"].items()]
    if metadata and row["metadata"]:
        shown["metadata"] = row["metadata"]
    if row.get("client_msg_id"):
        shown["client_msg_id"] = row["client_msg_id"]
    return shown


def permalink(channel_id: str, ts: str, thread_ts: str) -> str:
    """The address of a message; a reply's names its thread."""
    plain = f"https://{TEAM['domain']}.slack.com/archives/{channel_id}/p{ts.replace('.', '')}"
    return f"{plain}?thread_ts={thread_ts}&cid={channel_id}" if thread_ts else plain


def event(inner: Row) -> Row:
    """The envelope of the Events API, with an id of its own."""
    return {
        "token": "verification-token",
        "team_id": TEAM["id"],
        "context_team_id": TEAM["id"],
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": inner,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM["id"], "user_id": BOT_USER, "is_bot": True, "is_enterprise_install": False}
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_hex(16)}",
    }


def reaction(kind: str, *, who: str, name: str, channel_id: str, row: Row, ts: str) -> Row:
    """``reaction_added`` or ``reaction_removed``."""
    item = {"type": "message", "channel": channel_id, "ts": row["ts"]}
    return {"type": kind, "user": who, "reaction": name, "item": item, "item_user": row["user"], "event_ts": ts}


def command(world: SlackWorld, *, who: Row, where: Row, slash: str, text: str, response_url: str) -> dict[str, str]:
    """The fields of a slash command."""
    return {
        "token": "verification-token",
        "team_id": TEAM["id"] if who["team"] == TEAM["id"] else who["team"],
        "team_domain": TEAM["domain"],
        "channel_id": where["channel_id"],
        "channel_name": where["name"] or "directmessage",
        "user_id": who["user_id"],
        "user_name": who["name"],
        "command": slash,
        "text": escaped(text),
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id(),
    }


def block_actions(world: SlackWorld, *, who: Row, where: Row, row: Row, element: Row, response_url: str) -> Row:
    """The payload of a pressed button."""
    block = next((one.get("block_id") for one in row["blocks"] if element in one.get("elements", ())), "actions")
    pressed: dict[str, Any] = {"action_id": element["action_id"], "block_id": block, "text": element["text"], "type": "button"}
    pressed |= {name: element[name] for name in ("value", "style", "url") if name in element}
    container = {"type": "message", "message_ts": row["ts"], "channel_id": where["channel_id"], "is_ephemeral": False}
    if row["thread_ts"]:
        container["thread_ts"] = row["thread_ts"]
    return {
        "type": "block_actions",
        "user": {"id": who["user_id"], "username": who["name"], "name": who["name"], "team_id": who["team"]},
        "api_app_id": APP,
        "token": "verification-token",
        "container": container,
        "trigger_id": trigger_id(),
        "team": {"id": TEAM["id"], "domain": TEAM["domain"]},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": where["channel_id"], "name": where["name"] or "directmessage"},
        "message": message(world, row),
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{**pressed, "action_ts": world.next_ts()}],
    }


def trigger_id() -> str:
    """Like ``398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c``."""
    return f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**11)}.{secrets.token_hex(16)}"


def escaped(text: str) -> str:
    """Slack writes these three of people's text as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
