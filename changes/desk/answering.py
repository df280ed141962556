"""How a post on the change page is answered: with the page again, or by going back to it. Used by the views of its panels."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now

from changes.gates.actions import reassess
from changes.proposals.listing import visible
from changes.proposals.models import Change
from portal.access.scope import scope_for


def asked_for(request: HttpRequest, number: int) -> Change:
    """The change that the address names. 404 when there is none, or none inside what this request may see."""
    change = visible(number=number, scope=scope_for(request))
    if change is None:
        raise Http404(f"There is no CHG-{number}, or it is outside of what you may see.")
    return change


def back(request: HttpRequest, change: Change, words: str) -> HttpResponse:
    """Judge the gates anew and go back to the page of the change, saying ``words``."""
    reassess(change=Change.objects.get(pk=change.pk), at=now())
    messages.success(request, words)
    return redirect("change", number=change.number)
