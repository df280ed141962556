"""The App, its installation and tokens, its delivery log; who am I; how much is left."""

from urllib.parse import urlencode

from portal.standins.github import tokens
from portal.standins.github.acts.telling import ping
from portal.standins.github.errors import GitHubError, not_found
from portal.standins.github.hooks import HOOK_ID, INSTALLATION_ID
from portal.standins.github.rest.calls import ROUTES, Call, page_of, paged
from portal.standins.github.rest.repositories import REPO
from portal.standins.github.shapes import deliveries, people, repositories
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer

DELIVERIES = ("/app/hook/deliveries", REPO + "/hooks/{hook}/deliveries", "/orgs/{org}/hooks/{hook}/deliveries")


def _app_only(call: Call) -> None:
    if call.caller.kind != "app":
        raise GitHubError(401, "A JSON web token could not be decoded")


@ROUTES.on("GET", "/app")
def app(call: Call) -> Answer:
    """The App."""
    _app_only(call)
    return json_answer(people.app(call.world, "countersign"))


@ROUTES.on("GET", "/app/installations")
def installations(call: Call) -> Answer:
    """Its one installation."""
    _app_only(call)
    return paged(call, [_owner(call)], lambda owner: people.installation(call.world, owner))


@ROUTES.on("GET", "/app/installations/{id}")
def installation(call: Call) -> Answer:
    """The installation by number."""
    _app_only(call)
    _same_installation(call)
    return json_answer(people.installation(call.world, _owner(call)))


@ROUTES.on("GET", REPO + "/installation")
def installation_of(call: Call) -> Answer:
    """The installation that reaches a repository."""
    _app_only(call)
    row = call.world.repository(f"{call.args['owner']}/{call.args['repo']}")
    return json_answer(people.installation(call.world, row["full_name"].split("/")[0]))


def _owner(call: Call) -> str:
    rows = call.world.repositories()
    if not rows:
        raise not_found()
    return str(rows[0]["full_name"].split("/")[0])


def _same_installation(call: Call) -> None:
    if call.number("id") != INSTALLATION_ID:
        raise not_found()


@ROUTES.on("POST", "/app/installations/{id}/access_tokens")
def access_token(call: Call) -> Answer:
    """A token for an hour, as narrow as asked. Raises 422 for more than the App has."""
    _app_only(call)
    _same_installation(call)
    body = call.body()
    wanted = body.get("permissions")
    for name, level in (wanted or {}).items():
        has = tokens.APP_PERMISSIONS.get(name)
        if has is None or (level == "write" and has != "write"):
            raise GitHubError(422, "The permissions requested are not granted to this installation.")
    names = body.get("repositories")
    reach = [f"{_owner(call)}/{name}" for name in names] if names else None
    made = tokens.installation_token(call.world, at=call.at, permissions=wanted, repositories=reach)
    selection = "selected" if reach else "all"
    shape = {key: made[key] for key in ("token", "expires_at", "permissions")} | {"repository_selection": selection}
    return json_answer(shape, status=201)


@ROUTES.on("DELETE", "/installation/token")
def revoke(call: Call) -> Answer:
    """Ends the calling token."""
    tokens.revoke(call.world, call.caller.token)
    return Answer(204)


@ROUTES.on("GET", "/installation/repositories")
def reach(call: Call) -> Answer:
    """The repositories that the calling token reaches."""
    names = call.caller.repositories
    rows = [row for row in call.world.repositories() if names is None or row["full_name"] in names]
    return paged(call, rows, lambda row: repositories.repository(call.world, row), under="repositories")


@ROUTES.on("GET", "/user")
def me(call: Call) -> Answer:
    """The person behind a personal token."""
    if call.caller.kind != "user":
        raise GitHubError(403, "Resource not accessible by integration")
    return json_answer(people.full_user(call.world, call.caller.login))


@ROUTES.on("GET", "/user/repos")
def mine(call: Call) -> Answer:
    """The repositories that the person sees."""
    if call.caller.kind != "user":
        raise GitHubError(403, "Resource not accessible by integration")
    return paged(call, call.world.repositories(), lambda row: repositories.repository(call.world, row))


@ROUTES.on("GET", "/users/{login}")
def user(call: Call) -> Answer:
    """Somebody."""
    return json_answer(people.full_user(call.world, call.args["login"]))


@ROUTES.on("GET", "/meta")
def meta(call: Call) -> Answer:
    """Something that always answers."""
    return json_answer({"verifiable_password_authentication": False})


@ROUTES.on("GET", "/rate_limit")
def rate_limit(call: Call) -> Answer:
    """How much is left; the headers say it too."""
    window = {"limit": tokens.QUOTA, "used": 0, "remaining": tokens.QUOTA, "reset": int(call.at.timestamp()) + 3600}
    return json_answer({"resources": {"core": window, "search": window | {"limit": 30, "remaining": 30}}, "rate": window})


@ROUTES.on("GET", REPO + "/hooks")
def hooks(call: Call) -> Answer:
    """The webhook."""
    name, config = call.name, call.world.hooks.config
    its_own = config["url"] and not config.get("organization")
    return paged(call, [HOOK_ID] if its_own else [], lambda _: deliveries.hook(call.world, name))


@ROUTES.on("GET", "/orgs/{org}/hooks")
def hooks_of_organization(call: Call) -> Answer:
    """The webhook of an organisation, for its owners."""
    org = _organization(call)
    config = call.world.hooks.config
    its_own = config["url"] and config.get("organization") == org
    return paged(call, [HOOK_ID] if its_own else [], lambda _: deliveries.organization_hook(call.world, org))


def _organization(call: Call) -> str:
    """Who administers a repository of an organisation owns it here. Raises 404 for others, and 403 for the App."""
    if call.caller.kind != "user":
        raise GitHubError(403, "Resource not accessible by integration")
    org = call.args["org"]
    names = [row["full_name"] for row in call.world.repositories() if row["full_name"].split("/")[0] == org]
    if "admin" not in {call.world.permission(name, call.caller.login) for name in names}:
        raise not_found()
    return org


@ROUTES.on("GET", "/app/hook/config")
def hook_config(call: Call) -> Answer:
    """Where the App's webhook goes."""
    _app_only(call)
    return json_answer(deliveries.config(call.world.hooks))


@ROUTES.on("POST", REPO + "/hooks/{hook}/pings")
def send_ping(call: Call) -> Answer:
    """Sends a ping."""
    call.need("administration", "write")
    ping(call.world)
    return Answer(204)


def _delivered(call: Call) -> list[Row]:
    """The log that the caller may see: the App all of it, others one repository's."""
    rows = call.world.hooks.deliveries()
    if "org" in call.args:
        _organization(call)
        return rows
    if "repo" not in call.args:
        _app_only(call)
        return rows
    number = call.repository["id"]
    return [row for row in rows if row["repository_id"] == number]


@ROUTES.on("GET", DELIVERIES[0])
@ROUTES.on("GET", DELIVERIES[1])
@ROUTES.on("GET", DELIVERIES[2])
def delivery_log(call: Call) -> Answer:
    """Deliveries, newest first; ``status=failure``; a cursor leads to older ones."""
    rows = [deliveries.delivery(row) for row in reversed(_delivered(call)) if row["status_code"] is not None]
    wanted = call.text("status")
    if wanted in {"success", "failure"}:
        rows = [row for row in rows if (row["status"] == "OK") == (wanted == "success")]
    if call.text("cursor").isdecimal():
        rows = [row for row in rows if row["id"] < int(call.text("cursor"))]
    size = page_of(call)[1]
    more = {}
    if len(rows) > size:
        url = f"{call.world.api_url}{call.request.path.partition('/github')[2]}"
        following = urlencode({**call.request.query, "per_page": size, "cursor": rows[size - 1]["id"]})
        more = {"Link": f'<{url}?{following}>; rel="next"'}
    return json_answer(rows[:size], headers=more)


def _one(call: Call) -> Row:
    number = call.number("delivery")
    for row in _delivered(call):
        if row["id"] == number:
            return row
    raise not_found()


@ROUTES.on("GET", DELIVERIES[0] + "/{delivery}")
@ROUTES.on("GET", DELIVERIES[1] + "/{delivery}")
@ROUTES.on("GET", DELIVERIES[2] + "/{delivery}")
def one_delivery(call: Call) -> Answer:
    """One delivery with its payload."""
    return json_answer(deliveries.full_delivery(call.world, _one(call)))


@ROUTES.on("POST", DELIVERIES[0] + "/{delivery}/attempts")
@ROUTES.on("POST", DELIVERIES[1] + "/{delivery}/attempts")
@ROUTES.on("POST", DELIVERIES[2] + "/{delivery}/attempts")
def redeliver(call: Call) -> Answer:
    """Sends it again under the same GUID."""
    call.world.hooks.redeliver(_one(call))
    return json_answer({}, status=202)
