"""Fly's three APIs over the stand-in's tables: Machines REST, GraphQL, and the platform's own REST."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.standins import graphql
from portal.standins.faults import instead, spoiled
from portal.standins.fly import shapes
from portal.standins.fly.world import FlyError, FlyWorld, org_title
from portal.standins.routes import Routes
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

PATH = "/fly"
NO_TOKEN = "Authenticate: token validation error"  # noqa: S105 (what Fly says, not a token)


@dataclass
class Call:
    """A request with its path arguments."""

    world: FlyWorld
    request: Request
    args: dict[str, str] = field(default_factory=dict)


ROUTES: Routes[Call] = Routes()


def answer(world: FlyWorld, request: Request, *, token: str) -> Answer:
    """One request below ``/fly``, with the fault that is switched on for its path, if any."""
    path = request.path.removeprefix(PATH)
    rule = world.faults.take(path)
    replaced = instead(rule, reset_at=0, says=lambda message: {"error": message}) if rule else None
    if replaced is not None:
        return replaced
    try:
        _authenticate(request, token)
        served = _found(world, request, path)
    except FlyError as problem:
        served = json_answer({"error": problem.message}, status=problem.status)
    served.headers["fly-request-id"] = f"01STANDIN{zlib.crc32(request.target.encode()):012d}-fra"
    return spoiled(served, rule) if rule else served


def _authenticate(request: Request, token: str) -> None:
    """``Bearer <token>`` or ``FlyV1 <token>``, alone or in a comma-joined list."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    given = {part.strip().removeprefix("FlyV1 ") for part in value.split(",")}
    if scheme not in {"Bearer", "FlyV1"} or token.removeprefix("FlyV1 ") not in given:
        raise FlyError(401, NO_TOKEN)


def _found(world: FlyWorld, request: Request, path: str) -> Answer:
    found = ROUTES.find(request.method, path)
    if found is None:
        raise FlyError(404, "Not Found")
    handler, args = found
    return handler(Call(world, request, args))


@ROUTES.on("GET", "/v1/apps")
def apps(call: Call) -> Answer:
    """The apps of an organisation."""
    org = call.request.query.get("org_slug")
    if org is None:
        raise FlyError(400, "org_slug is required")
    found = [shapes.app(call.world, row) for row in call.world.apps(org)]
    return json_answer({"total_apps": len(found), "apps": found})


@ROUTES.on("GET", "/v1/tokens/current")
def tokens(call: Call) -> Answer:
    """The token that asks: one of each organisation, bound to nothing else."""
    slugs = sorted({row["org"] for row in call.world.store.all("app")})
    told = [{"token_id": f"standin-{slug}", "organization": org_title(slug), "org_slug": slug} for slug in slugs]
    return json_answer({"tokens": told})


@ROUTES.on("GET", "/v1/apps/{app}")
def one_app(call: Call) -> Answer:
    """One app."""
    return json_answer(shapes.app(call.world, call.world.app(call.args["app"])))


def _machines(world: FlyWorld, name: str) -> list[Row]:
    world.app(name)
    return [shapes.machine(world, name, row) for row in world.store.all("machine", subject=name)]


@ROUTES.on("GET", "/v1/apps/{app}/machines")
def machines(call: Call) -> Answer:
    """Its machines."""
    return json_answer(_machines(call.world, call.args["app"]))


@ROUTES.on("GET", "/v1/apps/{app}/machines/{machine}")
def one_machine(call: Call) -> Answer:
    """One machine."""
    for row in _machines(call.world, call.args["app"]):
        if row["id"] == call.args["machine"]:
            return json_answer(row)
    raise FlyError(404, "machine not found")


@ROUTES.on("GET", "/v1/apps/{app}/machines/{machine}/metadata")
def machine_metadata(call: Call) -> Answer:
    """What a machine says about itself."""
    for row in _machines(call.world, call.args["app"]):
        if row["id"] == call.args["machine"]:
            return json_answer(row["config"]["metadata"])
    raise FlyError(404, "machine not found")


@ROUTES.on("GET", "/v1/apps/{app}/volumes")
def volumes(call: Call) -> Answer:
    """Its volumes."""
    name = call.args["app"]
    call.world.app(name)
    return json_answer([shapes.volume(row) for row in call.world.store.all("volume", subject=name)])


@ROUTES.on("GET", "/v1/apps/{app}/volumes/{volume}/snapshots")
def snapshots(call: Call) -> Answer:
    """Snapshots of a volume: one a day, and one that is still being made."""
    rows = call.world.store.all("volume", subject=call.args["app"])
    found = next((row for row in rows if row["volume"] == call.args["volume"]), None)
    if found is None:
        raise FlyError(404, "volume not found")
    return json_answer(shapes.snapshots(found))


@ROUTES.on("GET", "/v1/apps/{app}/secrets")
def secrets(call: Call) -> Answer:
    """Names and digests of secrets. Asking for values is refused: a connector that does so is wrong."""
    if call.request.query.get("show_secrets") == "true":
        raise FlyError(403, "this stand-in never shows values")
    call.world.app(call.args["app"])
    rows = call.world.store.all("secret", subject=call.args["app"])
    shown = [{"name": row["name"], "digest": f"{row['id']:016x}", "created_at": row["created_at"]} for row in rows]
    return json_answer({"secrets": shown})


@ROUTES.on("GET", "/api/v1/apps/{app}/releases")
def platform_releases(call: Call) -> Answer:
    """Releases of the platform API, newest first."""
    name = call.args["app"]
    call.world.app(name)
    limit = int(call.request.query.get("limit") or 25)
    return json_answer({"releases": [shapes.platform_release(name, row) for row in call.world.releases(name)[:limit]]})


@ROUTES.on("GET", "/api/v1/apps/{app}/releases/current")
def current_release(call: Call) -> Answer:
    """The newest release. Raises 404 when there is none."""
    name = call.args["app"]
    rows = call.world.releases(name)
    if not rows:
        raise FlyError(404, "no release")
    return json_answer(shapes.platform_release(name, rows[0]))


@ROUTES.on("POST", "/graphql")
def graph(call: Call) -> Answer:
    """GraphQL: 200 also for errors, as GraphQL does."""
    try:
        body = call.request.json()
        data = graphql.execute(str(body.get("query") or ""), body.get("variables") or {}, _root(call.world))
    except FlyError as problem:
        extensions = {"code": "NOT_FOUND"}
        return json_answer({"data": None, "errors": [{"message": problem.message, "extensions": extensions}]})
    except (graphql.GraphQLError, ValueError) as problem:
        return json_answer({"errors": [{"message": str(problem)}]})
    return json_answer({"data": data})


def _root(world: FlyWorld) -> Mapping[str, Any]:
    def one(arguments: Mapping[str, Any]) -> Row:
        name = str(arguments.get("name") or "")
        if world.store.one("app", subject=name) is None:
            raise FlyError(404, f'Could not find App "{name}"')
        return shapes.graph_app(world, world.app(name))

    def listed(arguments: Mapping[str, Any]) -> Row:
        org = str(arguments.get("organizationId") or "*")
        return shapes.connection([shapes.graph_app(world, row) for row in world.apps(org)], arguments)

    def organizations(arguments: Mapping[str, Any]) -> Row:
        slugs = sorted({row["org"] for row in world.apps()})
        return shapes.connection([{"id": slug, "slug": slug, "name": org_title(slug)} for slug in slugs], arguments)

    def organization(arguments: Mapping[str, Any]) -> Row:
        slug = str(arguments.get("slug") or "")
        return {"id": slug, "slug": slug, "name": org_title(slug), "members": lambda _: _members(world, slug)}

    return {"app": one, "apps": listed, "organization": organization, "organizations": organizations}


def _members(world: FlyWorld, slug: str) -> Row:
    people = sorted({row["user"] for app in world.apps(slug) for row in world.releases(app["name"])})
    nodes = [{"id": f"usr_{email.partition('@')[0]}", "name": email.partition("@")[0], "email": email} for email in people]
    edges = [{"node": node, "role": "MEMBER", "joinedAt": "2025-01-06T09:00:00Z"} for node in nodes]
    return {"edges": edges, "nodes": nodes}
