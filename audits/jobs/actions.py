"""Ask for a job, give it up; and what workers do with it: take it, say how far it is, end it.

A worker holds a job for two minutes and says so again as it goes on. When it dies, another begins anew under the next number of
attempt. What a job makes is written in the transaction that ends it (``finish``), so nothing half is ever there. Asking and
giving up only insert rows: auditors may do both, and their role of the database updates nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from audits.engagements.models import Engagement
from audits.jobs.models import Job, JobCancel
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.bell import after_commit
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale

CHANNEL = "jobs"
"""Wakes a worker."""
HELD = timedelta(minutes=2)
MOST_ATTEMPTS = 3
MOST_WAITING = 5
"""Jobs of one person at a time."""
State = Job.State


class Lost(Exception):
    """The job is not this worker's any more, or nobody wants it: stop, and keep nothing of it."""


def stream_of(job: Job) -> str:
    """The ledger's stream about one job."""
    return f"job:{job.pk}"


@transaction.atomic
def ask(
    *, kind: str, title: str, asked: Mapping[str, Any], total: int, by: User, at: datetime, engagement: Engagement | None = None
) -> Job:
    """Ask for work; whether the person may is for the caller to know. Raises ``Refused`` for a sixth at a time."""
    waiting = Job.objects.filter(asked_by=by, state=State.WAITING, cancel=None)
    if waiting.count() >= MOST_WAITING:
        raise _refused(f"{MOST_WAITING} jobs of yours are under way already.", "Wait for one of them, or cancel it under Exports.")
    job = Job.objects.create(
        kind=kind, engagement=engagement, title=title, asked=dict(asked), total=total, asked_by=by, asked_at=at
    )
    fact = {"job": job.pk, "what": title, "engagement": job.engagement_id, **asked}
    append(stream=stream_of(job), kind="job.asked", actor=actor_of(by), fact=fact, rows=[job])
    after_commit(CHANNEL)
    return job


@transaction.atomic
def cancel(*, job: Job, by: User, at: datetime) -> None:
    """Give a job up; what it was to make will not be there. Raises ``Refused`` for somebody else's, ``Stale`` after its end."""
    if by.pk != job.asked_by_id and not may_at(by, P.ENGAGEMENT_MAKE, at=at):
        raise _refused("Somebody else asked for this.", f"Ask {job.asked_by.name} to cancel it.")
    _check_waits(job)
    try:
        with transaction.atomic():
            row = JobCancel.objects.create(job=job, by=by, at=at)
    except IntegrityError as problem:
        raise Stale("Somebody cancelled this already.") from problem
    _check_waits(Job.objects.get(pk=job.pk))  # inserting waited for a worker that was about to end it
    append(stream=stream_of(job), kind="job.given_up", actor=actor_of(by), fact={"job": job.pk}, rows=[row])
    after_commit(CHANNEL)


def _check_waits(job: Job) -> None:
    if job.state != State.WAITING:
        raise Stale(f"This is not to be cancelled: it is {job.get_state_display().lower()}.")


@transaction.atomic
def claim(*, at: datetime) -> Job | None:
    """Take one job that waits for a worker, for two minutes, under the next attempt; None when there is none.

    One that was begun three times without an end is given up: something in it, or its size, stops workers.
    """
    waiting = Job.objects.filter(Q(held_until=None) | Q(held_until__lt=at), state=State.WAITING, cancel=None).order_by("pk")
    job = waiting.select_for_update(of=("self",), skip_locked=True).first()
    while job is not None and job.attempt >= MOST_ATTEMPTS:
        _end(job, State.FAILED, at, trouble=f"{MOST_ATTEMPTS} workers began, and none came to the end.")
        job = waiting.select_for_update(of=("self",), skip_locked=True).first()
    if job is not None:
        job.attempt, job.held_until, job.done, job.step = job.attempt + 1, at + HELD, 0, "Beginning"
        job.began_at, job.moved_at = at, None
        job.save(update_fields=["attempt", "held_until", "done", "step", "began_at", "moved_at"])
    return job


def hold(*, job: Job, at: datetime, **progress: Any) -> None:
    """Say that the worker is alive, and how far it is. Raises ``Lost`` when the job is not its any more, or nobody wants it."""
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.WAITING, cancel=None)
    if mine.update(held_until=at + HELD, moved_at=at, **progress) != 1:
        raise Lost


def finish(*, job: Job, result: str, at: datetime) -> None:
    """End a job in the transaction in which its result is written. Raises ``Lost`` when it is not this worker's any more."""
    row = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if row.state != State.WAITING or row.attempt != job.attempt or JobCancel.objects.filter(job=row).exists():
        raise Lost
    row.done = row.total
    _end(row, State.DONE, at, result=result)


@transaction.atomic
def fail(*, job: Job, why: str, at: datetime) -> None:
    """End a job that cannot be done, with the reason in words."""
    row = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if row.state == State.WAITING and row.attempt == job.attempt:
        _end(row, State.FAILED, at, trouble=why)


@transaction.atomic
def clear(*, at: datetime) -> int:
    """End what was given up. Returns how many were ended."""
    found = Job.objects.filter(state=State.WAITING, cancel__isnull=False).order_by("pk")
    rows = list(found.select_for_update(of=("self",), skip_locked=True))
    for row in rows:
        _end(row, State.CANCELLED, at)
    return len(rows)


def _end(row: Job, state: Job.State, at: datetime, **said: str) -> None:
    row.state, row.ended_at, row.held_until = state, at, None
    for name, value in said.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "ended_at", "held_until", "done", *said])
    append(stream=stream_of(row), kind=f"job.{state}", actor=PORTAL, fact={"job": row.pk, **said}, rows=[row])


def _refused(why: str, instead: str) -> Refused:
    return Refused(Clause.AUDITED, why, instead)
