"""What an open page asks about its session, and where signing in again beside it ends.

A page warns before its session ends, and lets its reader sign in again without leaving it (portal/static/portal/staying.js).
Asking is a request like any other: it shows that somebody is there, unless it says that nobody made it.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal.access import sessions
from portal.access.guards import public, requires
from portal.access.permissions import P


@require_GET
def _session(request: HttpRequest) -> HttpResponse:
    """Whose session this is, how many seconds it has left, and the token for its forms. Only our own pages can read it."""
    standing = sessions.standing_of(request, at=timezone.now())
    if standing is None:
        return JsonResponse({"person": None})
    return JsonResponse({"person": standing.person, "left": standing.left, "idle": standing.idle, "token": get_token(request)})


session = public(_session, reason="An open page asks whether it is still signed in; whoever is not learns nothing else.")


@requires(P.OWN_ACCOUNT)
@require_GET
def here(request: HttpRequest) -> HttpResponse:
    """The end of a sign-in in a window or dialog of its own: it tells the other pages, and can be closed."""
    return render(request, "account/here.html")
