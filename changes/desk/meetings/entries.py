"""Meetings on the calendar and in calendar feeds: those that are planned or were held, and for feeds the cancelled ones too."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Q

from changes.calendar import entries
from changes.calendar.entries import Entry, Wanted
from changes.calendar.facts import Span
from changes.meetings.invitation import uid_of
from changes.meetings.models import AgendaItem, Meeting
from changes.meetings.policy import LONGEST

MOST = 1000
TONES = {"missed": "bad", "live": "info", "planned": "accent"}


@entries.provider("meeting")
def meetings(wanted: Wanted) -> Iterator[Entry]:
    """Meetings within the span. They are of no repository and no environment, and so in every view."""
    earliest = wanted.span.starts_at - timedelta(minutes=LONGEST)
    rows = Meeting.objects.filter(planned_at__gt=earliest, planned_at__lt=wanted.span.ends_at).select_related("series")
    if not wanted.cancelled:
        rows = rows.exclude(state=Meeting.State.CANCELLED)
    rows = rows.annotate(points=Count("items", filter=Q(items__state=AgendaItem.State.OPEN)))
    for row in rows.order_by("planned_at", "id")[:MOST]:
        entry = _entry(row)
        if entry.span.overlaps(wanted.span) and wanted.shows(environments=(), repositories=(), everywhere=True):
            yield entry


def _entry(row: Meeting) -> Entry:
    points = int(vars(row)["points"])
    words = "1 point" if points == 1 else f"{points} points"
    return Entry(
        kind="meeting",
        span=Span(row.planned_at, row.planned_at + timedelta(minutes=row.series.minutes)),
        title=f"{row.series.name} {row.number}",
        href=f"/meetings/{row.number}/",
        uid=uid_of(row.number),
        changed_at=row.changed_at,
        note=", ".join(filter(None, [words if row.state == Meeting.State.PLANNED else "", row.series.place])),
        state=row.state,
        icon="calendar-days",
        tone=TONES.get(row.state, "neutral"),
        sequence=row.version - 1,
        cancelled=row.state == Meeting.State.CANCELLED,
    )
