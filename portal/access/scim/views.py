"""SCIM 2.0 over HTTP (RFC 7644): users, and what the service can. Every answer is SCIM's JSON, errors too."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from portal.access.guards import by_token
from portal.access.models import User
from portal.access.scim import actions, discovery
from portal.access.scim.documents import document_of
from portal.access.scim.errors import ScimError
from portal.access.scim.filtering import filtered
from portal.access.scim.models import ScimToken
from portal.access.scim.tokens import token_from
from portal.policy.refusal import Refused, Stale

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
CONTENT = "application/scim+json"
USUAL = 100
Answer = tuple[int, Any]
View = Callable[..., Answer]


def scim(*methods: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """A view that answers (status, JSON), for bearers of a token of provisioning and these methods."""

    def declare(view: View) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                token = token_from(request, at=timezone.now())
                if token is None:
                    raise ScimError(401, "A valid token of provisioning is needed.")
                if request.method not in methods:
                    raise ScimError(405, f"Here only {', '.join(methods)}.")
                status, body = view(request, token, *args, **kwargs)
            except (ScimError, Refused, Stale) as problem:
                error = _error(problem)
                status, body = error.status, error.body()
            return _response(status, body, methods)

        guarded: Callable[..., HttpResponse] = csrf_exempt(by_token(answering))
        return guarded

    return declare


@scim("GET", "POST")
def users(request: HttpRequest, token: ScimToken) -> Answer:
    """Find people, or make one known."""
    if request.method == "POST":
        user = actions.create(document=_body(request), token=token, at=timezone.now())
        return 201, _shown(user)
    found = filtered(request.GET.get("filter", "")).order_by("pk")
    start, count = max(1, _whole(request, "startIndex", 1)), min(discovery.MOST, max(0, _whole(request, "count", USUAL)))
    rows = list(found[start - 1 : start - 1 + count])
    shown = [document_of(user, getattr(user, "directory_entry", None), base=f"{base()}/Users") for user in rows]
    return 200, {**_listed(shown), "totalResults": found.count(), "startIndex": start}


@scim("GET", "PUT", "PATCH", "DELETE")
def user(request: HttpRequest, token: ScimToken, pk: int) -> Answer:
    """Read, replace, change or let go one person."""
    now = timezone.now()
    if request.method == "GET":
        found = filtered(f'id eq "{pk}"').first()
        if found is None:
            raise ScimError(404, f"There is no user {pk}.")
        return 200, _shown(found)
    if request.method == "DELETE":
        actions.delete(pk=pk, token=token, at=now)
        return 204, None
    if request.method == "PUT":
        return 200, _shown(actions.replace(pk=pk, document=_body(request), token=token, at=now))
    return 200, _shown(actions.patch(pk=pk, request=_body(request), token=token, at=now))


@scim("GET")
def service(request: HttpRequest, token: ScimToken) -> Answer:
    """What the service can."""
    return 200, discovery.service(base())


@scim("GET")
def described(request: HttpRequest, token: ScimToken, what: str, name: str = "") -> Answer:
    """Schemas and resource types: all, or the one of this name."""
    every = discovery.schemas(base()) if what == "Schemas" else discovery.resource_types(base())
    if not name:
        return 200, {**_listed(every), "totalResults": len(every), "startIndex": 1}
    found = next((one for one in every if one["id"].lower() == name.lower()), None)
    if found is None:
        raise ScimError(404, f"{what} has no {name[:100]}.")
    return 200, found


@scim("GET", "POST", "PUT", "PATCH", "DELETE")
def nothing(request: HttpRequest, token: ScimToken, rest: str) -> Answer:
    """Whatever else directories ask for, such as groups."""
    raise ScimError(404, "Only Users, ServiceProviderConfig, ResourceTypes and Schemas are here.")


def base() -> str:
    """The address under which SCIM is served."""
    return f"{settings.BASE_URL}/scim/v2"


def _shown(found: User) -> dict[str, Any]:
    fresh = User.objects.select_related("directory_entry").get(pk=found.pk)
    return document_of(fresh, getattr(fresh, "directory_entry", None), base=f"{base()}/Users")


def _listed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemas": [LIST], "itemsPerPage": len(rows), "Resources": rows}


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        said = json.loads(request.body)
    except RequestDataTooBig as large:
        raise ScimError(413, "The body is too large.") from large
    except (UnicodeDecodeError, ValueError, RecursionError) as wrong:
        raise ScimError(400, "The body is no JSON.", "invalidSyntax") from wrong
    if not isinstance(said, dict):
        raise ScimError(400, "The body is no object.", "invalidSyntax")
    return said


def _whole(request: HttpRequest, name: str, usual: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return usual
    try:
        return max(-1, min(int(text), 10_000_000))
    except ValueError as wrong:
        raise ScimError(400, f"{name} is a whole number.", "invalidValue") from wrong


def _error(problem: ScimError | Refused | Stale) -> ScimError:
    """A refusal of ours as SCIM says it: 403 in our words, 409 when somebody was faster."""
    if isinstance(problem, ScimError):
        return problem
    if isinstance(problem, Stale):
        return ScimError(409, str(problem))
    return ScimError(403, problem.words)


def _response(status: int, body: Any, methods: tuple[str, ...]) -> HttpResponse:
    response = HttpResponse("" if body is None else json.dumps(body), status=status, content_type=CONTENT)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Countersign provisioning"'
    if status == 405:
        response.headers["Allow"] = ", ".join(methods)
    if isinstance(body, dict) and status in (200, 201) and "location" in body.get("meta", {}):
        response.headers["Location" if status == 201 else "Content-Location"] = body["meta"]["location"]
    return response
