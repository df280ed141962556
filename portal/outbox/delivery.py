"""Deliver what is due: one effect a transaction, the row locked meanwhile, so that a killed worker lets go of it.

A try is booked in its own short transaction first. That is what counts a worker that dies in the middle (an effect that
kills five workers goes to quarantine and cannot block the others), and what keeps a second worker away until the
delivering transaction holds the lock. Effects are delivered at least once; deliverers look first.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import connection, transaction

from portal.outbox.errors import Passing, Permanent
from portal.outbox.models import Effect
from portal.outbox.registry import deliverer_of

MOST_ATTEMPTS = 5
WAITS = (timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=80), timedelta(seconds=320))
LEASE = timedelta(seconds=2)
"""After a worker died in the middle, the next try waits this long for each try begun."""
POSTPONED_AT_MOST = timedelta(days=1)
FAILURES_PER_KIND = 3
"""So many failures of one kind in one run, and the run leaves that kind alone: the other vendors must not wait."""
RUN = timedelta(seconds=40)
"""A run begins no further delivery after this; Celery's hard limit is 60 seconds."""

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

BOOK = """
WITH due AS MATERIALIZED (
    SELECT e.id FROM portal_effect e
    WHERE e.state = 'waiting' AND e.not_before <= %(at)s AND e.kind <> ALL(%(without)s)
      AND (e.subject IS NULL OR NOT EXISTS (
          SELECT FROM portal_effect older
          WHERE older.kind = e.kind AND older.subject = e.subject AND older.id < e.id AND older.state = 'waiting'
      ))
    ORDER BY e.not_before, e.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE portal_effect SET attempts = attempts + 1, not_before = %(at)s + (attempts + 1) * make_interval(secs => %(lease)s)
FROM due WHERE portal_effect.id = due.id
RETURNING portal_effect.id, portal_effect.not_before
"""

SUPERSEDE_OUTDATED = """
UPDATE portal_effect SET state = 'superseded' WHERE id IN (
    SELECT e.id FROM portal_effect e
    WHERE e.state = 'waiting' AND e.subject IS NOT NULL AND EXISTS (
        SELECT FROM portal_effect newer
        WHERE newer.kind = e.kind AND newer.subject = e.subject AND newer.id > e.id
    )
    FOR UPDATE SKIP LOCKED
)
"""


class Outcome(StrEnum):
    DONE = "done"
    POSTPONED = "postponed"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    TAKEN = "taken"
    """Somebody else has it, or it is no longer waiting."""


class Booking(NamedTuple):
    """One try that is counted already. Until ``lease_until`` nobody else books the same effect."""

    effect_id: int
    lease_until: datetime


def deliver_due(*, now: Clock, most: int = 1000) -> Counter[Outcome]:
    """Deliver effects that are due until none is left, ``most`` are tried, or the run's time is over.

    ``now`` is the clock. Safe to run in any number of workers at once. Returns how many ended how.
    """
    supersede_outdated()
    ends_at = now() + RUN
    outcomes: Counter[Outcome] = Counter()
    failures: Counter[str] = Counter()
    while outcomes.total() < most and now() < ends_at:
        tired = [kind for kind, count in failures.items() if count >= FAILURES_PER_KIND]
        booking = book(at=now(), without=tired)
        if booking is None:
            break
        outcome, kind = deliver_one(booking=booking, now=now)
        outcomes[outcome] += 1
        if outcome is Outcome.POSTPONED:
            failures[kind] = FAILURES_PER_KIND
        elif outcome is Outcome.FAILED:
            failures[kind] += 1
    return outcomes


def supersede_outdated() -> int:
    """Drop waiting effects that a newer one about the same thing has overtaken; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(SUPERSEDE_OUTDATED)
        return int(cursor.rowcount)


def book(*, at: datetime, without: Collection[str] = ()) -> Booking | None:
    """Take the effect that is due longest and count a try; None when nothing is due. Commits at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BOOK, {"at": at, "without": list(without), "lease": LEASE.total_seconds()})
        row = cursor.fetchone()
    return Booking(*row) if row else None


def deliver_one(*, booking: Booking, now: Clock) -> tuple[Outcome, str]:
    """Deliver one booked effect with its row locked; returns how it ended and its kind.

    The lock is waited for, not skipped: another worker that looks for work may hold it for an instant. The lease tells
    whether the booking still stands after the wait.
    """
    with transaction.atomic():
        effect = (
            Effect.objects.select_for_update()
            .filter(pk=booking.effect_id, state=Effect.State.WAITING, not_before=booking.lease_until)
            .first()
        )
        if effect is None:
            return Outcome.TAKEN, ""
        if effect.attempts > MOST_ATTEMPTS:
            return _quarantine(effect, f"the worker died {MOST_ATTEMPTS} times while delivering this"), effect.kind
        return _attempt(effect, now=now), effect.kind


def _attempt(effect: Effect, *, now: Clock) -> Outcome:
    """Call the deliverer in a savepoint, so that a failed one leaves only its error behind."""
    try:
        with transaction.atomic():
            return _deliver(effect, now=now)
    except Permanent as problem:
        return _quarantine(effect, problem.reason)
    except Passing as problem:
        return _put_off(effect, problem, at=now())
    except Exception as problem:  # a deliverer's mistake becomes a visible row, never a lost effect
        log.exception("delivering %s failed", effect)
        return _put_off(effect, Passing(reason=f"{type(problem).__name__}: {problem}"), at=now())


def _deliver(effect: Effect, *, now: Clock) -> Outcome:
    function = deliverer_of(effect.kind)
    if function is None:
        raise Passing(reason=f"nobody here delivers {effect.kind!r}")
    effect.result = dict(function({**effect.payload, "key": effect.key}))
    effect.state, effect.done_at, effect.error = Effect.State.DONE, now(), ""
    effect.save(update_fields=["result", "state", "done_at", "error"])
    return Outcome.DONE


def _put_off(effect: Effect, problem: Passing, *, at: datetime) -> Outcome:
    """Wait as the vendor asked, or back off; after the last try the effect goes to quarantine."""
    asked = problem.retry_after is not None and at - effect.created_at < POSTPONED_AT_MOST
    if asked:
        effect.attempts -= 1
    elif effect.attempts >= MOST_ATTEMPTS:
        return _quarantine(effect, problem.reason)
    effect.not_before = at + max(problem.retry_after or timedelta(0), backoff(attempts=effect.attempts))
    _remember(effect, Effect.State.WAITING, problem.reason)
    return Outcome.POSTPONED if asked else Outcome.FAILED


def _quarantine(effect: Effect, reason: str) -> Outcome:
    _remember(effect, Effect.State.QUARANTINED, reason)
    return Outcome.QUARANTINED


def _remember(effect: Effect, state: Effect.State, reason: str) -> None:
    effect.state, effect.done_at, effect.result = state, None, None
    effect.error = reason.replace("\x00", "")[:1000]
    effect.save(update_fields=["state", "attempts", "not_before", "error"])


def backoff(*, attempts: int) -> timedelta:
    """The wait after ``attempts`` failed tries: 5 s, 20 s, 80 s, 320 s, each a quarter more or less.

    The quarter (jitter) keeps effects that failed together from coming back together.
    """
    wait = WAITS[min(max(attempts, 1), len(WAITS)) - 1]
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, protects nothing
