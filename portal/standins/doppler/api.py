"""Doppler's REST API over the stand-in's tables, with its pages and its limit. Errors quote what they are about, as there."""

from portal.standins.doppler import access, shapes
from portal.standins.doppler.calls import ROUTES, Call, page
from portal.standins.doppler.people import DopplerError
from portal.standins.doppler.world import DopplerWorld
from portal.standins.faults import instead, spoiled
from portal.standins.limits import Window
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

PATH = "/doppler"
FILLED_BY = (access,)


def says(message: str) -> Row:
    """An error in Doppler's form."""
    return {"messages": [message], "success": False}


def answer(world: DopplerWorld, request: Request, *, token: str, window: Window) -> Answer:
    """One request below ``/doppler``, with the fault that is switched on for its path, if any."""
    path = request.path.removeprefix(PATH)
    rule = world.faults.take(path)
    quoted = _quoted(world)
    replaced = instead(rule, reset_at=0, says=lambda message: says(f"{message}{quoted}") | {"message": quoted}) if rule else None
    if replaced is not None:
        return replaced
    left, wait = window.take()
    if left < 0:
        limited = says("Exceeded rate limit") | {"data": {"isRetryable": True, "isRetryableAfterSec": wait}}
        served = json_answer(limited, status=429, headers={"retry-after": str(wait)})
    else:
        served = _served(world, request, path, token)
    served.headers |= {
        "x-ratelimit-limit": str(window.limit),
        "x-ratelimit-remaining": str(max(0, left)),
        "x-ratelimit-reset": str(wait),
    }
    return spoiled(served, rule) if rule else served


def _quoted(world: DopplerWorld) -> str:
    """What an error may quote on a bad day: a value."""
    values = [value for row in world.store.all("config", place="backend") for value in row["secrets"].values()]
    return f" near {values[0]}" if values else ""


def _served(world: DopplerWorld, request: Request, path: str, token: str) -> Answer:
    try:
        if request.headers.get("Authorization") != f"Bearer {token}":
            raise DopplerError(401, "Invalid Auth token")
        permission = world.store.one("permission", subject="token") or {"without": []}
        if any(path.startswith(denied) for denied in permission["without"]):
            raise DopplerError(permission.get("status", 403), "This token does not have access to this resource")
        found = ROUTES.find(request.method, path)
        if found is None:
            raise DopplerError(404, "Not found")
        handler, args = found
        return handler(Call(world, request, args))
    except DopplerError as problem:
        return json_answer(says(problem.message), status=problem.status)


@ROUTES.on("GET", "/v3/me")
def me(call: Call) -> Answer:
    """The token that asks."""
    return json_answer(shapes.me("dp.sa...standin"))


@ROUTES.on("GET", "/v3/projects")
def projects(call: Call) -> Answer:
    """Every project."""
    return page(call, "projects", [shapes.project(row) for row in call.world.store.all("project")])


@ROUTES.on("GET", "/v3/environments")
def environments(call: Call) -> Answer:
    """The environments of a project."""
    row = call.world.store.one("project", subject=call.needed("project"))
    if row is None:
        raise DopplerError(404, "Could not find requested project")
    return json_answer({"environments": shapes.environments(row), "page": 1})


@ROUTES.on("GET", "/v3/configs")
def configs(call: Call) -> Answer:
    """The configs of a project."""
    return page(call, "configs", [shapes.config(row) for row in call.world.store.all("config", place=call.needed("project"))])


@ROUTES.on("GET", "/v3/configs/config/secrets/names")
def names(call: Call) -> Answer:
    """The names of a config's secrets."""
    return json_answer({"names": sorted(call.config()["secrets"])})


@ROUTES.on("GET", "/v3/configs/config/secrets")
def secrets(call: Call) -> Answer:
    """Values: a connector that asks for them is wrong."""
    raise DopplerError(403, "this stand-in never shows values here")


@ROUTES.on("GET", "/v3/configs/config/logs")
def logs(call: Call) -> Answer:
    """A config's log, newest first."""
    call.config()
    rows = reversed(call.world.store.all("log", place=call.place))
    return page(call, "logs", [shapes.entry(call.place, row, call.world.user(row["by"])) for row in rows])


@ROUTES.on("GET", "/v3/configs/config/logs/log")
def log(call: Call) -> Answer:
    """One entry with its diff, values and all."""
    wanted = call.needed("log")
    for row in call.world.store.all("log", place=call.place):
        if row["vendor_id"] == wanted:
            return json_answer({"log": shapes.entry(call.place, row, call.world.user(row["by"]), whole=True)})
    raise DopplerError(404, "Could not find requested log")


@ROUTES.on("GET", "/v3/logs")
def activity(call: Call) -> Answer:
    """The activity log, newest first."""
    rows = reversed(call.world.store.all("activity"))
    return page(call, "logs", [shapes.activity(row, call.world.user(row["by"])) for row in rows])


@ROUTES.on("GET", "/v3/integrations")
def integrations(call: Call) -> Answer:
    """Integrations with their syncs."""
    return json_answer({"integrations": shapes.integrations(call.world.store.all("sync")), "success": True})


@ROUTES.on("GET", "/v3/projects/project/members")
def members(call: Call) -> Answer:
    """The members of a project."""
    return page(call, "members", [shapes.member(row) for row in call.world.store.all("member", place=call.needed("project"))])


@ROUTES.on("GET", "/v3/workplace/users")
def users(call: Call) -> Answer:
    """The people of the workplace."""
    return page(call, "workplace_users", [shapes.person(row) for row in call.world.store.all("user")])


@ROUTES.on("GET", "/v3/configs/config/tokens")
def tokens(call: Call) -> Answer:
    """The service tokens of a config."""
    environment = call.config()["environment"]
    rows = call.world.store.all("service_token", place=call.place)
    return json_answer({"tokens": [shapes.service_token(call.place, row, environment) for row in rows]})


def _users(world: DopplerWorld) -> dict[str, Row]:
    return {row["email"]: row for row in world.store.all("user")}


@ROUTES.on("GET", "/v3/workplace/change_requests")
def change_requests(call: Call) -> Answer:
    """Change requests: a bare list, by the description."""
    page, size = int(call.request.query.get("page") or 1), int(call.request.query.get("per_page") or 20)
    people = _users(call.world)
    rows = [shapes.request(row, people) for row in call.world.store.all("request")]
    return json_answer(rows[(page - 1) * size : page * size])


@ROUTES.on("GET", "/v3/workplace/change_requests/change_request/{request}")
def change_request(call: Call) -> Answer:
    """One change request, with the values that it sets."""
    row = call.world.store.one("request", subject=call.args["request"])
    if row is None:
        raise DopplerError(404, "Could not find requested change request")
    return json_answer({"changeRequest": shapes.request(row, _users(call.world), whole=True)})


@ROUTES.on("GET", "/v3/workplace/change_request_policies")
def policies(call: Call) -> Answer:
    """The policies of change requests."""
    return json_answer({"policies": [shapes.policy(row) for row in call.world.store.all("policy")], "success": True})
