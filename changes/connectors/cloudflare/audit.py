"""Cloudflare's audit logs, version 2 and version 1, as events. Pure.

Requests and answers that the log quotes hold whole objects, those of new service tokens with their secret too: of them only
``name``, ``type`` and ``comment`` are read. Looking at something is no event here.
"""

import re
from collections.abc import Mapping
from typing import Any

from changes.connectors.cloudflare.envelope import ID
from changes.connectors.cloudflare.payloads import environment_of
from changes.connectors.fields import Fields
from changes.inventory.facts import VendorEvent

LONGEST = 200
VIEWED = frozenset({"view", "read", "get", "list"})
ACTIONS = {
    "add": "create",
    "rec_add": "create",
    "set": "update",
    "edit": "update",
    "rec_set": "update",
    "patch": "update",
    "remove": "delete",
    "rec_del": "delete",
    "purge": "delete",
}
"""Words of version 1 for what version 2 calls otherwise."""
THINGS = (
    ("dns", "cloudflare.dns_record"),
    ("rec_", "cloudflare.dns_record"),
    ("service_token", "cloudflare.service_token"),
    ("identity_provider", "cloudflare.identity_provider"),
)
ACCESS_THINGS = (
    ("polic", "access_policy"),
    ("group", "access_group"),
    ("organization", "access_organization"),
    ("app", "access_app"),
)
REFERENCE = re.compile(r"\bCHG-[1-9][0-9]{0,9}\b", re.ASCII)
_PLAIN = re.compile(r"[^a-z0-9]+")


def event_v2(found: Fields, environments: Mapping[str, str]) -> VendorEvent | None:
    """One entry of ``GET /accounts/{id}/logs/audit``; None for somebody who only looked."""
    action, actor = found.needed("action"), found.within("actor") or _nothing()
    resource, raw = found.within("resource") or _nothing(), found.within("raw") or _nothing()
    word = action.needed_text("type").lower()
    if word in VIEWED or (raw.text("method") or "").upper() == "GET":
        return None
    said = [part for part in (resource.within("request"), _result(resource.within("response"))) if part is not None]
    name = _first(said, "name") or (found.within("zone") or _nothing()).text("name") or ""
    kind = kind_of(resource.text("product") or "", resource.text("type") or "", (raw.text("uri") or "").partition("?")[0])
    return _event(
        found,
        at=action,
        time="time",
        action=ACTIONS.get(word, word),
        actor=(actor.text("id", limit=ID) or "", actor.text("email") or actor.text("token_name") or actor.text("type") or ""),
        kind=kind,
        place=(resource.text("id") or "", name),
        environments=environments,
        detail={
            "result": action.text("result") or "",
            "by": actor.text("context") or actor.text("type") or "",
            "token": actor.text("token_name") or "",
            "zone": (found.within("zone") or _nothing()).text("name") or "",
            "type": _first(said, "type"),
            "comment": _first(said, "comment"),
        },
    )


def event_v1(found: Fields, environments: Mapping[str, str]) -> VendorEvent | None:
    """One entry of ``GET /accounts/{id}/audit_logs``; its old and new values are not read."""
    action, actor = found.needed("action"), found.within("actor") or _nothing()
    resource, metadata = found.within("resource") or _nothing(), found.within("metadata") or _nothing()
    word = action.needed_text("type").lower()
    if word in VIEWED:
        return None
    result = action.flag("result")
    return _event(
        found,
        at=found,
        time="when",
        action=ACTIONS.get(word, word),
        actor=(actor.text("id", limit=ID) or "", actor.text("email") or actor.text("type") or ""),
        kind=kind_of(resource.text("type") or "", word, ""),
        place=(resource.text("id") or "", _text(metadata, "name") or _text(metadata, "zone_name")),
        environments=environments,
        detail={
            "result": "" if result is None else "success" if result else "failure",
            "by": found.text("interface") or "",
            "zone": _text(metadata, "zone_name"),
            "type": _text(metadata, "type"),
            "comment": _text(metadata, "comment"),
        },
    )


def _event(
    found: Fields,
    *,
    at: Fields,
    time: str,
    action: str,
    actor: tuple[str, str],
    kind: str,
    place: tuple[str, str],
    environments: Mapping[str, str],
    detail: dict[str, str],
) -> VendorEvent:
    account, account_name = actor
    object_id, name = place
    references = REFERENCE.findall(f"{name} {detail['comment']}")
    kept: dict[str, Any] = {key: value[:LONGEST] for key, value in detail.items() if value}
    return VendorEvent(
        external_id=found.needed_text("id", limit=ID),
        at=at.needed_moment(time),
        action=action[:60],
        actor_id=account or account_name[:ID],
        actor_name=account_name[:LONGEST],
        kind=kind,
        object_id=object_id[:ID],
        object_name=name[:LONGEST],
        environment=environment_of(name, environments) or environment_of(detail["zone"], environments),
        detail=kept | ({"references": references} if references else {}),
    )


def kind_of(product: str, kind: str, path: str) -> str:
    """What an entry is about, from the words that Cloudflare uses for it and from the path that was asked."""
    words = f"{product} {kind} {path}".lower().replace("-", "_")
    for word, thing in THINGS:
        if word in words:
            return thing
    if "access" in words:
        within = words.partition("access")[2] or words
        return "cloudflare." + next((thing for word, thing in ACCESS_THINGS if word in within), "access")
    return f"cloudflare.{_PLAIN.sub('_', (product or kind).lower()).strip('_')[:40] or 'other'}"


def _nothing() -> Fields:
    return Fields(values={}, path="")


def _result(response: Fields | None) -> Fields | None:
    """What was answered, with or without the envelope."""
    if response is None or not isinstance(response.values.get("result"), Mapping):
        return response
    return response.within("result")


def _first(parts: list[Fields], name: str) -> str:
    return next((text for text in (_text(part, name) for part in parts) if text), "")


def _text(part: Fields, name: str) -> str:
    """Text, or nothing where something else stands: these objects are other people's requests."""
    value = part.values.get(name)
    return (part.text(name) or "") if isinstance(value, str) else ""
