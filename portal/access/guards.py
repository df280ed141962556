"""What a view declares: the permission that it needs, or why it is public. A view that declares nothing is denied.

``requires`` checks in the view itself, so that no road around the middleware leads past it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from portal.access.freshness import is_fresh
from portal.access.may import may
from portal.access.permissions import P

View = TypeVar("View", bound=Callable[..., Any])


class NotAllowed(PermissionDenied):
    """The signed-in person lacks a permission. The 403 page names the roles that have it, and their holders."""

    def __init__(self, permission: P) -> None:
        self.permission = permission
        super().__init__(f"Your roles do not allow you to {permission.sentence}.")


def requires(permission: P, *, fresh: bool = False) -> Callable[[View], View]:
    """Let only people with this permission in; with ``fresh`` only those who proved who they are within five minutes.

    Works on ordinary and on asynchronous views. Others get the sign-in page, 403 (``NotAllowed``) or re-authentication.
    """

    def declare(view: View) -> View:
        guarded = _guarded_async(view, permission, fresh) if iscoroutinefunction(view) else _guarded(view, permission, fresh)
        vars(guarded).update(permission=permission, fresh=fresh)
        return guarded

    return declare


def public(view: View, *, reason: str) -> View:
    """Mark a view that answers people who are not signed in, with the reason why it may."""
    open_view: View = login_not_required(view)
    vars(open_view).update(public_reason=reason)
    return open_view


def by_token(view: View) -> View:
    """Mark a view of the API: it answers only bearers of a token and checks the scope of each operation itself."""
    token_view: View = login_not_required(view)
    vars(token_view).update(token_guarded=True)
    return token_view


def check(request: HttpRequest, permission: P, *, fresh: bool = False) -> HttpResponse | None:
    """None when the person may go on; else what to answer. Raises ``NotAllowed`` when a role is missing."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
    if not may(request.user, permission):
        raise NotAllowed(permission)
    if fresh and not is_fresh(request):
        return ask_again(request)
    return None


def ask_again(request: HttpRequest) -> HttpResponse:
    """Send the person to re-authentication, and from there back to the page that they were on."""
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': _page_of(request)})}"
    messages.info(request, "Please confirm that it is you. Nothing was changed yet.")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _page_of(request: HttpRequest) -> str:
    """The page to return to: this one for a look, the one with the button for an act."""
    if request.method in {"GET", "HEAD"} and request.headers.get("HX-Request") != "true":
        return request.get_full_path()
    came_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(came_from)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _guarded(view: View, permission: P, fresh: bool) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return check(request, permission, fresh=fresh) or view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]  # wraps keeps the signature, which a type variable cannot say


def _guarded_async(view: View, permission: P, fresh: bool) -> View:
    @wraps(view)
    async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refusal = await sync_to_async(check)(request, permission, fresh=fresh)
        return refusal or await view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]  # as above
