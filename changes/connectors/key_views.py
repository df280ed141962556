"""The button that seals every credential under the newest key."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from changes.connectors.door import forget
from portal import keyring
from portal.access.guards import requires
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.clock import time_of


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def rotate(request: HttpRequest) -> HttpResponse:
    """Seal everything anew; says how much."""
    found = keyring.rotate(actor=actor_of(person_of(request)), at=time_of(request))
    forget()
    anew, unreadable = sum(one.older for one in found), sum(one.unreadable for one in found)
    left = f" {unreadable} cannot be opened with any key: give these credentials again." if unreadable else ""
    messages.success(request, f"{anew} sealed anew under the newest key.{left}")
    return redirect("integrations")
