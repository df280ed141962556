"""A detector that did not run is itself a finding: opened while it is missing, ended with the interval once it is back (F14).

When the heartbeat itself was missing, nothing ran, and that is one finding instead of one for each job.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from changes.exceptions.intervals import begin, end, lasting
from changes.exceptions.models import ExceptionRecord
from portal.runtime.punctual import Job, jobs

KIND = "job_missed"
EVERY = "job"
"""What the prefixes of all jobs begin with."""
WHOLE = "heartbeat"
AFTER = timedelta(minutes=10)
"""A page shows a late job at once; a finding is worth a silence of this length."""
WORDS = {
    "sweep-inbox": "applies deliveries",
    "read-again": "confirms what deliveries said",
    "settle": "looks for findings",
    "poll-sources": "reads the connected systems",
    "mirror-repositories": "reads Git itself",
    "compare-drift": "compares what runs with what Git says",
    "judge-overdue": "judges what is overdue",
    "judge-freezes": "judges freezes",
    "keep-clocks": "keeps the clocks of emergencies",
    "open-again": "opens what was accepted until a day",
    "keep-meetings": "keeps the meetings",
    "find-missed-meetings": "finds missed meetings",
    "end-due-access": "ends access whose last day is over",
    "seal": "numbers and signs the ledger",
    "verify": "verifies the ledger",
    "run-controls": "runs the controls",
    WHOLE: "shows that the workers run",
}
"""The jobs whose silence hides something, and what they do."""


@dataclass(frozen=True)
class Missing:
    """A job that did not run from ``since`` on; ``until`` is None while it still does not."""

    lease: str
    since: datetime
    until: datetime | None


def missing(found: Iterable[Job], *, at: datetime) -> list[Missing]:
    """What is missing for long, and the last long gap of each; without what a gap of the heartbeat explains. Pure."""
    watched = [job for job in found if job.lease in WORDS]
    whole = [one for job in watched if job.lease == WHOLE for one in _of(job, at)]
    others = [one for job in watched if job.lease != WHOLE for one in _of(job, at)]
    return whole + [one for one in others if not any(_explains(by, one) for by in whole)]


def _of(job: Job, at: datetime) -> list[Missing]:
    over = [Missing(job.lease, *job.gap)] if job.gap is not None else []
    lasts = [Missing(job.lease, job.late_since, None)] if job.late_since is not None else []
    return [one for one in (*over, *lasts) if (one.until or at) - one.since >= AFTER]


def _explains(whole: Missing, one: Missing) -> bool:
    """Whether the heartbeat's gap covers most of it: they neither begin nor end in the same second."""
    if whole.until is None:
        return one.until is None
    begun = max(whole.since, one.since)
    ended = min(whole.until, one.until) if one.until else whole.until
    length = (one.until or whole.until) - one.since
    return 2 * (ended - begun) > length


def watch_jobs(*, at: datetime) -> int:
    """Open, end and complete the findings about jobs. Returns how many were opened. Running it twice changes nothing."""
    found = missing(jobs(at=at), at=at)
    opened = sum(_note(one, at) for one in found)
    lasts = {one.lease for one in found if one.until is None}
    known = set(lasting(prefix=EVERY).filter(kind=KIND).values_list("subject", flat=True))
    for lease in sorted(known - lasts):
        words = "It runs again." if lease in WORDS else "Nobody waits for this job any more."
        end(prefix=_prefix(lease), words=words, at=_back(lease, found, at))
    return opened


def _back(lease: str, found: list[Missing], at: datetime) -> datetime:
    return next((one.until for one in found if one.lease == lease and one.until is not None), at)


def _note(one: Missing, at: datetime) -> bool:
    known = ExceptionRecord.objects.filter(kind=KIND, subject=one.lease, evidence__since=one.since.isoformat())
    if known.exists():
        return False
    if one.until is not None:
        end(prefix=_prefix(one.lease), words="It runs again.", at=one.until)
    made = begin(
        kind=KIND,
        prefix=_prefix(one.lease),
        subject=one.lease,
        sentence=f"The job that {WORDS[one.lease]} ({one.lease}) did not run from {one.since:%-d %b %Y %H:%M} UTC on.",
        since=one.since,
        at=one.until or at,
        evidence={"job": one.lease},
    )
    if one.until is not None:
        end(prefix=_prefix(one.lease), words="It runs again.", at=one.until)
    return made is not None


def _prefix(lease: str) -> str:
    return f"{EVERY}:{lease}"
