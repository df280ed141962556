"""Pages of the toolkit itself: help and the gallery of components."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.access.guards import requires
from portal.access.permissions import P
from portal.ui.clock import time_of
from portal.ui.navigation import pages_for
from portal.ui.specimens import everything


@requires(P.OWN_ACCOUNT)
@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """Where things are, what the words mean, how to read a gate strip, and the keys."""
    return render(request, "portal/help.html", {"pages": pages_for(request.user)})


@requires(P.GALLERY_SEE)
@require_GET
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for whoever builds or checks a page."""
    return render(request, "portal/gallery.html", everything(at=time_of(request)))
