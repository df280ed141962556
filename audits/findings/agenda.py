"""Findings for the next meeting of the architecture team: the severe ones and those that are late (P-27, P-30)."""

from collections.abc import Iterator
from datetime import datetime

from audits.findings.models import Finding
from audits.findings.needs import address_of
from audits.findings.queries import unfinished
from changes.meetings import sources
from changes.meetings.models import AgendaItem
from changes.meetings.sources import Point

MOST = 200


@sources.provider
def findings_to_look_at(at: datetime) -> Iterator[Point]:
    """What is due first stands first. A finding leaves the agenda when it is closed."""
    for row in unfinished(at=at)[:MOST]:
        late = row.due_at <= at
        if late or row.severity == Finding.Severity.HIGH:
            when = f"{'Late since' if late else 'Due'} {row.due_at:%-d %b %Y}"
            yield Point(
                kind=AgendaItem.Kind.FINDING,
                key=f"finding:{row.pk}",
                title=row.title,
                href=address_of(row),
                note=f"{when}, in the hands of {row.owner.name}. Severity: {row.get_severity_display().lower()}",
            )
