"""What an open page asks about its session, and where signing in again beside it ends.

A page warns before its session ends, and lets its reader sign in again without leaving it (portal/static/portal/staying.js).
Asking is a request like any other: it shows that somebody is there, unless it says that nobody made it.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal.access import sessions
from portal.access.freshness import is_fresh
from portal.access.guards import public, requires
from portal.access.permissions import P


@require_GET
def _session(request: HttpRequest) -> HttpResponse:
    """Whose session this is, how many seconds it has left, and the token for its forms. Only our own pages can read it.

    ``for``: the path that a form is about to be sent to; then ``prove`` says whether it asks for a fresher proof than there is.
    """
    standing = sessions.standing_of(request, at=timezone.now())
    if standing is None:
        return JsonResponse({"person": None})
    prove = _asks_for_proof(request.GET.get("for", "")) and not is_fresh(request)
    told = {"person": standing.person, "left": standing.left, "idle": standing.idle, "prove": prove}
    return JsonResponse({**told, "token": get_token(request)})


def _asks_for_proof(path: str) -> bool:
    """Whether the view behind this path lets only those in who proved a moment ago who they are."""
    try:
        return bool(vars(resolve(path).func).get("fresh"))
    except Resolver404:
        return False


session = public(_session, reason="An open page asks whether it is still signed in; whoever is not learns nothing else.")


@requires(P.OWN_ACCOUNT)
@require_GET
def here(request: HttpRequest) -> HttpResponse:
    """The end of a sign-in in a window or dialog of its own: it tells the other pages, and can be closed."""
    return render(request, "account/here.html")
