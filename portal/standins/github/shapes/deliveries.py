"""The webhook itself and its delivery log."""

import json

from portal.standins.github.hooks import HOOK_ID, INSTALLATION_ID, Hooks
from portal.standins.github.shapes import people
from portal.standins.github.world import World
from portal.standins.store import Row


def delivery(row: Row) -> Row:
    """One line of the log."""
    code = row["status_code"] or 0
    return {
        "id": row["id"],
        "guid": row["guid"],
        "delivered_at": row["at"],
        "redelivery": row["redelivery"],
        "duration": row.get("duration", 0.0),
        "status": _words(code),
        "status_code": code,
        "event": row["event"],
        "action": row["action"],
        "installation_id": INSTALLATION_ID,
        "repository_id": row["repository_id"],
        "throttled_at": None,
    }


def _words(code: int) -> str:
    if code == 0:
        return "failed to connect to host"
    return "OK" if 200 <= code < 300 else f"Invalid HTTP Response: {code}"


def full_delivery(world: World, row: Row) -> Row:
    """One delivery with what was sent and what came back."""
    sent = {"X-GitHub-Delivery": row["guid"], "X-GitHub-Event": row["event"]}
    return {
        **delivery(row),
        "url": world.hooks.config["url"],
        "request": {"headers": sent, "payload": json.loads(row["body"])},
        "response": {"headers": {}, "payload": row.get("answer", "")},
    }


def config(hooks: Hooks) -> Row:
    """Where the webhook goes; the secret is never shown."""
    return {"url": hooks.config["url"], "content_type": "json", "insecure_ssl": "0", "secret": "********"}


def hook(world: World, repository: str) -> Row:
    """The webhook as a repository lists it."""
    shape = _hook(world, f"{world.api_url}/repos/{repository}/hooks/{HOOK_ID}")
    unused = {"code": None, "status": "unused", "message": None}
    return {**shape, "type": "Repository", "test_url": f"{shape['url']}/test", "last_response": unused}


def organization_hook(world: World, organization: str) -> Row:
    """The webhook as an organisation lists it."""
    return {**_hook(world, f"{world.api_url}/orgs/{organization}/hooks/{HOOK_ID}"), "type": "Organization"}


def _hook(world: World, url: str) -> Row:
    since = world.hooks.config["created_at"]
    return {
        "id": HOOK_ID,
        "name": "web",
        "active": True,
        "events": people.EVENTS,
        "config": config(world.hooks),
        "updated_at": since,
        "created_at": since,
        "url": url,
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }
