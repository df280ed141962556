"""Emergencies that reached production and were not reviewed in retrospect: the next meeting looks at them (P-22)."""

from collections.abc import Iterator
from datetime import datetime

from changes.emergencies.queries import for_next_agenda
from changes.meetings import sources
from changes.meetings.models import AgendaItem
from changes.meetings.sources import Point

MOST = 200


@sources.provider
def retrospectives(at: datetime) -> Iterator[Point]:
    """One point for each, the longest in production first."""
    for row in for_next_agenda(at=at).select_related("change")[:MOST]:
        change = row.change
        yield Point(
            kind=AgendaItem.Kind.RETROSPECTIVE,
            key=f"retrospective:{change.number}",
            title=f"{change} {change.title}",
            href=f"/changes/{change.number}/#review-after",
            note=f"In production since {change.merged_at:%-d %b %Y}{', undeclared' if change.undeclared else ''}",
            change=change.pk,
        )
