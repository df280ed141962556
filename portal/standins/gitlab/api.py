"""GitLab's REST API (``/api/v4``) over the forge's tables and real Git repositories.

A project is named by its path with the slash written ``%2F``, or by its number. Pages are ``page`` and ``per_page``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

from portal.standins.forge import Forge
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.tokens import Caller
from portal.standins.gitlab import shapes
from portal.standins.routes import Routes
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

Item = TypeVar("Item")
PROJECT = "/projects/{project}"
MERGE_REQUEST = PROJECT + "/merge_requests/{iid}"
COMMIT = PROJECT + "/repository/commits/{sha}"
SIZE, MOST = 20, 100
"""Items on a page, and at most."""
WRITERS = {"push", "maintain", "admin"}
STATES = {"pending": "pending", "running": "pending", "success": "success", "failed": "failure", "canceled": "error"}
"""What an outsider may say of a commit."""


@dataclass
class Call:
    """A request with its caller and its path's arguments, still as they were written."""

    forge: Forge
    request: Request
    caller: Caller
    args: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Row:
        """The project in the path, by its path or number. Raises 404."""
        said = unquote(self.args["project"])
        row = self.forge.store.by_id("repository", int(said)) if said.isdecimal() else None
        return self.forge.reached(self.caller, row["full_name"] if row else said)

    @property
    def name(self) -> str:
        """``group/project`` as the project spells it."""
        return str(self.project["full_name"])

    def merge_request(self) -> Row:
        """The merge request in the path. Raises 404."""
        if not self.args["iid"].isdecimal():
            raise not_found()
        return self.forge.pull(self.name, int(self.args["iid"]))


ROUTES: Routes[Call] = Routes()


def answer(forge: Forge, caller: Caller, request: Request, path: str) -> Answer:
    """One call; ``path`` as it was written. Raises GitHubError."""
    found = ROUTES.find(request.method, path)
    if found is None:
        raise not_found()
    handler, args = found
    return handler(Call(forge, request, caller, args))


def _paged(call: Call, items: Sequence[Item], shape: Callable[[Item], Any]) -> Answer:
    asked, size = call.request.query.get("page", "1"), call.request.query.get("per_page", str(SIZE))
    number = max(1, int(asked)) if asked.isdecimal() else 1
    length = min(MOST, max(1, int(size))) if size.isdecimal() else SIZE
    pages = max(1, -(-len(items) // length))
    wanted = {"prev": number - 1} if number > 1 else {}
    wanted |= {"next": number + 1} if number < pages else {}
    wanted |= {"first": 1, "last": pages}
    url = f"{call.forge.url}{call.request.target.partition('?')[0]}"
    parts = [f'<{url}?{urlencode({**call.request.query, "page": to})}>; rel="{rel}"' for rel, to in wanted.items()]
    headers = {
        "Link": ", ".join(parts),
        "X-Page": str(number),
        "X-Per-Page": str(length),
        "X-Total": str(len(items)),
        "X-Total-Pages": str(pages),
        "X-Next-Page": str(number + 1) if number < pages else "",
        "X-Prev-Page": str(number - 1) if number > 1 else "",
    }
    return json_answer([shape(row) for row in items[(number - 1) * length : number * length]], headers=headers)


@ROUTES.on("GET", "/user")
def user(call: Call) -> Answer:
    """Who asks."""
    account = call.forge.account(call.caller.login)
    more = {"email": account["email"], "created_at": "2026-01-01T00:00:00.000Z", "bot": False}
    return json_answer(shapes.user(call.forge, call.caller.login) | more)


@ROUTES.on("GET", "/personal_access_tokens/self")
def token(call: Call) -> Answer:
    """The token that asks."""
    owner = call.forge.account(call.caller.login)["uid"]
    told = {"id": owner, "name": "countersign", "revoked": False, "active": True, "user_id": owner, "scopes": ["api"]}
    return json_answer(told | {"created_at": "2026-01-01T00:00:00.000Z", "last_used_at": None, "expires_at": "2030-01-01"})


@ROUTES.on("GET", "/projects")
def projects(call: Call) -> Answer:
    """The projects of whoever asks; with ``min_access_level`` 40 those that they maintain."""
    maintains = call.request.query.get("min_access_level", "0") == "40"
    levels = {"maintain", "admin"} if maintains else {"pull", "triage", *WRITERS}
    found = [row for row in call.forge.repositories() if call.forge.permission(row["full_name"], call.caller.login) in levels]
    return _paged(call, found, lambda row: shapes.project(call.forge, row))


@ROUTES.on("GET", PROJECT)
def project(call: Call) -> Answer:
    """The project."""
    return json_answer(shapes.project(call.forge, call.project))


@ROUTES.on("GET", PROJECT + "/approvals")
def approval_rules(call: Call) -> Answer:
    """How many approvals are needed, and whether a push takes them away."""
    rules = call.forge.store.all("protection", place=call.name)
    told = {
        "approvals_before_merge": max((row["reviews"] for row in rules), default=0),
        "reset_approvals_on_push": any(row["dismiss_stale"] for row in rules),
        "selective_code_owner_removals": False,
        "disable_overriding_approvers_per_merge_request": True,
        "merge_requests_author_approval": False,
        "merge_requests_disable_committers_approval": True,
        "require_password_to_approve": False,
    }
    return json_answer(told)


@ROUTES.on("GET", PROJECT + "/protected_branches")
def protected(call: Call) -> Answer:
    """The protected branches."""
    return _paged(call, call.forge.store.all("protection", place=call.name), shapes.protection)


@ROUTES.on("GET", PROJECT + "/merge_requests")
def merge_requests(call: Call) -> Answer:
    """Merge requests; ``order_by=updated_at`` puts the newest change first."""
    wanted = call.request.query.get("state", "all")
    states = {"opened": "open"}.get(wanted, wanted)
    rows = [row for row in call.forge.pulls(call.name) if wanted == "all" or row["state"] == states]
    by = "updated_at" if call.request.query.get("order_by") == "updated_at" else "created_at"
    rows.sort(key=lambda row: (row[by], row["number"]), reverse=call.request.query.get("sort", "desc") == "desc")
    repo = call.project
    return _paged(call, rows, lambda row: shapes.merge_request(call.forge, repo, row))


@ROUTES.on("GET", MERGE_REQUEST)
def merge_request(call: Call) -> Answer:
    """One merge request."""
    return json_answer(shapes.merge_request(call.forge, call.project, call.merge_request()))


@ROUTES.on("GET", MERGE_REQUEST + "/diffs")
def diffs(call: Call) -> Answer:
    """What it changes, with the differences."""
    row, git = call.merge_request(), call.forge.git(call.name)
    base = git.merge_base(row["base_sha"], row["head_sha"])
    pairs = list(zip(git.files(base, row["head_sha"]), git.patches(base, row["head_sha"]), strict=True))
    return _paged(call, pairs, lambda pair: shapes.diff(*pair))


@ROUTES.on("GET", MERGE_REQUEST + "/commits")
def merge_request_commits(call: Call) -> Answer:
    """Its commits, newest first."""
    row, git = call.merge_request(), call.forge.git(call.name)
    found = git.commits(f"{row['base_sha']}..{row['head_sha']}")[::-1]
    return _paged(call, found, lambda entry: shapes.commit(call.forge, call.name, entry))


@ROUTES.on("GET", MERGE_REQUEST + "/approvals")
def approvals(call: Call) -> Answer:
    """Who approves now."""
    return json_answer(shapes.approvals(call.forge, call.project, call.merge_request()))


@ROUTES.on("GET", MERGE_REQUEST + "/notes")
def notes(call: Call) -> Answer:
    """What was written at it, by people and by GitLab itself."""
    return _paged(call, shapes.notes(call.forge, call.project, call.merge_request()), lambda note: note)


@ROUTES.on("GET", MERGE_REQUEST + "/versions")
def versions(call: Call) -> Answer:
    """The heads that it had, newest first."""
    row = call.merge_request()
    heads = list(enumerate(call.forge.heads(call.name, row), start=1))[::-1]
    return _paged(call, heads, lambda one: shapes.version(row, one[0], *one[1]))


@ROUTES.on("GET", COMMIT + "/merge_requests")
def commit_merge_requests(call: Call) -> Answer:
    """The merge requests that a commit came with."""
    call.forge.tip(call.name, call.args["sha"])
    repo = call.project
    found = list(call.forge.brought(call.name, call.args["sha"]))
    return _paged(call, found, lambda row: shapes.merge_request(call.forge, repo, row))


@ROUTES.on("GET", COMMIT + "/statuses")
def statuses(call: Call) -> Answer:
    """The jobs of a commit, and what others said of it."""
    found = [row for row in call.forge.statuses_of(call.name, call.args["sha"]) if row["context"] != shapes.PIPELINE]
    return _paged(call, found, lambda row: shapes.status(call.forge, row))


@ROUTES.on("GET", PROJECT + "/pipelines")
def pipelines(call: Call) -> Answer:
    """The pipelines of a commit (``sha``), newest first."""
    sha, repo = call.request.query.get("sha", ""), call.project
    rows = call.forge.store.all("status", place=call.name, subject=sha)
    found = [row for row in rows if row["context"] == shapes.PIPELINE][::-1]
    return _paged(call, found, lambda row: shapes.pipeline(call.forge, repo, row))


@ROUTES.on("POST", PROJECT + "/statuses/{sha}")
def set_status(call: Call) -> Answer:
    """A developer or more may say how a commit stands."""
    if call.forge.permission(call.name, call.caller.login) not in WRITERS:
        raise GitHubError(403, "Forbidden")
    body = call.request.json()
    state = STATES.get(body.get("state") or "")
    if state is None:
        raise GitHubError(400, "state does not have a valid value")
    made = call.forge.status(
        repository=call.name,
        sha=call.args["sha"],
        context=body.get("name") or "default",
        state=state,
        by=call.caller.login,
        description=body.get("description") or "",
        target_url=body.get("target_url") or "",
    )
    row = call.forge.store.by_id("status", made["id"], place=call.name)
    if row is None:
        raise not_found()
    return json_answer(shapes.status(call.forge, row), status=201)
