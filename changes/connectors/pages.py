"""Integrations: is every source connected, fresh and listened to? And the inbox with what became of each delivery."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.connectors.actions import replay
from changes.connectors.models import Delivery, Reading, Source
from changes.delivery.models import Repository
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.outbox import actions as outbox
from portal.outbox.models import Effect
from portal.ui.paging import page_of

PAGE = 50
STALE = timedelta(minutes=10)
DELIVERING = frozenset({"github", "slack"})
"""Kinds of sources that send deliveries; the others are only read."""
NAMES = {"github": "GitHub", "fly": "Fly", "slack": "Slack"}


@dataclass(frozen=True)
class Health:
    """One source in a sentence that says what to do."""

    source: Source
    state: str
    sentence: str
    today: int
    quarantined: int
    waiting: int
    last_delivery_at: datetime | None
    unread: int

    @property
    def title(self) -> str:
        """The vendor's name as the vendor writes it."""
        return NAMES.get(self.source.name, self.source.name)

    @property
    def delivers(self) -> bool:
        return self.source.kind in DELIVERING


@requires(P.SOURCE_SEE)
@require_GET
def integrations(request: HttpRequest) -> HttpResponse:
    """Broken sources first."""
    at = now()
    sources = sorted((_health(source, at) for source in Source.objects.order_by("name")), key=lambda item: item.state != "broken")
    context = {"sources": sources, "repositories": Repository.objects.filter(in_scope_until=None).order_by("name")}
    return render(request, "changes/connectors/integrations.html", context)


def _health(source: Source, at: datetime) -> Health:
    day = at - timedelta(days=1)
    told = Delivery.objects.filter(source=source).aggregate(
        today=Count("pk", filter=Q(received_at__gte=day)),
        quarantined=Count("pk", filter=Q(state=Delivery.State.QUARANTINED)),
        waiting=Count("pk", filter=Q(state=Delivery.State.NEW)),
        last=Max("received_at"),
    )
    state, sentence = judge(source, at)
    return Health(
        source=source,
        state=state,
        sentence=sentence,
        today=told["today"],
        quarantined=told["quarantined"],
        waiting=told["waiting"],
        last_delivery_at=told["last"],
        unread=Reading.objects.filter(source=source, done_at=None).count(),
    )


def judge(source: Source, at: datetime) -> tuple[str, str]:
    """State and sentence of a source. Pure but for reading the row."""
    if source.paused_at is not None:
        return "stale", "Paused. Nothing is read until somebody goes on with it."
    if not source.readable:
        return "stale", "No token: deliveries are taken in as reported, and nothing confirms them. Connect it again with --token."
    if source.failures:
        return "broken", f"The last reading failed: {source.last_error.rstrip('.')}. It is tried again by itself."
    if source.last_good_read_at is None:
        return "stale", "Not read yet. The first reading follows within a minute."
    if at - source.last_good_read_at > STALE:
        return "stale", "Nothing was read for more than ten minutes. Check the worker and the scheduler with `manage.py doctor`."
    if source.kind == "slack":
        names = source.settings.get("names", {}).values()
        return "healthy", f"Listened to; posts to {', '.join(f'#{name}' for name in names)}."
    return "healthy", "Read and listened to." if source.kind in DELIVERING else "Read every few minutes. It sends no deliveries."


@requires(P.INBOX_SEE)
@require_GET
def deliveries(request: HttpRequest) -> HttpResponse:
    """Every acknowledged delivery with its state; quarantined ones can be replayed."""
    state = request.GET.get("state", "")
    rows = Delivery.objects.select_related("source").defer("body", "headers")
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    page = page_of(
        rows, by="received_at", size=PAGE, older_than=request.GET.get("older", ""), newer_than=request.GET.get("newer", "")
    )
    kept = {"state": state} if state else {}
    context = {
        "rows": page.rows,
        "state": state,
        "options": [("", "All"), *Delivery.State.choices],
        "may_replay": may(request.user, P.INBOX_REPLAY),
        "older": f"?{urlencode({**kept, 'older': page.older})}" if page.older else "",
        "newer": f"?{urlencode({**kept, 'newer': page.newer})}" if page.newer else "",
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/connectors/deliveries.html{part}", context)


@requires(P.INBOX_REPLAY)
@require_POST
def replay_delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a quarantined delivery back into the queue."""
    delivery = get_object_or_404(Delivery.objects.defer("body"), pk=pk)
    replay(delivery=delivery, by=person_of(request), at=now())
    messages.success(request, "The delivery is back in the queue.")
    return redirect("deliveries")


@requires(P.INBOX_SEE)
@require_GET
def effects(request: HttpRequest) -> HttpResponse:
    """What the portal does outside: check runs, letters. Set-aside ones can be tried again."""
    state = request.GET.get("state", "")
    rows = Effect.objects.defer("payload")
    if state in Effect.State.values:
        rows = rows.filter(state=state)
    page = page_of(
        rows, by="created_at", size=PAGE, older_than=request.GET.get("older", ""), newer_than=request.GET.get("newer", "")
    )
    kept = {"state": state} if state else {}
    context = {
        "rows": page.rows,
        "state": state,
        "options": [("", "All"), *Effect.State.choices],
        "may_replay": may(request.user, P.INBOX_REPLAY),
        "older": f"?{urlencode({**kept, 'older': page.older})}" if page.older else "",
        "newer": f"?{urlencode({**kept, 'newer': page.newer})}" if page.newer else "",
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/connectors/effects.html{part}", context)


@requires(P.INBOX_REPLAY)
@require_POST
def replay_effect(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a set-aside effect again."""
    outbox.replay(effect=get_object_or_404(Effect, pk=pk), by=person_of(request), at=now())
    messages.success(request, "The effect is tried again.")
    return redirect("effects")
