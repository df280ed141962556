"""The start page and the health pages."""

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_POST, require_safe

from portal import metrics as figures
from portal.access.guards import by_token, public, requires
from portal.access.models import User
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.home import exports as asked_for
from portal.home import health, inbox, loading, snoozing, start
from portal.ui.answers import page
from portal.ui.clock import time_of


def _inbox_of(request: HttpRequest) -> dict[str, Any]:
    user, at = request.user, time_of(request)
    every = inbox.items_for(user=user, at=at) if isinstance(user, User) else []
    items, asleep = snoozing.split(user=user, items=every, at=at) if isinstance(user, User) else (every, [])
    return {
        "rows": [(item, item.is_urgent(at)) for item in items],
        "count": len(items),
        "overdue": sum(item.is_overdue(at) for item in items),
        "asleep": asleep,
        "snoozes": snoozing.CHOICES,
        "loading": loading.said(request),
    }


@requires(P.OWN_ACCOUNT)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """ "/": the inbox, or the start page that a feature names for this person."""
    elsewhere = start.page_for(request)
    if elsewhere:
        return HttpResponseRedirect(elsewhere)
    return page(request, "portal/inbox.html", _inbox_of(request), piece="rows")


@requires(P.OWN_ACCOUNT)
@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """The number beside "Inbox", fetched after the page."""
    return render(request, "portal/inbox.html#count", _inbox_of(request))


@requires(P.OWN_ACCOUNT)
@require_POST
def snooze(request: HttpRequest) -> HttpResponse:
    """Put an item off, or show it again."""
    person, digest, choice = person_of(request), request.POST.get("item", ""), request.POST.get("for", "")
    if choice == "now":
        snoozing.wake(user=person, digest=digest)
        messages.success(request, "It is back in your inbox.")
    elif choice in dict(snoozing.CHOICES):
        until = snoozing.snooze(user=person, digest=digest, choice=choice, at=time_of(request))
        messages.success(request, f"It comes back on {until.astimezone(ZoneInfo(person.time_zone)):%-d %b, %H:%M}.")
    else:
        messages.error(request, "Choose for how long, then snooze it.")
    return redirect("home")


@requires(P.OWN_ACCOUNT)
@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """What the reader asked for and a worker does; htmx asks again while something is under way."""
    rows = asked_for.exports_of(user=person_of(request), at=time_of(request))
    running = any(row.running for row in rows)
    asks_again = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Target") == "exports"
    if asks_again and not running:
        return HttpResponse(headers={"HX-Refresh": "true"})
    template = "portal/exports_rows.html" if asks_again else "portal/exports.html"
    return render(request, template, {"rows": rows, "running": running})


@require_safe
def _alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def _ready(request: HttpRequest) -> HttpResponse:
    """One word, and a line about each part. Only what people's answers need makes it 503 (docs/operations.md)."""
    results = health.report()
    ready = health.is_ready(results)
    lines = ["ready" if ready else "not ready", *(result.words for result in results)]
    return HttpResponse("\n".join([*lines, ""]), status=200 if ready else 503, content_type="text/plain; charset=utf-8")


@require_safe
def _status(request: HttpRequest) -> HttpResponse:
    results = health.report()
    ready = health.is_ready(results)
    context = {"report": results, "ready": ready, "well": all(result.passed for result in results)}
    return page(request, "portal/status.html", context, piece="report", status=200 if ready else 503)


@require_safe
def _metrics(request: HttpRequest) -> HttpResponse:
    """Figures for a monitor that carries the token of the environment. Without such a token the page does not exist."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        words = "This page answers a monitor with its token.\n"
        return HttpResponse(words, status=401, content_type="text/plain; charset=utf-8", headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(figures.exposition(at=time_of(request)), content_type=figures.CONTENT_TYPE)


metrics = by_token(_metrics)
healthz = public(_alive, reason="A load balancer asks whether the process lives; the answer is one word.")
readyz = public(_ready, reason="A load balancer asks whether to send people here; the answer is health words only.")
status = public(_status, reason="People who cannot sign in must be able to see that it is not their fault; health words only.")
