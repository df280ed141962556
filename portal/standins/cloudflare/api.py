"""Cloudflare's REST API over the stand-in's tables, with its envelope, its pages and its limit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portal.standins.cloudflare import shapes
from portal.standins.cloudflare.world import ACCOUNT, CloudflareError, CloudflareWorld, ident
from portal.standins.faults import instead, spoiled
from portal.standins.limits import Window
from portal.standins.routes import Routes
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

PATH = "/cloudflare/client/v4"
ACCESS = "/accounts/{account}/access"
BLOCKED = "Please wait and consider throttling your request speed"


@dataclass
class Call:
    """A request with its path arguments."""

    world: CloudflareWorld
    request: Request
    args: dict[str, str] = field(default_factory=dict)

    def needs(self, permission: str) -> None:
        """Raises 403 when the token was made without this permission, 404 for another account."""
        if self.args.get("account", ACCOUNT) != ACCOUNT:
            raise CloudflareError(404, "Could not route to this account, perhaps your object identifier is invalid?", 7003)
        if permission in permitted(self.world)["without"]:
            raise CloudflareError(403, "Authentication error", 10000)


ROUTES: Routes[Call] = Routes()


def permitted(world: CloudflareWorld) -> Row:
    """What the token was made with."""
    return world.store.one("permission", subject="token") or {"without": [], "expires_on": ""}


def says(message: str, code: int = 0) -> Row:
    """An error in Cloudflare's envelope."""
    return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}


def answer(world: CloudflareWorld, request: Request, *, token: str, window: Window) -> Answer:
    """One request below ``/cloudflare``, with the fault that is switched on for its path, if any."""
    path = request.path.removeprefix(PATH)
    rule = world.faults.take(path)
    replaced = instead(rule, reset_at=0, says=says) if rule else None
    if replaced is not None:
        return replaced
    left, wait = window.take()
    if left < 0:
        served = json_answer(says(BLOCKED, 971), status=429, headers={"retry-after": str(wait)})
    else:
        served = _served(world, request, path, token)
    served.headers["Ratelimit-Policy"] = f'"default";q={window.limit};w={window.seconds:.0f}'
    served.headers["Ratelimit"] = f'"default";r={max(0, left)};t={wait}'
    return spoiled(served, rule) if rule else served


def _served(world: CloudflareWorld, request: Request, path: str, token: str) -> Answer:
    try:
        if request.headers.get("Authorization") != f"Bearer {token}":
            raise CloudflareError(401, "Invalid API Token", 1000)
        found = ROUTES.find(request.method, path)
        if found is None:
            raise CloudflareError(404, "Could not route to this path, perhaps your object identifier is invalid?", 7003)
        handler, args = found
        return handler(Call(world, request, args))
    except CloudflareError as problem:
        return json_answer(says(problem.message, problem.code), status=problem.status)


def _one(result: Any) -> Answer:
    return json_answer({"success": True, "errors": [], "messages": [], "result": result})


def _page(call: Call, items: list[Any], *, default: int, counted: bool = True) -> Answer:
    """A page of items with the numbers that Cloudflare tells; members and roles come without the number of pages."""
    page, size = int(call.request.query.get("page") or 1), int(call.request.query.get("per_page") or default)
    shown = items[(page - 1) * size : page * size]
    info: Row = {"page": page, "per_page": size, "count": len(shown), "total_count": len(items)}
    if counted:
        info["total_pages"] = -(-len(items) // size)
    return json_answer({"success": True, "errors": [], "messages": [], "result": shown, "result_info": info})


def _list(path: str, permission: str, rows: Callable[[Call], list[Any]], *, default: int = 1000, counted: bool = True) -> None:
    """Serve a list at a path."""

    def handler(call: Call) -> Answer:
        call.needs(permission)
        return _page(call, rows(call), default=default, counted=counted)

    ROUTES.on("GET", path)(handler)


@ROUTES.on("GET", "/accounts/{account}/tokens/verify")
def verify(call: Call) -> Answer:
    """How the token stands."""
    call.needs("")
    expires = permitted(call.world)["expires_on"]
    return _one({"id": ident("token"), "status": "active"} | ({"expires_on": expires} if expires else {}))


def _zones(call: Call) -> list[Any]:
    return [shapes.zone(row) for row in call.world.store.all("zone")]


def _records(call: Call) -> list[Any]:
    zone = call.args["zone"]
    if all(row["vendor_id"] != zone for row in call.world.store.all("zone")):
        raise CloudflareError(404, "Invalid zone identifier", 7003)
    return [shapes.record(row) for row in call.world.store.all("record", place=zone)]


def _policies_of(world: CloudflareWorld, app: str) -> list[Row]:
    return world.store.all("policy", place=app)


def _applications(call: Call) -> list[Any]:
    return [shapes.application(row, _policies_of(call.world, row["vendor_id"])) for row in call.world.store.all("app")]


def _app_policies(call: Call) -> list[Any]:
    app = call.args["app"]
    if all(row["vendor_id"] != app for row in call.world.store.all("app")):
        raise CloudflareError(404, "access.api.error.not_found", 12130)
    return [shapes.policy(row, number) for number, row in enumerate(_policies_of(call.world, app), start=1)]


def _reusable(call: Call) -> list[Any]:
    return [shapes.policy(row, None) for row in _policies_of(call.world, "")]


def _span(call: Call) -> list[Row]:
    query = call.request.query
    if not query.get("since") or not query.get("before"):
        raise CloudflareError(400, "since and before are required", 1003)
    rows = [row for row in call.world.store.all("audit") if query["since"] <= row["at"] < query["before"]]
    return sorted(rows, key=lambda row: (row["at"], row["id"]), reverse=query.get("direction") != "asc")


def _audit_v1(call: Call) -> list[Any]:
    return [shapes.audit_v1(row) for row in _span(call)]


@ROUTES.on("GET", "/accounts/{account}/logs/audit")
def audit_v2(call: Call) -> Answer:
    """The audit log, version 2: a cursor leads on, numbers are texts."""
    call.needs("Account Settings Read")
    call.needs("audit v2")
    rows = _span(call)
    start, size = int(call.request.query.get("cursor") or 0), int(call.request.query.get("limit") or 100)
    shown = rows[start : start + size]
    info = {"count": str(len(shown))} | ({"cursor": str(start + size)} if start + size < len(rows) else {})
    result = [shapes.audit_v2(row) for row in shown]
    return json_answer({"success": True, "errors": [], "result": result, "result_info": info})


_list("/zones", "Zone Read", _zones, default=20)
_list("/zones/{zone}/dns_records", "DNS Read", _records, default=100)
_list("/accounts/{account}/audit_logs", "Account Settings Read", _audit_v1, default=100)
_list(
    "/accounts/{account}/members",
    "Account Settings Read",
    lambda call: [shapes.member(row) for row in call.world.store.all("member")],
    default=20,
    counted=False,
)
_list("/accounts/{account}/roles", "Account Settings Read", lambda call: list(shapes.roles()), default=20, counted=False)
_list(f"{ACCESS}/apps", "Access: Apps and Policies Read", _applications)
_list(f"{ACCESS}/apps/{{app}}/policies", "Access: Apps and Policies Read", _app_policies)
_list(f"{ACCESS}/policies", "Access: Apps and Policies Read", _reusable)
_list(
    f"{ACCESS}/groups",
    "Access: Organizations, Identity Providers, and Groups Read",
    lambda call: [shapes.group(row) for row in call.world.store.all("group")],
)
_list(
    f"{ACCESS}/service_tokens",
    "Access: Service Tokens Read",
    lambda call: [shapes.service_token(row) for row in call.world.store.all("service_token")],
)
