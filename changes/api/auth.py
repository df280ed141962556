"""Who calls the API: the bearer of a personal token, or a person who is signed in. Same permissions as the pages."""

from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now
from ninja.errors import HttpError
from ninja.security.base import AuthBase

from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import for_auditor
from portal.access.tokens import allows, token_from


class TokenOrSession(AuthBase):
    """``Authorization: Bearer cs_…``, or the session of the portal."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Any:
        if request.headers.get("Authorization"):
            token = token_from(request)
            vars(request)["api_token"] = token
            return token
        return request.user if isinstance(request.user, User) and request.user.is_active else None


def need(request: HttpRequest, permission: P) -> None:
    """Raise 403 unless the caller may do this now, by role and by the token's scope."""
    token = getattr(request, "api_token", None)
    if token is not None:
        if not allows(token=token, permission=permission, at=now()):
            raise HttpError(403, f"This token does not allow {permission.value}. Make one with that scope.")
        return
    if not may(request.user, permission):
        raise HttpError(403, f"Your roles do not allow you to {permission.sentence}.")


def asker(request: HttpRequest) -> User:
    """Who asks: the owner of the token, or the person who is signed in. An auditor reads, and asks no gate: 403."""
    token = vars(request).get("api_token")
    person = token.user if token is not None else request.user
    if for_auditor(request) or not isinstance(person, User):
        raise HttpError(403, "Auditors read what was asked, on the page of the deploy gate.")
    return person


def caller(request: HttpRequest) -> int | None:
    """The person who asks: the owner of the token, or who is signed in."""
    token = getattr(request, "api_token", None)
    return token.user_id if token is not None else request.user.pk
