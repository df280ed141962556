"""Check runs: made and changed only by an App, as at GitHub."""

from typing import Any

from portal.standins.github.acts import checking
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.rest.calls import ROUTES, Call
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import checks
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer

CHANGEABLE = ("name", "details_url", "external_id", "status", "conclusion", "output", "completed_at")


def _app_only(call: Call) -> None:
    if call.caller.kind != "installation":
        raise GitHubError(403, "You must authenticate via a GitHub App.")
    call.need("checks", "write")


@ROUTES.on("POST", REPO + "/check-runs")
def create(call: Call) -> Answer:
    """Makes a check run of the portal's App."""
    _app_only(call)
    body = call.body()
    conclusion = body.get("conclusion")
    row = checking.add_run(
        call.world,
        call.name,
        sha=str(call.field("head_sha")),
        name=str(call.field("name")),
        app="countersign",
        status=str(body.get("status") or ("completed" if conclusion else "queued")),
        conclusion=conclusion,
        external_id=str(body.get("external_id") or ""),
        details_url=str(body.get("details_url") or ""),
        output=body.get("output"),
    )
    return json_answer(checks.run(call.world, call.repository, row), status=201)


@ROUTES.on("PATCH", REPO + "/check-runs/{id}")
def change(call: Call) -> Answer:
    """Changes a check run of the portal's App. Raises 403 for another App's."""
    _app_only(call)
    row = _row(call)
    if row["app"] != "countersign":
        raise GitHubError(403, "Invalid app_id - check run can only be modified by the GitHub App that created it.")
    body: dict[str, Any] = call.body()
    changes = {name: body[name] for name in CHANGEABLE if name in body}
    row = checking.change_run(call.world, call.name, row, changes)
    return json_answer(checks.run(call.world, call.repository, row))


@ROUTES.on("GET", REPO + "/check-runs/{id}")
def one(call: Call) -> Answer:
    """One check run."""
    return json_answer(checks.run(call.world, call.repository, _row(call)))


@ROUTES.on("GET", REPO + "/check-suites/{id}")
def suite(call: Call) -> Answer:
    """One check suite."""
    row = call.world.store.by_id("check_suite", call.number("id"), place=call.name)
    if row is None:
        raise not_found()
    return json_answer(checks.suite(call.world, call.repository, row))


def _row(call: Call) -> Row:
    row = call.world.store.by_id("check_run", call.number("id"), place=call.name)
    if row is None:
        raise not_found()
    return row
