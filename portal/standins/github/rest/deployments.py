"""Deployments and their steps."""

from portal.standins.github.acts import deploying
from portal.standins.github.errors import not_found
from portal.standins.github.rest.calls import ROUTES, Call, paged
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import deployments, runs
from portal.standins.github.shapes.people import SINCE
from portal.standins.github.world import node_id
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer


def _row(call: Call) -> Row:
    row = call.world.store.by_id("deployment", call.number("id"), place=call.name)
    if row is None:
        raise not_found()
    return row


@ROUTES.on("GET", REPO + "/deployments")
def listed(call: Call) -> Answer:
    """Deployments, newest first, by commit, ref or environment."""
    name = call.name
    rows = list(reversed(call.world.store.all("deployment", place=name)))
    for parameter in ("sha", "ref", "environment", "task"):
        wanted = call.text(parameter)
        rows = [row for row in rows if wanted in {"", "none"} or row[parameter] == wanted]
    return paged(call, rows, lambda row: deployments.deployment(call.world, name, row))


@ROUTES.on("POST", REPO + "/deployments")
def create(call: Call) -> Answer:
    """Makes a deployment as the caller."""
    call.need("deployments", "write")
    body = call.body()
    row = deploying.create_deployment(
        call.world,
        call.name,
        environment=str(body.get("environment") or "production"),
        by=call.caller.login,
        ref=str(call.field("ref")),
        description=str(body.get("description") or ""),
        payload=body.get("payload"),
    )
    return json_answer(deployments.deployment(call.world, call.name, row), status=201)


@ROUTES.on("GET", REPO + "/deployments/{id}")
def one(call: Call) -> Answer:
    """One deployment."""
    return json_answer(deployments.deployment(call.world, call.name, _row(call)))


@ROUTES.on("GET", REPO + "/deployments/{id}/statuses")
def statuses(call: Call) -> Answer:
    """Its steps, newest first."""
    name, row = call.name, _row(call)
    rows = list(reversed(call.world.store.all("deployment_status", place=name, subject=str(row["id"]))))
    return paged(call, rows, lambda step: deployments.status(call.world, name, step))


@ROUTES.on("POST", REPO + "/deployments/{id}/statuses")
def create_status(call: Call) -> Answer:
    """Adds a step as the caller."""
    call.need("deployments", "write")
    text = str(call.body().get("description") or "")
    made = deploying.add_status(
        call.world, call.name, _row(call), state=str(call.field("state")), by=call.caller.login, description=text
    )
    return json_answer(deployments.status(call.world, call.name, made), status=201)


@ROUTES.on("GET", REPO + "/actions/runs/{id}/approvals")
def approvals(call: Call) -> Answer:
    """Who approved or rejected a run that waited for an environment."""
    row = call.world.store.by_id("run", call.number("id"), place=call.name)
    if row is None:
        raise not_found()
    return json_answer(runs.approvals(call.world, call.name, row))


@ROUTES.on("GET", REPO + "/environments")
def environments(call: Call) -> Answer:
    """Every environment that something was deployed to."""
    name = call.name
    rows = {row["environment"]: row for row in call.world.store.all("deployment", place=name)}

    def shape(row: Row) -> Row:
        url = f"{call.world.api_url}/repos/{name}/environments/{row['environment']}"
        page = f"{call.world.url}/{name}/deployments/{row['environment']}"
        plain = {"id": row["id"], "node_id": node_id("EN", row["id"]), "name": row["environment"], "url": url, "html_url": page}
        return plain | {"created_at": SINCE, "updated_at": SINCE, "protection_rules": [], "deployment_branch_policy": None}

    return paged(call, list(rows.values()), shape, under="environments")


@ROUTES.on("GET", REPO + "/environments/{environment}/deployment_protection_rules")
def gates(call: Call) -> Answer:
    """The apps that are asked before a deployment: none."""
    return json_answer({"total_count": 0, "custom_deployment_protection_rules": []})
