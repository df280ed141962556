"""The control door: every act of the stand-ins as JSON over HTTP, the faults, and the state. For programs on this machine.

``POST /_control/github/merge {"repository": …, "number": …, "by": …}`` is ``GitHubStandIn.merge(...)``. Each request must
carry the header ``X-Stand-In``, which a page of somebody else cannot send.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from portal.standins import company, page
from portal.standins.cloudflare import CloudflareError
from portal.standins.doppler import DopplerError
from portal.standins.faults import Faults
from portal.standins.fly import FlyError
from portal.standins.git import GitFailed
from portal.standins.github import GitHubError
from portal.standins.live import step_once
from portal.standins.slack import SlackError
from portal.standins.times import moment, stamp
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
    word = request.path.removeprefix("/_control/")
    vendor, _, act = word.partition("/")
    standins = vendors.by_name()
    if act == "faults" and vendor in standins:
        return _faults(standins[vendor].faults, request)
    if request.method == "POST" and vendor in standins:
        return _act(vendors, word, _arguments(request))
    door = DOORS.get((request.method, vendor))
    if door is None:
        raise Refused(f"there is no {request.method} {request.path}")
    return door(vendors, _arguments(request))


def _act(vendors: Vendors, word: str, arguments: dict[str, Any]) -> Any:
    """An act of a vendor (``github/merge``), or one that takes several steps (``ship``)."""
    vendor, _, act = word.partition("/")
    standin = vendors.by_name().get(vendor)
    if standin is not None:
        return standin.faults.switch(arguments) if act == "faults" else standin.perform(act, arguments)
    door = DOORS.get(("POST", word))
    if door is None:
        raise Refused(f"there is no act {word}")
    return door(vendors, arguments)


def _arguments(request: Request) -> dict[str, Any]:
    """The body, with the moments in it as times."""
    value = request.json()
    return value | {name: moment(value[name]) for name in ("at", "expires_at") if name in value}


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


def _waiting(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """Does what people pressed while a year was told. Returns how many."""
    return page.press_waiting(vendors)


def _tip(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """The newest commit of a branch."""
    return vendors.github.tip(arguments["repository"], f"refs/heads/{arguments['branch']}")


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


def _once(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """Does the act ``word`` with its ``arguments`` unless it was done under this ``name`` before. Returns what later acts refer to.

    ``at`` turns the clock, so that what the act sets off carries its moment.
    """
    store, subject = vendors.github.store, f"once/{arguments['name']}"
    row = store.one("mark", subject=subject)
    if row is None:
        given = arguments["arguments"]
        vendors.clock.turn(arguments["at"])
        if "at" in given:
            given["at"] = moment(given["at"])
        row = store.add("mark", subject=subject, body={"value": _short(_act(vendors, arguments["word"], given))})
    return row["value"]


KEPT = ("number", "id", "sha", "version", "tag", "head_sha", "channel_id")
"""Fields of answers that a later act can refer to."""


def _short(answer: Any) -> Any:
    """The fields of an answer that a later act can refer to; of a pull request also its branch and the commit it stands at."""
    if not isinstance(answer, dict):
        return None
    kept = {name: answer[name] for name in KEPT if name in answer}
    head = answer.get("head")
    return kept | ({"head": head["sha"], "branch": head["ref"]} if isinstance(head, dict) else {})


def _clock(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """Turns the vendors' clock to ``at``; without it the clock goes with the real time again."""
    vendors.clock.turn(arguments.get("at"))
    return stamp(vendors.clock.now())


def _held(vendors: Vendors, arguments: dict[str, Any]) -> Any:
    """Webhooks of GitHub that wait to be fetched (the URL ``hold:``): ``at``, ``headers``, ``body``; they count as sent."""
    return vendors.github.hooks.fetch_held()


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
    ("POST", "tip"): _tip,
    ("POST", "waiting"): _waiting,
    ("POST", "live"): _live,
    ("POST", "mark"): _mark,
    ("POST", "once"): _once,
    ("POST", "clock"): _clock,
    ("POST", "held"): _held,
}
