"""Gitea's REST API (``/api/v1``) over the forge's tables and real Git repositories. Pages are ``page`` and ``limit``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from portal.standins.forge import Forge
from portal.standins.gitea import shapes
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.tokens import Caller
from portal.standins.routes import Routes
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

Item = TypeVar("Item")
REPO = "/repos/{owner}/{name}"
SIZE, MOST = 30, 50
"""Items on a page, and at most."""
VERSION = "16.0.1+gitea-1.22.0"


@dataclass
class Call:
    """A request with its caller and its path's arguments."""

    forge: Forge
    request: Request
    caller: Caller
    args: dict[str, str] = field(default_factory=dict)

    @property
    def repository(self) -> Row:
        """The repository in the path. Raises 404."""
        return self.forge.reached(self.caller, f"{self.args['owner']}/{self.args['name']}")

    @property
    def name(self) -> str:
        """``owner/name`` as the repository spells it."""
        return str(self.repository["full_name"])

    def pull(self) -> Row:
        """The pull request in the path. Raises 404."""
        if not self.args["index"].isdecimal():
            raise not_found()
        return self.forge.pull(self.name, int(self.args["index"]))


ROUTES: Routes[Call] = Routes()


def answer(forge: Forge, caller: Caller, request: Request) -> Answer:
    """One call. Raises GitHubError."""
    found = ROUTES.find(request.method, request.path.removeprefix(forge.api_path))
    if found is None:
        raise not_found()
    handler, args = found
    return handler(Call(forge, request, caller, args))


def _page(call: Call, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, str]]:
    """One page of a list, and the headers that say what else there is."""
    asked, size = call.request.query.get("page", "1"), call.request.query.get("limit", str(SIZE))
    number = max(1, int(asked)) if asked.isdecimal() else 1
    length = min(MOST, max(1, int(size))) if size.isdecimal() else SIZE
    pages = max(1, -(-len(items) // length))
    wanted = {"next": number + 1, "last": pages} if number < pages else {}
    wanted |= {"first": 1, "prev": number - 1} if number > 1 else {}
    url = f"{call.forge.url}{call.request.path}"
    parts = [f'<{url}?{urlencode({**call.request.query, "page": to})}>; rel="{rel}"' for rel, to in wanted.items()]
    headers = {"X-Total-Count": str(len(items))} | ({"Link": ", ".join(parts)} if parts else {})
    return items[(number - 1) * length : number * length], headers


def _paged(call: Call, items: Sequence[Item], shape: Callable[[Item], Any]) -> Answer:
    rows, headers = _page(call, items)
    return json_answer([shape(row) for row in rows], headers=headers)


@ROUTES.on("GET", "/version")
def version(call: Call) -> Answer:
    """Which server this is."""
    return json_answer({"version": VERSION})


@ROUTES.on("GET", "/user")
def user(call: Call) -> Answer:
    """Who asks."""
    return json_answer(shapes.user(call.forge, call.caller.login))


@ROUTES.on("GET", "/user/repos")
def repositories(call: Call) -> Answer:
    """The repositories that whoever asks can reach."""
    login = call.caller.login
    rows = [row for row in call.forge.repositories() if call.forge.permission(row["full_name"], login)]
    return _paged(call, rows, lambda row: shapes.repository(call.forge, row, login=login))


@ROUTES.on("GET", REPO)
def repository(call: Call) -> Answer:
    """The repository."""
    return json_answer(shapes.repository(call.forge, call.repository, login=call.caller.login))


@ROUTES.on("GET", REPO + "/branches")
def branches(call: Call) -> Answer:
    """Its branches."""
    tips = sorted(call.forge.git(call.name).branches().items())
    return _paged(call, tips, lambda tip: _branch(call, *tip))


def _branch(call: Call, name: str, sha: str) -> Row:
    entry = call.forge.git(call.name).commit_of(sha)
    told = {"id": sha, "message": entry.message, "author": {"name": entry.author.name, "email": entry.author.email}}
    return {"name": name, "commit": told, "protected": call.forge.protection(call.name, name) is not None}


@ROUTES.on("GET", REPO + "/branch_protections")
def protections(call: Call) -> Answer:
    """Every rule over branches; this list has no pages."""
    call.forge.reached(call.caller, call.name)
    if call.forge.permission(call.name, call.caller.login) != "admin":
        raise GitHubError(403, "user should be an owner or a collaborator with admin write of a repository")
    return json_answer([shapes.protection(row) for row in call.forge.store.all("protection", place=call.name)])


@ROUTES.on("GET", REPO + "/collaborators")
def collaborators(call: Call) -> Answer:
    """Everybody with access."""
    return _paged(call, call.forge.store.all("member", place=call.name), lambda row: shapes.user(call.forge, str(row["login"])))


@ROUTES.on("GET", REPO + "/collaborators/{login}/permission")
def permission(call: Call) -> Answer:
    """What somebody may do."""
    held = shapes.LEVELS.get(call.forge.permission(call.name, call.args["login"]), "none")
    return json_answer({"permission": held, "role_name": held, "user": shapes.user(call.forge, call.args["login"])})


@ROUTES.on("GET", REPO + "/pulls")
def pulls(call: Call) -> Answer:
    """Pull requests; ``sort=recentupdate`` puts the newest change first."""
    wanted = call.request.query.get("state", "open")
    rows = [row for row in call.forge.pulls(call.name) if wanted in ("all", "open" if row["state"] == "open" else "closed")]
    recent = call.request.query.get("sort") == "recentupdate"
    rows.sort(key=lambda row: (row["updated_at"], row["number"]) if recent else (row["created_at"], row["number"]), reverse=True)
    repo = call.repository
    return _paged(call, rows, lambda row: shapes.pull_request(call.forge, repo, row))


@ROUTES.on("GET", REPO + "/pulls/{index}")
def pull(call: Call) -> Answer:
    """One pull request."""
    return json_answer(shapes.pull_request(call.forge, call.repository, call.pull()))


@ROUTES.on("GET", REPO + "/pulls/{index}/files")
def files(call: Call) -> Answer:
    """What it changes."""
    row, git = call.pull(), call.forge.git(call.name)
    found = git.files(git.merge_base(row["base_sha"], row["head_sha"]), row["head_sha"])
    return _paged(call, found, lambda file: shapes.changed(call.forge, call.name, row["head_sha"], file))


@ROUTES.on("GET", REPO + "/pulls/{index}/commits")
def pull_commits(call: Call) -> Answer:
    """Its commits, newest first as Gitea lists them."""
    row, git = call.pull(), call.forge.git(call.name)
    found = list(reversed(git.commits(f"{row['base_sha']}..{row['head_sha']}")))
    return _paged(call, found, lambda entry: shapes.commit(call.forge, call.name, entry))


@ROUTES.on("GET", REPO + "/pulls/{index}/reviews")
def reviews(call: Call) -> Answer:
    """Its reviews, oldest first."""
    row = call.pull()
    found = call.forge.store.all("review", place=call.name, subject=str(row["number"]))
    return _paged(call, found, lambda one: shapes.review(call.forge, call.name, row, one))


@ROUTES.on("GET", REPO + "/commits")
def commits(call: Call) -> Answer:
    """The history of a branch, newest first."""
    ref = call.request.query.get("sha") or call.repository["default_branch"]
    found = list(reversed(call.forge.git(call.name).commits(call.forge.tip(call.name, ref))))
    return _paged(call, found, lambda entry: shapes.commit(call.forge, call.name, entry))


@ROUTES.on("GET", REPO + "/commits/{sha}/pull")
def commit_pull(call: Call) -> Answer:
    """The merged pull request that a commit came with. Raises 404 when it came with none."""
    found = [row for row in call.forge.brought(call.name, call.args["sha"]) if row["state"] == "merged"]
    if not found:
        raise not_found()
    return json_answer(shapes.pull_request(call.forge, call.repository, found[0]))


@ROUTES.on("GET", REPO + "/commits/{ref}/status")
def combined(call: Call) -> Answer:
    """The latest status of each context, with the worst of them as the whole."""
    sha = call.forge.tip(call.name, call.args["ref"])
    rows = call.forge.statuses_of(call.name, sha)
    page, headers = _page(call, rows)
    return json_answer(shapes.combined(call.forge, call.repository, sha, rows, list(page)), headers=headers)


@ROUTES.on("GET", REPO + "/statuses/{sha}")
def statuses(call: Call) -> Answer:
    """Every status of a commit, newest first."""
    rows = list(reversed(call.forge.store.all("status", place=call.name, subject=call.args["sha"])))
    return _paged(call, rows, lambda row: shapes.status(call.forge, call.name, row))


@ROUTES.on("POST", REPO + "/statuses/{sha}")
def set_status(call: Call) -> Answer:
    """Anybody who may write can say how a commit stands."""
    if call.forge.permission(call.name, call.caller.login) not in {"push", "maintain", "admin"}:
        raise GitHubError(403, "token does not have at least one of required scope(s): [write:repository]")
    body = call.request.json()
    made = call.forge.status(
        repository=call.name,
        sha=call.args["sha"],
        context=body.get("context") or "default",
        state=body.get("state") or "",
        by=call.caller.login,
        description=body.get("description") or "",
        target_url=body.get("target_url") or "",
    )
    row = call.forge.store.by_id("status", made["id"], place=call.name)
    if row is None:
        raise not_found()
    return json_answer(shapes.status(call.forge, call.name, row), status=201)
