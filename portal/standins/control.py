"""The control door: every act of the stand-ins as JSON over HTTP, the faults, and the state. For programs on this machine.

``POST /_control/github/merge {"repository": …, "number": …, "by": …}`` is ``GitHubStandIn.merge(...)``. Each request must
carry the header ``X-Stand-In``, which a page of somebody else cannot send.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from portal.standins import company
from portal.standins.cloudflare import CloudflareError
from portal.standins.doppler import DopplerError
from portal.standins.faults import Faults
from portal.standins.fly import FlyError
from portal.standins.git import GitFailed
from portal.standins.github import GitHubError
from portal.standins.live import step_once
from portal.standins.slack import SlackError
from portal.standins.times import moment
from portal.standins.vendors import Vendors
from portal.standins.web import Answer, Request, json_answer

HEADER = "X-Stand-In"


class Refused(Exception):
    """The door does not open; the message says why."""


def answer(vendors: Vendors, request: Request) -> Answer:
    """Does what a control request asks. Errors come as ``{"error": …}``."""
    if HEADER not in request.headers:
        return json_answer({"error": f"the header {HEADER} is missing"}, status=403)
    try:
        return json_answer({"result": _done(vendors, request)})
    except (GitHubError, FlyError, SlackError, DopplerError, CloudflareError) as problem:
        return json_answer({"error": problem.message, "status": problem.status}, status=422)
    except GitFailed as problem:
        return json_answer({"error": str(problem), "status": 422}, status=422)
    except (Refused, ValueError, TypeError, KeyError) as problem:
        return json_answer({"error": str(problem)}, status=400)


def _done(vendors: Vendors, request: Request) -> Any:
    vendor, _, act = request.path.removeprefix("/_control/").partition("/")
    standins = vendors.by_name()
    if act == "faults" and vendor in standins:
        return _faults(standins[vendor].faults, request)
    if vendor in standins and request.method == "POST":
        return standins[vendor].perform(act, _arguments(request))
    door = DOORS.get((request.method, vendor))
    if door is None:
        raise Refused(f"there is no {request.method} {request.path}")
    return door(vendors, _arguments(request))


def _arguments(request: Request) -> dict[str, Any]:
    """The body, with the moment in ``at`` as a time."""
    value = request.json()
    if "at" in value:
        value["at"] = moment(value["at"])
    return value


def _faults(faults: Faults, request: Request) -> Any:
    if request.method != "GET":
        faults.switch({} if request.method == "DELETE" else json.loads(request.body))
    return faults.shown()


def _state(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return vendors.described()


def _flush(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return vendors.github.flush(timeout=float(arguments.get("timeout", 30)))


def _hooks(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    vendors.github.send_hooks_to(arguments["url"], secret=arguments["secret"])
    return vendors.github.hooks.config["url"]


def _token(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """A token of the App for ever, or of the person named."""
    login = arguments.get("login")
    return vendors.github.token_of(login) if login else vendors.github.token(permissions=arguments.get("permissions"))


def _open_work(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return company.open_work(vendors.github, **arguments)


def _promote(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return company.promote(vendors.github, **arguments)


def _ship(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return company.ship(vendors.github, vendors.fly, **arguments)


def _pull_request(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return vendors.github.pull_request(**arguments)


def _pull_requests(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    return vendors.github.pulls(arguments["repository"])


def _live(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """One step of the living company; None when everything waits for the portal."""
    step = step_once(vendors, turn=int(arguments.get("turn", 0)))
    return asdict(step) if step else None


def _mark(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """Remembers a word, such as how far the demo has come; without ``value`` it only tells."""
    store, subject = vendors.github.store, str(arguments["name"])
    row = store.one("mark", subject=subject)
    if "value" in arguments:
        for old in store.all("mark", subject=subject):
            store.delete(old)
        row = store.add("mark", subject=subject, body={"value": arguments["value"]})
    return row["value"] if row else None


DOORS: dict[tuple[str, str], Callable[[Vendors, dict[str, Any]], Any]] = {
    ("GET", "state"): _state,
    ("POST", "flush"): _flush,
    ("POST", "hooks"): _hooks,
    ("POST", "token"): _token,
    ("POST", "open-work"): _open_work,
    ("POST", "promote"): _promote,
    ("POST", "ship"): _ship,
    ("POST", "pull-request"): _pull_request,
    ("POST", "pull-requests"): _pull_requests,
    ("POST", "live"): _live,
    ("POST", "mark"): _mark,
}
