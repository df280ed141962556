"""How the outbox is doing, for the integrations page and the alarm."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet

from portal.outbox.models import Effect

STUCK_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class OutboxHealth:
    """Counts of effects. ``stuck`` is true when one has waited for five minutes, or any sits in quarantine."""

    waiting: int
    oldest_waiting_at: datetime | None
    quarantined: int
    stuck: bool


def outbox_health(*, at: datetime) -> OutboxHealth:
    """The state of the outbox as of ``at``, in one query."""
    waiting = Q(state=Effect.State.WAITING)
    unfinished = Effect.objects.filter(state__in=[Effect.State.WAITING, Effect.State.QUARANTINED])
    seen = unfinished.aggregate(
        waiting=Count("pk", filter=waiting),
        oldest=Min("created_at", filter=waiting),
        quarantined=Count("pk", filter=Q(state=Effect.State.QUARANTINED)),
    )
    late = seen["oldest"] is not None and at - seen["oldest"] > STUCK_AFTER
    return OutboxHealth(seen["waiting"], seen["oldest"], seen["quarantined"], stuck=late or seen["quarantined"] > 0)


def quarantined_effects() -> QuerySet[Effect]:
    """What a person has to look at, newest first."""
    return Effect.objects.filter(state=Effect.State.QUARANTINED).order_by("-id")
