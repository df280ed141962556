"""Drains the inbox: claims deliveries, applies each in its own transaction, and never loses one.

The table is the queue of record; the broker only wakes the workers. A claim is a short lease in the row itself, so that
a worker that dies gives its deliveries back after seconds. What fails five times is quarantined, in sight.
"""

import logging
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import F, Q
from psycopg.errors import DeadlockDetected

from changes.connectors.doppler import handlers as doppler
from changes.connectors.errors import Passing
from changes.connectors.github import handlers as github
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome
from changes.connectors.settling import touch
from changes.connectors.slack import handlers as slack
from changes.delivery.models import PullRequest
from changes.proposals.following import follow
from portal.ui.doorbell import ring

LEASE = timedelta(seconds=10)
BATCH = 10
"""Few, so that a worker that dies takes few along, and a slow machine is through before the lease ends."""
RUN = timedelta(seconds=40)
"""A run begins no further batch after this; Celery's hard limit is 60 seconds. The next run goes on."""
FLOOD = 50
"""Waiting deliveries above which changes follow later, once for all deliveries about them."""
ATTEMPTS = 5
TOGETHER = 3
"""How often a delivery is tried at once again when PostgreSQL chose it to resolve a deadlock."""
SILENT_ATTEMPTS = 15
"""A delivery whose worker died this often, without ever failing in words, is set aside too."""
SAME_BODY_WITHIN = timedelta(days=3)
SAME_BODY_OF = {"doppler": timedelta(minutes=10)}
"""Vendors whose deliveries say the same again when the same was done again."""
APPLY: dict[str, Callable[..., Outcome]] = {
    "github": github.apply,
    "gitea": github.apply,
    "gitlab": github.apply,
    "slack": slack.apply,
    "doppler": doppler.apply,
}
log = logging.getLogger(__name__)


def drain(*, now: Callable[[], datetime], limit: int = 1000) -> int:
    """Apply what waits, oldest first, until nothing is left, ``limit`` is reached or the run's time is over.

    Returns how many were handled.
    """
    handled, ends_at = 0, now() + RUN
    while handled < limit and now() < ends_at:
        claimed = claim(at=now())
        if not claimed:
            break
        flooded = is_flooded()
        for pk in claimed:
            apply_one(pk=pk, at=now(), at_once=not flooded)
            handled += 1
    return handled


def is_flooded() -> bool:
    """Whether so many deliveries wait that only their facts are recorded; settling then follows each subject once."""
    return len(Delivery.objects.filter(state=Delivery.State.NEW).values_list("pk")[: FLOOD + 1]) > FLOOD


def claim(*, at: datetime) -> list[int]:
    """Lease a batch. Deliveries that already cost a worker its life are taken one at a time, so that they stand alone."""
    waiting = Delivery.objects.filter(state=Delivery.State.NEW).filter(Q(not_before=None) | Q(not_before__lte=at))
    for rows, size in ((waiting.filter(attempts__lt=2), BATCH), (waiting.filter(attempts__gte=2), 1)):
        with transaction.atomic():
            found = list(rows.order_by("id").select_for_update(skip_locked=True).values_list("pk", flat=True)[:size])
            if found:
                Delivery.objects.filter(pk__in=found).update(attempts=F("attempts") + 1, not_before=at + LEASE)
                return found
    return []


def apply_one(*, pk: int, at: datetime, at_once: bool = True) -> None:
    """Apply one delivery and note what became of it, in one transaction; a fault is noted in another.

    ``at_once`` lets the changes follow in the same transaction; without it they follow when the repository settles.

    Two workers that meet on the same rows are no fault of the delivery: the one that gives way begins again at once. A
    database that is away ends the run; the lease gives the delivery back.
    """
    for left in reversed(range(TOGETHER)):
        try:
            _apply(pk, at, at_once)
        except OperationalError as problem:
            if not (left and isinstance(problem.__cause__, DeadlockDetected)):
                raise
        else:
            return


def _apply(pk: int, at: datetime, at_once: bool) -> None:
    try:
        with transaction.atomic():
            delivery = Delivery.objects.select_for_update(of=("self",)).select_related("source", "secret").get(pk=pk)
            if delivery.state != Delivery.State.NEW:
                return
            outcome = _outcome(delivery, at, at_once)
            _note(delivery, outcome, at)
    except OperationalError:
        raise
    except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError, Passing) as problem:
        log.exception("delivery %s failed", pk)
        _failed(pk, problem, at)


def _outcome(delivery: Delivery, at: datetime, at_once: bool) -> Outcome:
    if delivery.attempts > SILENT_ATTEMPTS:
        return Outcome(Delivery.State.QUARANTINED, f"its processing ended the worker {SILENT_ATTEMPTS} times")
    twin = _twin(delivery)
    if twin is not None:
        return Outcome(Delivery.State.DUPLICATE, f"the same content as {twin.delivery_id}", twin.repository_name)
    outcome = APPLY[delivery.source.kind](delivery=delivery, body=zlib.decompress(bytes(delivery.body)), at=at)
    if outcome.repository is not None:
        if at_once:
            _follow_touched(outcome, at)
        touch(repository=outcome.repository, at=at)
    return outcome


def _follow_touched(outcome: Outcome, at: datetime) -> None:
    rows = PullRequest.objects.filter(repository=outcome.repository, touched_at=at).order_by("number")
    for row in rows:
        follow(pull_request=row, at=at, settled=False)


def _twin(delivery: Delivery) -> Delivery | None:
    """An applied delivery with the same bytes: GitHub signs only the body, so a replay can carry a new id."""
    same = Delivery.objects.filter(source=delivery.source, body_digest=delivery.body_digest, state=Delivery.State.APPLIED)
    within = SAME_BODY_OF.get(delivery.source.kind, SAME_BODY_WITHIN)
    return same.filter(received_at__gte=delivery.received_at - within).exclude(pk=delivery.pk).first()


def _note(delivery: Delivery, outcome: Outcome, at: datetime) -> None:
    delivery.state = outcome.state
    delivery.note = outcome.note[:500]
    delivery.repository_name = outcome.repository_name[:200]
    delivery.applied_at = at
    delivery.save(update_fields=["state", "note", "repository_name", "applied_at"])
    ring("integrations")


def _failed(pk: int, problem: Exception, at: datetime) -> None:
    """Wait a little longer each time; after five failures it is set aside with the reason."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=pk)
        delivery.note = f"{type(problem).__name__}: {problem}".replace("\x00", "")[:500]
        if delivery.attempts >= ATTEMPTS:
            delivery.state = Delivery.State.QUARANTINED
        delivery.not_before = at + timedelta(seconds=2**delivery.attempts)
        delivery.save(update_fields=["state", "note", "not_before"])
