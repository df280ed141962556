"""Workers at jobs: one after the other, each by the function that its kind registered."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from audits.jobs import actions
from audits.jobs.models import Job
from portal.policy.refusal import Refused, Stale
from portal.replica import writing

Now = Callable[[], datetime]
log = structlog.get_logger("audits.jobs")


@dataclass(frozen=True)
class Turn:
    """A worker's turn at one job: the job, the clock, and how it says how far it is."""

    job: Job
    now: Now

    def tell(self, done: int, step: str, total: int | None = None) -> None:
        """Say how far it is. Raises ``Lost`` when the worker is to stop."""
        more = {} if total is None else {"total": total}
        with writing():
            actions.hold(job=self.job, at=self.now(), done=done, step=step[:120], **more)


Runner = Callable[[Turn], None]
RUNNERS: dict[str, Runner] = {}
"""By the kind of job. Features above join by registering theirs."""


def runner(kind: Job.Kind) -> Callable[[Runner], Runner]:
    """Register the function that does jobs of this kind. It ends with ``actions.finish``, or raises ``Refused`` or ``Lost``."""

    def register(function: Runner) -> Runner:
        RUNNERS[kind] = function
        return function

    return register


def work_on_jobs(*, now: Now) -> int:
    """End what was given up, and do what waits, one job after the other. Returns how many were taken."""
    actions.clear(at=now())
    taken = 0
    while (job := actions.claim(at=now())) is not None:
        taken += 1
        _do(Turn(job, now))
        actions.clear(at=now())
    return taken


def _do(turn: Turn) -> None:
    job = turn.job
    with suppress(actions.Lost):
        try:
            RUNNERS[job.kind](turn)
        except (Refused, Stale) as refusal:
            actions.fail(job=job, why=refusal.words, at=turn.now())
        else:
            log.info("job.done", job=job.pk, kind=job.kind, attempt=job.attempt)
