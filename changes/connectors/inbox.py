"""Drains the inbox: claims deliveries, applies them in batches or one by one, and never loses one.

The table is the queue of record; the broker only wakes the workers. A claim is a short lease in the row itself, so that
a worker that dies gives its deliveries back after seconds. What fails five times is quarantined, in sight.
"""

import logging
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from psycopg.errors import DeadlockDetected

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


def drain(*, now: Callable[[], datetime], limit: int = 2000, past: bool = False) -> int:
    """Apply what waits, oldest first, until nothing is left, ``limit`` is reached or the run's time is over.

    Returns how many were handled. Where more waits than one batch, a second one is applied beside it on a connection of its own:
    while PostgreSQL works on one, the other is put together. ``past``: the clock was turned back, so what has come since then
    waits, one batch follows the other, and changes follow when their repository settles, as in a flood.
    """
    turn = Turn(now, now() + RUN, past, limit)
    first = turn.claim()
    if first is None:
        return 0
    if past or connection.in_atomic_block or not (first.together and len(first.pks) >= BATCH):
        return _work(turn, first)
    with ThreadPoolExecutor(1, "second batch") as beside:
        second = beside.submit(_beside, turn)
        handled = _work(turn, first)
    return handled + second.result()


@dataclass(frozen=True)
class Claimed:
    """Deliveries that were leased at one moment, and whether they may be applied together."""

    pks: list[int]
    together: bool
    at: datetime


@dataclass
class Turn:
    """One call of ``drain``: its clock, when it begins no further batch, and how many deliveries it may still take."""

    now: Callable[[], datetime]
    ends_at: datetime
    past: bool
    left: int
    lock: AbstractContextManager[object] = field(default_factory=Lock)

    def claim(self, *, untried: bool = False) -> Claimed | None:
        """The next deliveries; None when nothing waits, or the turn is over. ``untried``: only such as nobody has tried."""
        with self.lock:
            at = self.now()
            if self.left <= 0 or at > self.ends_at:
                return None
            pks, together = claim(at=at, most=self.left, past=self.past, untried=untried)
            self.left -= len(pks)
        return Claimed(pks, together, at) if pks else None


def _work(turn: Turn, claimed: Claimed | None, *, untried: bool = False) -> int:
    handled = 0
    while claimed is not None:
        run = Run(turn.now, turn.ends_at, not (turn.past or is_flooded()), claimed.at)
        handled += apply_together(pks=claimed.pks, run=run) if claimed.together else _one_by_one(claimed.pks, run)
        claimed = turn.claim(untried=untried)
    return handled


def _beside(turn: Turn) -> int:
    """Only what nobody has tried, so that nothing is suspected twice for what stood beside it."""
    try:
        return _work(turn, turn.claim(untried=True), untried=True)
    finally:
        connection.close()


@dataclass(frozen=True)
class Run:
    """What holds for deliveries that were claimed together. ``at_once``: every change follows with its facts."""

    now: Callable[[], datetime]
    ends_at: datetime
    at_once: bool
    leased_at: datetime | None = None
    """When they were claimed; not known: long ago."""


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
        return apply_batch(pks=pks, at=run.now(), at_once=run.at_once)
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


def claim(*, at: datetime, most: int = 1000, past: bool = False, untried: bool = False) -> tuple[list[int], bool]:
    """Lease some deliveries, and say whether they may be applied together. ``past``: only such as had come by then; ``untried``:
    only such as nobody has tried.

    Those that twice cost a worker its life, or failed, go in smaller pieces; after two more times each goes alone.
    """
    waiting = _waiting(at, past).filter(Q(not_before=None) | Q(not_before__lte=at))
    fresh, tried, suspect = waiting.filter(attempts__lt=2), waiting.filter(attempts__in=(2, 3)), waiting.filter(attempts__gte=4)
    sorts = [(fresh, BATCH), (tried, PIECE), (suspect, 1)]
    for rows, size in [(fresh.filter(attempts=0), BATCH)] if untried else sorts:
        found = _lease(rows, at, min(size, most))
        if found:
            return found, rows is not suspect
    return [], False


def _waiting(at: datetime, past: bool) -> QuerySet[Delivery]:
    waiting = Delivery.objects.filter(state=Delivery.State.NEW)
    return waiting.filter(received_at__lte=at) if past else waiting


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
