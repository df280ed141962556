"""Whether each periodic job ran when it should have: a detector that does not run finds nothing, which looks like peace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now

from portal.runtime.models import Lease
from portal.schedule import SCHEDULE, Entry

LATE_PERIODS = 5
LATE_SECONDS = 60


@dataclass(frozen=True)
class Job:
    """One periodic job: when a worker last finished it, since when it is missing (None: it is not), its last longer gap."""

    lease: str
    task: str
    every: timedelta
    finished: datetime | None
    late_since: datetime | None
    gap: tuple[datetime, datetime] | None = None

    @property
    def late(self) -> bool:
        """It should have been done since."""
        return self.late_since is not None


def allowed_for(entry: Entry) -> timedelta:
    """How long after its last end a job may be missing: five periods, a minute at least; a daily one, two days."""
    if entry.every >= timedelta(hours=1).total_seconds():
        return timedelta(seconds=2 * entry.every)
    return timedelta(seconds=max(LATE_SECONDS, LATE_PERIODS * entry.every))


def jobs(*, at: datetime, schedule: Sequence[Entry] = SCHEDULE) -> list[Job]:
    """Every job of the schedule, in its order. One that no scheduler has made known yet is not late: nothing ran yet."""
    leases = {lease.name: lease for lease in Lease.objects.all()}
    return [_job(entry, leases.get(entry.lease), at) for entry in schedule]


def late_jobs(*, at: datetime) -> list[Job]:
    """Those that are missing."""
    return [job for job in jobs(at=at) if job.late]


def run_soon(*, lease: str) -> bool:
    """Let the schedulers take a job at their next tick, a second at most. False when no scheduler has made it known yet."""
    return bool(Lease.objects.filter(name=lease).update(next_at=Now()))


def _job(entry: Entry, lease: Lease | None, at: datetime) -> Job:
    every = timedelta(seconds=entry.every)
    if lease is None:
        return Job(entry.lease, entry.task, every, None, None)
    last = lease.finished or lease.known_at
    gap = (lease.gap_from, lease.gap_until) if lease.gap_from and lease.gap_until else None
    return Job(entry.lease, entry.task, every, lease.finished, last if at - last > allowed_for(entry) else None, gap)
