"""Exceptions for the next meeting: those that somebody would live with, and those that nobody has answered in time (P-29)."""

from collections.abc import Iterator
from datetime import datetime

from changes.exceptions.models import Acceptance, ExceptionRecord, ExceptionState
from changes.meetings import sources
from changes.meetings.models import AgendaItem
from changes.meetings.sources import Point

MOST = 200


@sources.provider
def exceptions_to_look_at(at: datetime) -> Iterator[Point]:
    """Acceptances that wait for their second person first, then what is overdue; repetitions stand behind the first."""
    waiting = Acceptance.objects.filter(confirmed_at=None, withdrawn_at=None, expires_at__gt=at)
    for row in waiting.select_related("record", "proposed_by").order_by("expires_at", "id")[:MOST]:
        yield _point(row.record, f"{row.proposed_by.name} would live with it until {row.until:%-d %b %Y}")
    overdue = ExceptionRecord.objects.filter(state=ExceptionState.OPEN, due_at__lte=at).exclude(
        folds_into__state=ExceptionState.OPEN
    )
    for record in overdue.select_related("owner").order_by("due_at", "id")[:MOST]:
        who = record.owner.name if record.owner else "nobody"
        yield _point(record, f"Unanswered since {record.due_at:%-d %b %Y}, in the hands of {who}")


def _point(record: ExceptionRecord, note: str) -> Point:
    return Point(
        kind=AgendaItem.Kind.EXCEPTION,
        key=f"exception:{record.pk}",
        title=record.sentence,
        href=f"/exceptions/{record.pk}/",
        note=note,
        change=record.change_id,
    )
