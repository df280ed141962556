"""The buttons of a source: test, read now, fill back, cancel, pause, go on, disconnect. They answer with their page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from changes.connectors.checks import try_source
from changes.connectors.fetch_asking import ask_fetch, cancel_fetch, disconnect, go_on, pause
from changes.connectors.models import Fetch, Source
from portal.access.guards import requires
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.typed import kept


@requires(P.SOURCE_MANAGE)
@require_POST
def test_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the vendor now with the stored credential."""
    source = get_object_or_404(Source, pk=pk)
    found = try_source(source=source, actor=actor_of(person_of(request)), at=now())
    say = messages.success if found.works and not found.missing else messages.error
    say(request, f"{source.name}: {found.sentence(at=now())}")
    return redirect("integrations")


@requires(P.SOURCE_MANAGE, fresh=True)
@require_POST
def disconnect_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it for good, with a reason; its credential and webhook secrets are gone, what was read stays."""
    source = get_object_or_404(Source, pk=pk)
    disconnect(source=source, reason=kept(request, "reason", longest=500), by=person_of(request), at=now())
    messages.success(request, f"{source.name} is disconnected. What was read stays; connect it again to go on.")
    return redirect("integrations")


@requires(P.SOURCE_MANAGE)
@require_POST
def fetch_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Read it now, or as many ``days`` back as the form says."""
    source = get_object_or_404(Source, pk=pk)
    said = request.POST.get("days", "").strip()
    days = (int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else 0) if "days" in request.POST else None
    ask_fetch(source=source, days=days, by=person_of(request), at=now())
    messages.success(request, "It is read in the background. This page shows how far it is.")
    return redirect("integrations")


@requires(P.SOURCE_MANAGE)
@require_POST
def cancel_source_fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop reading; what was read stays."""
    cancel_fetch(fetch=get_object_or_404(Fetch.objects.select_related("source"), pk=pk), by=person_of(request), at=now())
    messages.success(request, "Cancelled. What was read stays.")
    return redirect("integrations")


@requires(P.SOURCE_MANAGE)
@require_POST
def pause_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Read nothing from it until somebody goes on."""
    pause(source=get_object_or_404(Source, pk=pk), by=person_of(request), at=now())
    messages.success(request, "Paused. What it sends is still taken in.")
    return redirect("integrations")


@requires(P.SOURCE_MANAGE)
@require_POST
def resume_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Read it again."""
    go_on(source=get_object_or_404(Source, pk=pk), by=person_of(request), at=now())
    messages.success(request, "It is read again within a minute.")
    return redirect("integrations")
