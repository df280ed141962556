"""Groups, service accounts and roles of the Doppler stand-in, in the shapes of its API. No list shows a key."""

from portal.standins.doppler.calls import ROUTES, Call, page
from portal.standins.doppler.people import DopplerError
from portal.standins.store import Row
from portal.standins.web import Answer, json_answer

BUILT_IN = {"workplace": ("owner", "admin", "collaborator"), "project": ("admin", "collaborator", "viewer")}


def group(row: Row) -> Row:
    """A group, without who is in it."""
    told = {"name": row["name"], "slug": row["vendor_id"], "created_at": row["created_at"]}
    return told | {"default_project_role": {"identifier": row["default_role"]}}


def whole_group(row: Row, projects: list[Row]) -> Row:
    """A group with who is in it and what it may use."""
    return group(row) | {
        "projects": [{"name": one["project"], "slug": one["project"], "role": {"identifier": one["role"]}} for one in projects],
        "members": [{"type": "workplace_user", "slug": one} for one in row["members"]],
    }


def role(row: Row, *, inline: bool = False) -> Row:
    """A role with what it permits."""
    told = {"name": row["name"], "permissions": row["permissions"], "identifier": row["identifier"]}
    return told | {"created_at": row["created_at"], "is_custom_role": row.get("custom", True), "is_inline_role": inline}


def service_account(row: Row) -> Row:
    """A service account with its role."""
    word = row["role"] or row["vendor_id"]
    given = {"name": word, "identifier": word, "permissions": row["permissions"], "created_at": row["created_at"], "custom": False}
    told = {"name": row["name"], "slug": row["vendor_id"], "created_at": row["created_at"]}
    return told | {"workplace_role": role(given, inline=not row["role"])}


def api_token(row: Row) -> Row:
    """A token, without its key."""
    told = {"name": row["name"], "slug": row["vendor_id"], "created_at": row["created_at"]}
    return told | {"last_seen_at": row["created_at"], "expires_at": row["expires_at"]}


@ROUTES.on("GET", "/v3/workplace/groups")
def groups(call: Call) -> Answer:
    """Every group."""
    return page(call, "groups", [group(row) for row in call.world.store.all("group")])


@ROUTES.on("GET", "/v3/workplace/groups/group/{group}")
def one_group(call: Call) -> Answer:
    """A group with its members."""
    row = _one(call, "group", call.args["group"])
    return json_answer({"group": whole_group(row, call.world.used_by(row["vendor_id"]))})


@ROUTES.on("GET", "/v3/workplace/service_accounts")
def service_accounts(call: Call) -> Answer:
    """Every service account."""
    return page(call, "service_accounts", [service_account(row) for row in call.world.store.all("service_account")])


@ROUTES.on("GET", "/v3/workplace/service_accounts/service_account/{account}/tokens")
def api_tokens(call: Call) -> Answer:
    """The tokens of a service account."""
    row = _one(call, "service_account", call.args["account"])
    return page(call, "api_tokens", [api_token(one) for one in call.world.store.all("api_token", place=row["vendor_id"])])


@ROUTES.on("GET", "/v3/workplace/roles")
def workplace_roles(call: Call) -> Answer:
    """The roles of the workplace, Doppler's own and others."""
    return json_answer({"roles": _roles(call, "workplace")})


@ROUTES.on("GET", "/v3/projects/roles")
def project_roles(call: Call) -> Answer:
    """The roles of projects; none is made for one account alone."""
    return json_answer(
        {"roles": [{name: told for name, told in row.items() if name != "is_inline_role"} for row in _roles(call, "project")]}
    )


def _roles(call: Call, where: str) -> list[Row]:
    made = "2020-01-01T00:00:00.000Z"
    built_in: list[Row] = [
        {"name": word.title(), "identifier": word, "permissions": ["team"], "created_at": made, "custom": False}
        for word in BUILT_IN[where]
    ]
    return [role(row) for row in [*built_in, *call.world.store.all("role", place=where)]]


def _one(call: Call, kind: str, vendor_id: str) -> Row:
    for row in call.world.store.all(kind):
        if row["vendor_id"] == vendor_id:
            return row
    raise DopplerError(404, "Not found")
