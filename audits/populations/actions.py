"""Freeze a population: read, hash and keep every row of one kind within an engagement's window and scope (P-26, P-27)."""

from datetime import datetime

from django.db import transaction

from audits.engagements.models import Engagement
from audits.engagements.numbering import next_number
from audits.engagements.taking_part import check_works, refuse
from audits.populations.facts import Filters, Kind
from audits.populations.kinds import VERSION
from audits.populations.lines import Lines, collect
from audits.populations.models import Population
from audits.populations.scoping import asked_of, check_window, kind_of
from audits.populations.sheet import sheet_of
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.ledger.canonical import digest_of


@transaction.atomic
def freeze(
    *,
    engagement: Engagement,
    kind: str,
    since: datetime,
    until: datetime,
    by: User,
    at: datetime,
    filters: Filters | None = None,
) -> Population:
    """Freeze the rows of one kind. An empty population can be frozen as well: it says that there was nothing.

    ``filters`` are values of columns of the kind. Raises ``Refused`` for somebody who does not work on this engagement, an
    unknown kind or filter, and a window that is reversed, in the future or outside the engagement's.
    """
    check_works(engagement_id=engagement.pk, by=by, at=at)
    check_window(engagement=engagement, since=since, until=until, at=at)
    found = kind_of(engagement=engagement, code=kind)
    _check_filters(found, filters or {})
    asked = asked_of(engagement=engagement, since=since, until=until, at=at)
    with Lines() as lines:
        seen = collect(lines=lines, rows=found.read(asked), kind=found, filters=filters or {})
        sheet = sheet_of(asked=asked, seen=seen, by=by, version=VERSION)
        population = Population.objects.create(
            engagement=engagement,
            number=next_number(engagement=engagement, table="audits_population"),
            kind=kind,
            since=since,
            until=until,
            filters=dict(seen.filters),
            count=lines.count,
            digest=lines.digest,
            sheet=sheet,
            sheet_digest=digest_of(sheet),
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
