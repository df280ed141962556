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
from changes.connectors.wellbeing import DELIVERING, judge
from changes.delivery.models import Repository
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.outbox import actions as outbox
from portal.outbox.models import Effect
from portal.ui.paging import page_of

PAGE = 50
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
