"""Meetings of the architecture team and their decisions."""

from collections.abc import Iterator

from django.db.models import Count, Q, QuerySet

from audits.populations.facts import NUMBER, TIME, Asked, Column, Kind, Row, moment
from changes.meetings.models import AgendaItem, Decision, Meeting

PIECE = 1000


def meetings_in(asked: Asked) -> QuerySet[Meeting]:
    """Those planned for a moment of the window that is over, whatever became of them."""
    rows = Meeting.objects.filter(planned_at__gte=asked.since, planned_at__lt=asked.until)
    rows = rows.annotate(people=Count("attendances__person", distinct=True), decided=Count("decisions", distinct=True))
    return rows.select_related("series", "chair").order_by("number")


def read_meetings(asked: Asked) -> Iterator[Row]:
    """The rows, by number."""
    for row in meetings_in(asked).iterator(chunk_size=PIECE):
        yield {
            "key": f"meeting-{row.number}",
            "series": row.series.name,
            "planned_at": moment(row.planned_at),
            "moved_from": moment(row.moved_from),
            "chair": row.chair.name if row.chair else "",
            "started_at": moment(row.started_at),
            "ended_at": moment(row.ended_at),
            "people": getattr(row, "people", 0),
            "quorum": {True: "Yes", False: "No", None: ""}[row.quorate],
            "decisions": getattr(row, "decided", 0),
            "outcome": row.get_state_display(),
            "reason": row.reason,
            "agenda_digest": row.agenda_digest,
        }


def decisions_in(asked: Asked) -> QuerySet[Decision]:
    """Those recorded in the window. What is about no change is about all repositories; an exception is about its own."""
    rows = Decision.objects.filter(at__gte=asked.since, at__lt=asked.until)
    if asked.scope.repositories is not None:
        general = Q(change=None) & ~Q(item__kind=AgendaItem.Kind.EXCEPTION)
        rows = rows.filter(general | Q(change__repository_names__overlap=sorted(asked.scope.repositories)))
    return rows.select_related("item", "meeting", "change", "revision", "by", "lapse").order_by("number")


def read_decisions(asked: Asked) -> Iterator[Row]:
    """The rows, by number."""
    for row in decisions_in(asked).iterator(chunk_size=PIECE):
        yield {
            "key": f"decision-{row.number}",
            "meeting": f"meeting-{row.meeting.number}" if row.meeting else "Written vote",
            "point": row.item.title,
            "change": str(row.change) if row.change else "",
            "revision": row.revision.number if row.revision else None,
            "outcome": row.get_outcome_display(),
            "reason": row.reason,
            "yes": _votes(row, "yes"),
            "no": _votes(row, "no"),
            "by": row.by.name,
            "at": moment(row.at),
            "expires_at": moment(row.expires_at),
            "lapsed_at": moment(row.lapse.at) if hasattr(row, "lapse") else "",
            "lapsed_because": row.lapse.reason if hasattr(row, "lapse") else "",
            "digest": row.digest,
        }


def _votes(row: Decision, side: str) -> str:
    names = row.tally.get(side, [])
    return ", ".join(str(name) for name in names) if isinstance(names, list) else str(names)


MEETINGS = Kind(
    code="meetings",
    title="Meetings",
    one="A date of the architecture meeting in the window: held, missed, cancelled or moved.",
    columns=(
        Column("key", "Meeting"),
        Column("series", "Series"),
        Column("planned_at", "Planned", TIME),
        Column("moved_from", "Moved from", TIME),
        Column("chair", "Chair"),
        Column("started_at", "Began", TIME),
        Column("ended_at", "Ended", TIME),
        Column("people", "People", NUMBER),
        Column("quorum", "Quorum"),
        Column("decisions", "Decisions", NUMBER),
        Column("outcome", "Outcome"),
        Column("reason", "Reason"),
        Column("agenda_digest", "Digest of the agenda"),
    ),
    read=read_meetings,
    count_sql="SELECT count(*) FROM changes_meeting m WHERE m.planned_at >= %(since)s AND m.planned_at < %(until)s",
    source="Countersign",
    systems=("portal",),
    filters=("outcome", "quorum"),
    wide="A meeting is held for all repositories.",
    shown=("key", "planned_at", "chair", "people", "quorum", "outcome"),
)
DECISIONS = Kind(
    code="decisions",
    title="Decisions",
    one="A decision of the architecture meeting, or of a written vote, recorded in the window.",
    columns=(
        Column("key", "Decision"),
        Column("meeting", "Meeting"),
        Column("point", "Point"),
        Column("change", "Change"),
        Column("revision", "Revision", NUMBER),
        Column("outcome", "Outcome"),
        Column("reason", "Reason"),
        Column("yes", "Yes"),
        Column("no", "No"),
        Column("by", "Recorded by"),
        Column("at", "Decided", TIME),
        Column("expires_at", "Counts until", TIME),
        Column("lapsed_at", "Lapsed", TIME),
        Column("lapsed_because", "Why it lapsed"),
        Column("digest", "Digest of the text"),
    ),
    read=read_decisions,
    count_sql="""
SELECT count(*) FROM changes_decision d JOIN changes_agendaitem i ON i.id = d.item_id
LEFT JOIN changes_change c ON c.id = d.change_id
WHERE d.at >= %(since)s AND d.at < %(until)s
  AND (%(repositories)s::text[] IS NULL OR (c.id IS NULL AND i.kind <> 'exception')
       OR c.repository_names::text[] && %(repositories)s::text[])
""",
    source="Countersign",
    systems=("portal",),
    filters=("outcome",),
    shown=("key", "meeting", "point", "change", "at", "outcome"),
)
