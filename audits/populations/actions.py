"""Freeze a population: read, hash and keep every row of one kind within an engagement's window and scope (P-26, P-27).

What takes long is left to a worker. It reads outside of any transaction, so that it can say how far it is, and keeps everything in
one: a population is there as a whole, or not at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from audits.engagements.models import Engagement
from audits.engagements.numbering import next_number
from audits.engagements.taking_part import check_works, refuse
from audits.jobs import actions as jobs
from audits.jobs.models import Job
from audits.jobs.working import Turn
from audits.populations.facts import Asked, Filters, Kind, Tell, moment, untold
from audits.populations.kinds import VERSION
from audits.populations.lines import Lines, collect
from audits.populations.models import Population
from audits.populations.scoping import asked_of, check_window, kind_of
from audits.populations.sheet import Sheet, count_at_source, sheet_of
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of
from portal.replica import reading_at_length

MOST_AT_ONCE = 2_000
"""Rows at the source that somebody waits for: a fifth of a second. What has more is left to a worker."""


@dataclass(frozen=True)
class Wish:
    """What is to be frozen: the rows of one kind in a window of an engagement. ``filters`` are values of columns of the kind."""

    engagement: Engagement
    kind: str
    since: datetime
    until: datetime
    filters: Filters = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What was read for a wish: the lines in their order, what the filters let through, and the sheet."""

    lines: Lines
    filters: Filters
    sheet: Sheet


@transaction.atomic
def freeze(*, wish: Wish, by: User, at: datetime) -> Population:
    """Freeze the rows of one kind. An empty population can be frozen as well: it says that there was nothing.

    Raises ``Refused`` for somebody who does not work on this engagement, an unknown kind or filter, and a window that is
    reversed, in the future or outside the engagement's.
    """
    with _read(wish, *_checked(wish, by=by, at=at), by=by) as reading:
        return _keep(wish, reading, by=by, at=at)


def ask_to_freeze(*, wish: Wish, by: User, at: datetime) -> Population | Job:
    """Freeze now where that is quick, and leave it to a worker where it is not. Raises ``Refused`` as ``freeze`` does."""
    found, asked = _checked(wish, by=by, at=at)
    rows = count_at_source(found, asked)
    if rows <= MOST_AT_ONCE:
        return freeze(wish=wish, by=by, at=at)
    window = {"since": moment(wish.since), "until": moment(wish.until)}
    return jobs.ask(
        kind=Job.Kind.POPULATION,
        title=f"Population of {wish.engagement.name}: {found.title.lower()}",
        asked={"kind": wish.kind, **window, "filters": dict(wish.filters)},
        total=rows,
        by=by,
        at=at,
        engagement=wish.engagement,
    )


def freeze_asked(*, turn: Turn) -> None:
    """A worker's turn at a population. Raises ``Refused`` where it may not be frozen any more, ``Lost`` where nobody wants it."""
    job, at = turn.job, turn.now()
    by, wish = job.asked_by, _wish_of(job)
    with _read(wish, *_checked(wish, by=by, at=at), by=by, turn=turn) as reading, transaction.atomic():
        population = _keep(wish, reading, by=by, at=at)
        address = reverse("audit-population", args=[wish.engagement.pk, population.number])
        jobs.finish(job=job, result=address, at=turn.now())


def _wish_of(job: Job) -> Wish:
    asked = job.asked
    since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
    return Wish(Engagement.objects.get(pk=job.engagement_id or 0), asked["kind"], since, until, asked["filters"])


def _checked(wish: Wish, *, by: User, at: datetime) -> tuple[Kind, Asked]:
    """The kind, and what is asked of it, once this person may freeze it now."""
    check_works(engagement_id=wish.engagement.pk, by=by, at=at)
    check_window(engagement=wish.engagement, since=wish.since, until=wish.until, at=at)
    found = kind_of(engagement=wish.engagement, code=wish.kind)
    _check_filters(found, wish.filters)
    return found, asked_of(engagement=wish.engagement, since=wish.since, until=wish.until, at=at)


@contextmanager
def _read(wish: Wish, found: Kind, asked: Asked, *, by: User, turn: Turn | None = None) -> Iterator[Reading]:
    """A worker reads from the replica, where there is one, once it has all that stands by now."""
    tell: Tell = turn.tell if turn else untold
    with Lines() as lines:
        with reading_at_length(attempt=turn.job.attempt) if turn else nullcontext():
            seen = collect(lines=lines, rows=found.read(asked), kind=found, filters=wish.filters, tell=tell)
            tell(seen.read, "Completeness")
            sheet = sheet_of(asked=asked, seen=seen, by=by, version=VERSION)
        yield Reading(lines, dict(seen.filters), sheet)


def _keep(wish: Wish, reading: Reading, *, by: User, at: datetime) -> Population:
    engagement, lines = wish.engagement, reading.lines
    population = Population.objects.create(
        engagement=engagement,
        number=next_number(engagement=engagement, table="audits_population"),
        kind=wish.kind,
        since=wish.since,
        until=wish.until,
        filters=dict(reading.filters),
        count=lines.count,
        digest=lines.digest,
        sheet=reading.sheet,
        sheet_digest=digest_of(reading.sheet),
        rules_version=VERSION,
        frozen_by=by,
        frozen_at=at,
    )
    lines.copy_into(population=population.pk)
    append(
        stream=f"engagement:{engagement.pk}",
        kind="population.frozen",
        actor=actor_of(by),
        fact=_fact(population),
        rows=[population],
    )
    return population


def _check_filters(kind: Kind, filters: Filters) -> None:
    for name in filters:
        if name not in kind.filters:
            refuse(f"{kind.title} cannot be narrowed by {name}.", "Choose another filter.")


def _fact(population: Population) -> dict[str, object]:
    return {
        "population": population.number,
        "kind": population.kind,
        "since": population.since,
        "until": population.until,
        "filters": population.filters,
        "rows": population.count,
        "digest": population.digest,
        "sheet_digest": population.sheet_digest,
        "code": population.rules_version,
    }
