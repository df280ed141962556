"""Slack's Web API over the stand-in's records, and the addresses that commands and buttons are answered at.

A method takes its arguments from the address, a form, or JSON where Slack takes JSON too. Refusals come with status 200.
"""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from portal.standins.faults import instead, spoiled
from portal.standins.slack.calls import Args, Method
from portal.standins.slack.methods import METHODS
from portal.standins.slack.world import API_PATH, PATH, SlackError
from portal.standins.web import Answer, Request, json_answer

if TYPE_CHECKING:
    from portal.standins.slack.standin import SlackStandIn

RESPONSES_AT_MOST = 5


def answer(world: "SlackStandIn", request: Request) -> Answer:
    """One request below ``/slack``, with the fault that is switched on for its path, if any."""
    path = request.path.removeprefix(PATH)
    rule = world.faults.take(path)
    replaced = instead(rule, reset_at=0, says=_says) if rule else None
    if replaced is not None:
        return replaced
    if path.startswith("/respond/"):
        served = _responded(world, request, path.removeprefix("/respond/"))
    else:
        served = _called(world, request, request.path.removeprefix(API_PATH + "/"))
    return spoiled(served, rule) if rule else served


def _says(message: str) -> dict[str, Any]:
    return {"ok": False, "error": "ratelimited" if "limit" in message else "internal_error"}


def _called(world: "SlackStandIn", request: Request, name: str) -> Answer:
    try:
        function, scope, takes_json = _known(name)
        arguments = _arguments(request, takes_json=takes_json)
        _authenticate(world, request, arguments)
        if scope and scope not in world.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(world.scopes))
        body = {"ok": True, **function(world, arguments)}
    except SlackError as refusal:
        body = {"ok": False, "error": refusal.code, **refusal.more}
    return json_answer(body, headers={"x-oauth-scopes": ",".join(world.scopes), "x-slack-req-id": "stand-in"})


def _known(name: str) -> tuple[Method, str, bool]:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name[:80])
    return METHODS[name]


def _arguments(request: Request, *, takes_json: bool) -> Args:
    if request.method == "GET":
        return dict(request.query)
    if "json" in request.headers.get("Content-Type", ""):
        return _from_json(request) if takes_json else {}
    form = {name: values[-1] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    return {**request.query, **form}


def _from_json(request: Request) -> Args:
    try:
        return request.json()
    except ValueError as problem:
        raise SlackError("invalid_json") from problem


def _authenticate(world: "SlackStandIn", request: Request, arguments: Args) -> None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    given = value.strip() if scheme == "Bearer" else str(arguments.get("token") or "")
    if not given:
        raise SlackError("not_authed")
    if given != world.token:
        raise SlackError("invalid_auth")


def _responded(world: "SlackStandIn", request: Request, number: str) -> Answer:
    """An answer to a command or a button: five at most for each."""
    row = world.store.by_id("response", int(number)) if re.fullmatch(r"[0-9]{1,18}", number) else None
    if row is None or request.method != "POST" or row["used"] >= RESPONSES_AT_MOST:
        return json_answer({"ok": False, "error": "used_url"}, status=404)
    try:
        body = request.json()
    except ValueError:
        return Answer(400, b"invalid_payload")
    if not body.get("text") and not body.get("blocks"):
        return Answer(400, b"no_text")
    world.store.save({**row, "used": row["used"] + 1})
    world.whisper(world.channel(row["channel"]), row["user"], str(body.get("text", "")), blocks=body.get("blocks"))
    return Answer(200, b"ok")
