"""Commits and what is known about them."""

from portal.standins.git import GitFailed
from portal.standins.github.acts import checking
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.rest.calls import ROUTES, Call, page_of, paged
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import checks, commits, pulls
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer


def _sha(call: Call) -> str:
    return call.world.tip(call.name, call.args["ref"])


@ROUTES.on("GET", REPO + "/commits")
def listed(call: Call) -> Answer:
    """The commits of a branch, newest first."""
    name = call.name
    start = call.world.tip(name, call.text("sha") or call.repository["default_branch"])
    entries = list(reversed(call.world.git(name).commits(start)))
    return paged(call, entries, lambda entry: commits.commit(call.world, name, entry))


@ROUTES.on("GET", REPO + "/commits/{ref}/pulls")
def pull_requests(call: Call) -> Answer:
    """The pull requests of a commit: on the default branch the merged one that brought it, elsewhere open and merged ones."""
    name, repository, sha = call.name, call.repository, _sha(call)
    numbers = {row["number"] for row in call.world.store.all("pull_commit", place=name, subject=sha)}
    rows = [row for row in call.world.pulls(name) if row["number"] in numbers and row["state"] != "closed"]
    default = repository["default_branch"]
    if call.world.git(name).contains(f"refs/heads/{default}", sha):
        rows = [row for row in rows if row["state"] == "merged" and row["base_ref"] == default]
    return paged(call, rows, lambda row: pulls.simple(call.world, repository, row))


@ROUTES.on("GET", REPO + "/commits/{ref:rest}/check-runs")
def check_runs(call: Call) -> Answer:
    """The check runs of a commit; ``filter=latest`` (the default) shows the newest of each name."""
    repository, rows = call.repository, checking.runs_of(call.world, call.name, _sha(call))
    if call.text("filter", "latest") == "latest":
        rows = list({(row["app"], row["name"]): row for row in rows}.values())
    for parameter, key in (("check_name", "name"), ("status", "status")):
        wanted = call.text(parameter)
        rows = [row for row in rows if not wanted or row[key] == wanted]
    return paged(call, rows, lambda row: checks.run(call.world, repository, row), under="check_runs")


@ROUTES.on("GET", REPO + "/commits/{ref:rest}/check-suites")
def check_suites(call: Call) -> Answer:
    """The check suites of a commit."""
    repository = call.repository
    rows = call.world.store.all("check_suite", place=call.name, subject=_sha(call))
    return paged(call, rows, lambda row: checks.suite(call.world, repository, row), under="check_suites")


@ROUTES.on("GET", REPO + "/commits/{ref:rest}/status")
def combined_status(call: Call) -> Answer:
    """The combined status of a commit."""
    sha = _sha(call)
    rows = call.world.store.all("status", place=call.name, subject=sha)
    return json_answer(checks.combined(call.world, call.repository, sha, rows))


@ROUTES.on("GET", REPO + "/commits/{ref:rest}/statuses")
def statuses(call: Call) -> Answer:
    """Every status of a commit, newest first."""
    name = call.name
    rows = list(reversed(call.world.store.all("status", place=name, subject=_sha(call))))
    return paged(call, rows, lambda row: checks.status(call.world, name, row))


@ROUTES.on("GET", REPO + "/commits/{ref:rest}")
def one(call: Call) -> Answer:
    """One commit with what it changed."""
    name = call.name
    return json_answer(commits.full_commit(call.world, name, call.world.git(name).commit_of(_sha(call))))


@ROUTES.on("POST", REPO + "/statuses/{ref}")
def create_status(call: Call) -> Answer:
    """Sets a commit status: anyone with write access may."""
    call.need("statuses", "write")
    body = call.body()
    made = checking.status(
        call.world,
        repository=call.name,
        sha=call.args["ref"],
        context=str(body.get("context") or "default"),
        state=str(call.field("state")),
        by=call.caller.login,
        description=str(body.get("description") or ""),
        target_url=str(body.get("target_url") or ""),
    )
    return json_answer(made, status=201)


@ROUTES.on("GET", REPO + "/compare/{basehead:rest}")
def compare(call: Call) -> Answer:
    """``base...head``."""
    base, dots, head = call.args["basehead"].partition("...")
    if not dots:
        raise not_found()
    page, size = page_of(call)
    if "per_page" not in call.request.query and "page" not in call.request.query:
        size = commits.COMPARED_WITHOUT_PAGES
    name = call.name
    git = call.world.git(name)
    try:
        shape = commits.comparison(call.world, name, git.tip(base), git.tip(head), page=page, per_page=size)
    except GitFailed as problem:
        raise GitHubError(404, "Not Found") from problem
    return json_answer(shape)


@ROUTES.on("GET", REPO + "/git/ref/{ref:rest}")
def git_ref(call: Call) -> Answer:
    """One ref by its name."""
    name, ref = call.name, f"refs/{call.args['ref']}"
    try:
        sha = call.world.git(name).tip(ref)
    except GitFailed as problem:
        raise not_found() from problem
    url = f"{call.world.api_url}/repos/{name}/git"
    target: Row = {"sha": sha, "type": "commit", "url": f"{url}/commits/{sha}"}
    return json_answer({"ref": ref, "node_id": f"REF_{sha[:20]}", "url": f"{url}/{ref}", "object": target})
