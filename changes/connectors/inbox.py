"""Drains the inbox: claims deliveries, applies them in batches or one by one, and never loses one.

The table is the queue of record; the broker only wakes the workers. A claim is a short lease in the row itself, so that
a worker that dies gives its deliveries back after seconds. What fails five times is quarantined, in sight.
"""

import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet
from psycopg.errors import DeadlockDetected

from changes.connectors.ahead import Ahead, Read
from changes.connectors.batches import apply_batch
from changes.connectors.dividing import Left
from changes.connectors.doppler import handlers as doppler
from changes.connectors.errors import FAULTS
from changes.connectors.github import handlers as github
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome
from changes.connectors.settling import touch
from changes.connectors.slack import handlers as slack
from changes.connectors.twins import Twins
from changes.delivery.models import PullRequest
from changes.proposals.following import follow
from portal.ui.doorbell import ring

LEASE = timedelta(seconds=10)
BATCH = 200
"""Deliveries that are applied together: well below a second, so that the lease ends only when the worker has died."""
PIECE = 25
"""The same of those that were tried twice without an end: one of them may be what ended their worker."""
FEW = 10
"""Deliveries that go one by one after each other where they failed together, within their lease on a slow machine too."""
RUN = timedelta(seconds=40)
"""A run begins no further batch after this; Celery's hard limit is 60 seconds. The next run goes on."""
FLOOD = 50
"""Waiting deliveries above which changes follow later, once for all deliveries about them."""
ATTEMPTS = 5
TOGETHER = 3
"""How often a delivery is tried at once again when PostgreSQL chose it to resolve a deadlock."""
SILENT_ATTEMPTS = 15
"""A delivery whose worker died this often, without ever failing in words, is set aside too."""
APPLY: dict[str, Callable[..., Outcome]] = {
    "github": github.apply,
    "gitea": github.apply,
    "gitlab": github.apply,
    "slack": slack.apply,
    "doppler": doppler.apply,
}
log = logging.getLogger(__name__)


def drain(*, now: Callable[[], datetime], limit: int = 1000, past: bool = False) -> int:
    """Apply what waits, oldest first, until nothing is left, ``limit`` is reached or the run's time is over.

    Returns how many were handled. ``past``: the clock was turned back, so what has come since then waits; and changes follow
    when their repository settles, as in a flood.
    """
    handled, ends_at = 0, now() + RUN
    claimed = _claim(now(), limit, past)
    while claimed is not None:
        following = _claim_ahead(claimed, now(), limit - handled, past) if now() < ends_at else None
        run = Run(now, ends_at, not (past or is_flooded()), claimed.read(), claimed.at, following)
        handled += apply_together(pks=claimed.pks, run=run) if claimed.together else _one_by_one(claimed.pks, run)
        claimed = following or (_claim(now(), limit - handled, past) if now() < ends_at else None)
    return handled


@dataclass(frozen=True)
class Claimed:
    """Deliveries that were leased at one moment, whether they may be applied together, and who reads them meanwhile."""

    pks: list[int]
    together: bool
    at: datetime
    ahead: Ahead | None = None

    def read(self) -> Mapping[int, Read]:
        """What those say that were read ahead."""
        return self.ahead.found() if self.ahead is not None else {}


@dataclass(frozen=True)
class Run:
    """What holds for deliveries that were claimed together. ``at_once``: every change follows with its facts."""

    now: Callable[[], datetime]
    ends_at: datetime
    at_once: bool
    read: Mapping[int, Read] = field(default_factory=dict)
    """What those say that were read ahead."""
    leased_at: datetime | None = None
    """When they were claimed; not known: long ago."""
    following: Claimed | None = None
    """What comes next, to be read meanwhile."""

    def meanwhile(self) -> None:
        """The worker begins to wait for the database."""
        if self.following is not None and self.following.ahead is not None:
            self.following.ahead.begin()


def apply_together(*, pks: Sequence[int], run: Run) -> int:
    """Apply deliveries in batches, and one by one what goes in no batch. Returns how many; the others go back when the run is over.

    A batch that fails, for whatever reason, is halved until the one that spoils it stands among few, which go one by one:
    there it is noted, and waits, while the others are applied.
    """
    rest = list(pks)
    while rest:
        if run.now() >= run.ends_at:
            _give_back(rest)
            break
        _hold(rest, run)
        left = _batch(rest, run)
        if left is None:
            return len(pks) - len(rest) + _apart(rest, run)
        _one_by_one(left.alone, run)
        rest = left.rest
    return len(pks) - len(rest)


def _apart(pks: Sequence[int], run: Run) -> int:
    """What failed together: in two halves, or one by one when they are few."""
    if len(pks) <= FEW:
        return _one_by_one(pks, run)
    middle = len(pks) // 2
    return apply_together(pks=pks[:middle], run=run) + apply_together(pks=pks[middle:], run=run)


def _hold(pks: Sequence[int], run: Run) -> None:
    """A lease from now on, unless theirs has hardly begun."""
    if run.leased_at is not None and run.now() - run.leased_at < LEASE / 5:
        return
    Delivery.objects.filter(pk__in=pks, state=Delivery.State.NEW).update(not_before=run.now() + LEASE)


def _give_back(pks: Sequence[int]) -> None:
    """Not tried: the next run takes them."""
    Delivery.objects.filter(pk__in=pks, state=Delivery.State.NEW).update(not_before=None, attempts=F("attempts") - 1)


def _one_by_one(pks: Sequence[int], run: Run) -> int:
    for pk in pks:
        apply_one(pk=pk, at=run.now(), at_once=run.at_once)
    return len(pks)


def _batch(pks: Sequence[int], run: Run) -> Left | None:
    """What a batch left; None when it failed and nothing of it was applied. A database that is away ends the run."""
    try:
        return apply_batch(pks=pks, at=run.now(), at_once=run.at_once, read=run.read, meanwhile=run.meanwhile)
    except OperationalError as problem:
        if not isinstance(problem.__cause__, DeadlockDetected):
            raise
        log.info("a batch of %s gave way to another worker", len(pks))
    except FAULTS:
        log.warning("a batch of %s failed", len(pks), exc_info=True)
    return None


def is_flooded() -> bool:
    """Whether so many deliveries wait that only their facts are recorded; settling then follows each subject once."""
    return len(Delivery.objects.filter(state=Delivery.State.NEW).values_list("pk")[: FLOOD + 1]) > FLOOD


def claim(*, at: datetime, most: int = 1000, past: bool = False) -> tuple[list[int], bool]:
    """Lease some deliveries, and say whether they may be applied together. ``past``: only such as had come by then.

    Those that twice cost a worker its life, or failed, go in smaller pieces; after two more times each goes alone.
    """
    waiting = _waiting(at, past).filter(Q(not_before=None) | Q(not_before__lte=at))
    fresh, tried, suspect = waiting.filter(attempts__lt=2), waiting.filter(attempts__in=(2, 3)), waiting.filter(attempts__gte=4)
    for rows, size in ((fresh, BATCH), (tried, PIECE), (suspect, 1)):
        found = _lease(rows, at, min(size, most))
        if found:
            return found, rows is not suspect
    return [], False


def _waiting(at: datetime, past: bool) -> QuerySet[Delivery]:
    waiting = Delivery.objects.filter(state=Delivery.State.NEW)
    return waiting.filter(received_at__lte=at) if past else waiting


def _claim(at: datetime, most: int, past: bool) -> Claimed | None:
    pks, together = claim(at=at, most=most, past=past)
    return Claimed(pks, together, at) if pks else None


def _claim_ahead(before: Claimed, at: datetime, most: int, past: bool) -> Claimed | None:
    """The batch after a full one, so that it can be read meanwhile; only what nobody has tried, so that nothing is suspected twice
    for what stood before it.

    Its lease runs from now and may be over before its turn. Then another worker may apply it; what it did is not done again here.
    """
    if not before.together or len(before.pks) < BATCH:
        return None
    untried = _waiting(at, past).filter(not_before=None, attempts=0)
    pks = _lease(untried, at, min(BATCH, most - len(before.pks)))
    return Claimed(pks, True, at, Ahead(pks)) if pks else None


@transaction.atomic
def _lease(rows: QuerySet[Delivery], at: datetime, most: int) -> list[int]:
    found = list(rows.order_by("id").select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
    if found:
        Delivery.objects.filter(pk__in=found).update(attempts=F("attempts") + 1, not_before=at + LEASE)
    return found


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
    except FAULTS as problem:
        log.exception("delivery %s failed", pk)
        _failed(pk, problem, at)


def _outcome(delivery: Delivery, at: datetime, at_once: bool) -> Outcome:
    if delivery.attempts > SILENT_ATTEMPTS:
        return Outcome(Delivery.State.QUARANTINED, f"its processing ended the worker {SILENT_ATTEMPTS} times")
    known = Twins.of([delivery]).outcome_for(delivery)
    if known is not None:
        return known
    outcome = APPLY[delivery.source.kind](delivery=delivery, body=zlib.decompress(bytes(delivery.body)), at=at)
    if outcome.repository is not None:
        # Before a change is opened: batches and settling take the repository first too, and the numbers of changes after it.
        touch(repository=outcome.repository, at=at)
        if at_once:
            _follow_touched(outcome, at)
    return outcome


def _follow_touched(outcome: Outcome, at: datetime) -> None:
    rows = PullRequest.objects.filter(repository=outcome.repository, touched_at=at).order_by("number")
    for row in rows:
        follow(pull_request=row, at=at, settled=False)


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
