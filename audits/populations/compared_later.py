"""Read a large population again in the background (P-27). Joins the jobs when it is imported.

The worker reads outside of any transaction, says how far it is, and keeps what it found as a whole.
"""

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from audits.engagements.taking_part import check_reads
from audits.jobs import actions as jobs
from audits.jobs.models import Job
from audits.jobs.queries import under_way
from audits.jobs.working import Turn, runner
from audits.populations.actions import MOST_AT_ONCE
from audits.populations.comparing import Comparison, compare
from audits.populations.kinds import KINDS
from audits.populations.models import Population, SecondReading
from audits.populations.scoping import asked_of
from audits.populations.sheet import count_at_source
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.policy.refusal import Stale

COUNTS = ("equal", "added", "missing", "different")


def rows_to_read(*, population: Population, at: datetime) -> int:
    """How many rows a second reading meets: those at the source now, or those frozen, whichever are more."""
    engagement = population.engagement
    asked = asked_of(engagement=engagement, since=population.since, until=population.until, at=at)
    return max(population.count, count_at_source(KINDS[population.kind], asked))


def is_large(rows: int) -> bool:
    """Whether so many are left to a worker."""
    return rows > MOST_AT_ONCE


def comparisons_under_way(population: Population) -> list[Job]:
    """Second readings of it that a worker is at, or that wait for one."""
    jobs_of_it = under_way(kind=Job.Kind.COMPARISON, engagement=population.engagement)
    return list(jobs_of_it.filter(asked__population=population.number))


@transaction.atomic
def ask_to_compare(*, population: Population, rows: int, by: User, at: datetime) -> Job:
    """Leave it to a worker. Raises ``Refused`` for whoever does not read in this audit, ``Stale`` while one is under way."""
    check_reads(engagement_id=population.engagement_id, by=by, at=at)
    if comparisons_under_way(population):
        raise Stale("This population is being read again already.")
    return jobs.ask(
        kind=Job.Kind.COMPARISON,
        title=f"Population {population.number} of {population.engagement.name}, read again",
        asked={"population": population.number},
        total=rows,
        by=by,
        at=at,
        engagement=population.engagement,
    )


@runner(Job.Kind.COMPARISON)
def compare_asked(turn: Turn) -> None:
    """A worker's turn at a second reading. Raises ``Refused`` when the person may not any more, ``Lost`` when nobody wants it."""
    job, at = turn.job, turn.now()
    check_reads(engagement_id=job.engagement_id or 0, by=job.asked_by, at=at)
    population = Population.objects.get(engagement=job.engagement_id, number=job.asked["population"])
    found = compare(population=population, at=at, tell=turn.tell)
    with transaction.atomic():
        kept = _keep(population, found, by=job.asked_by)
        address = reverse("second-reading", args=[population.engagement_id, population.number, kept.pk])
        jobs.finish(job=job, result=address, at=turn.now())


def _keep(population: Population, found: Comparison, *, by: User) -> SecondReading:
    said = found.as_json()
    row = SecondReading.objects.create(population=population, found=said, read_by=by, read_at=found.at)
    counts = {name: said[name] for name in COUNTS}
    append(
        stream=f"engagement:{population.engagement_id}",
        kind="population.read_again",
        actor=actor_of(by),
        fact={"population": population.number, "digest": population.digest, **counts, "found": digest_of(said)},
        rows=[row],
    )
    return row
