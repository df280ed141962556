"""Integrations: is every source connected, fresh and listened to? And the inbox with what became of each delivery."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Q, QuerySet, TextChoices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.connectors.actions import replay
from changes.connectors.connecting.guides import GUIDES
from changes.connectors.github.walking import first_readings
from changes.connectors.in_scope import in_scope
from changes.connectors.models import Delivery, Fetch, Reading, Source
from changes.connectors.slack.production_log import per_day
from changes.connectors.wellbeing import DELIVERING, judge
from changes.delivery.models import Repository
from portal import keyring
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.outbox import actions as outbox
from portal.outbox.models import Effect
from portal.policy.in_force import parameters_at
from portal.runtime.punctual import late_jobs
from portal.ui.answers import page, wants_piece
from portal.ui.paging import listed

LOG_DAYS = 7
NAMES = {kind: guide.title for kind, guide in GUIDES.items()}


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
    contradicted: int
    """Deliveries under whose id another body came later."""
    fetch: Fetch | None
    """The newest of what administrators asked to read."""
    first: list[tuple[str, str]]
    """First readings of repositories, and how far they are."""

    @property
    def title(self) -> str:
        """The vendor's name as the vendor writes it."""
        return NAMES.get(self.source.name, self.source.name)

    @property
    def tested(self) -> Mapping[str, Any]:
        """What the last test of the connection said."""
        noted: Mapping[str, Any] = self.source.settings.get("checked", {})
        return noted

    @property
    def tested_at(self) -> datetime | None:
        """When it was tested last."""
        return datetime.fromisoformat(self.tested["at"]) if self.tested else None

    @property
    def token_ends(self) -> datetime | None:
        """When the token ends, where the vendor says so."""
        said = self.source.settings.get("token_expires")
        return datetime.fromisoformat(said) if said else None

    @property
    def sent_again(self) -> Mapping[str, Any]:
        """How many failed deliveries were asked for again, or why the vendor's log cannot be read."""
        noted: Mapping[str, Any] = self.source.settings.get("redelivery", {})
        return noted

    @property
    def sent_again_at(self) -> datetime | None:
        """When that was last."""
        said = self.sent_again.get("asked_at")
        return datetime.fromisoformat(said) if said else None

    @property
    def audit_logs(self) -> list[tuple[str, datetime, str]]:
        """(organisation, when it was asked for, why it was not read) of audit logs at GitHub."""
        noted = self.source.settings.get("audit_log", {})
        return [(name, datetime.fromisoformat(one["at"]), one.get("problem", "")) for name, one in sorted(noted.items())]

    @property
    def delivers(self) -> bool:
        return self.source.kind in DELIVERING


@requires(P.SOURCE_SEE)
@require_GET
def integrations(request: HttpRequest) -> HttpResponse:
    """Broken sources first."""
    at = now()
    seen = in_scope(Source.objects.order_by("name"), scope_for(request), by="name")
    manages = may(request.user, P.SOURCE_MANAGE)
    sources = sorted((_health(source, at, manages) for source in seen), key=lambda item: item.state != "broken")
    context: dict[str, Any] = {"sources": sources, "manages": manages}
    if not wants_piece(request):
        context |= _round_the_sources(manages, any(item.source.kind == "slack" for item in sources), at)
    return page(request, "changes/connectors/integrations.html", context, piece="sources")


def _round_the_sources(manages: bool, slack: bool, at: datetime) -> dict[str, Any]:
    """What the page shows besides its sources. It is dear (every credential is opened) and no part of what renews itself."""
    context: dict[str, Any] = {
        "late": late_jobs(at=at),
        "repositories": Repository.objects.filter(in_scope_until=None).order_by("name"),
    }
    if manages:
        kept = keyring.counts()
        context["sealed"] = sum(one.total for one in kept)
        context["older"], context["unreadable"] = sum(one.older for one in kept), sum(one.unreadable for one in kept)
    if slack:
        context["log_days"] = per_day(days=LOG_DAYS, at=at, within=parameters_at(at).log_within)
    return context


def _health(source: Source, at: datetime, manages: bool) -> Health:
    day = at - timedelta(days=1)
    told = Delivery.objects.filter(source=source).aggregate(
        today=Count("pk", filter=Q(received_at__gte=day)),
        quarantined=Count("pk", filter=Q(state=Delivery.State.QUARANTINED)),
        waiting=Count("pk", filter=Q(state=Delivery.State.NEW)),
        contradicted=Count("pk", filter=Q(other_bodies__gt=0)),
        last=Max("received_at"),
    )
    state, sentence = judge(source, at, advises=manages)
    return Health(
        source=source,
        state=state,
        sentence=sentence,
        today=told["today"],
        quarantined=told["quarantined"],
        waiting=told["waiting"],
        last_delivery_at=told["last"],
        unread=Reading.objects.filter(source=source, done_at=None).count(),
        contradicted=told["contradicted"],
        fetch=Fetch.objects.filter(source=source).select_related("asked_by").order_by("-id").first(),
        first=first_readings(source=source, at=at) if source.kind == "github" else [],
    )


@requires(P.INBOX_SEE)
@require_GET
def deliveries(request: HttpRequest) -> HttpResponse:
    """Every acknowledged delivery with its state; quarantined ones can be replayed."""
    found = Delivery.objects.select_related("source").defer("body", "headers")
    rows = in_scope(found, scope_for(request), by="source__name")
    extra = {"contradicted": ("Another body later", Q(other_bodies__gt=0))}
    return _by_state(request, rows, Delivery.State, extra, by="received_at", template="changes/connectors/deliveries.html")


def _by_state(
    request: HttpRequest,
    rows: QuerySet[Any],
    states: type[TextChoices],
    extra: Mapping[str, tuple[str, Q]],
    *,
    by: str,
    template: str,
) -> HttpResponse:
    """A list, newest first, that ``state`` in the address filters: by one of the states, or by what ``extra`` names."""
    state = request.GET.get("state", "")
    wanted = extra[state][1] if state in extra else Q(state=state) if state in states.values else Q()
    context = {
        **listed(request, rows.filter(wanted), by=by, kept={"state": state}),
        "state": state,
        "options": [("", "All"), *states.choices, *((name, words) for name, (words, _) in extra.items())],
        "may_replay": may(request.user, P.INBOX_REPLAY),
    }
    return page(request, template, context, piece="rows")


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
    rows = Effect.objects.defer("payload")
    return _by_state(request, rows, Effect.State, {}, by="created_at", template="changes/connectors/effects.html")


@requires(P.INBOX_REPLAY)
@require_POST
def replay_effect(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a set-aside effect again."""
    outbox.replay(effect=get_object_or_404(Effect, pk=pk), by=person_of(request), at=now())
    messages.success(request, "The effect is tried again.")
    return redirect("effects")
