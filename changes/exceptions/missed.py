"""A meeting that was missed, or held without quorum, is a deviation that its chair explains (P-30)."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from changes.exceptions.actions import Found, answer, open_exception
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.meetings import actions as meetings
from changes.meetings.models import Meeting
from portal.access.models import User
from portal.policy.refusal import Stale

KIND = "meeting_missed"


def key_of(meeting: Meeting) -> str:
    """The key of the exception about a meeting."""
    return f"meeting:{meeting.number}:{KIND}"


def about(meeting: Meeting) -> ExceptionRecord | None:
    """The exception about a meeting; None while there is none."""
    return ExceptionRecord.objects.filter(key=key_of(meeting)).select_related("owner").first()


def deviating() -> list[Meeting]:
    """Meetings that were missed or had no quorum and are not in the register yet."""
    known = set(ExceptionRecord.objects.filter(kind=KIND).values_list("key", flat=True))
    rows = Meeting.objects.filter(Q(state=Meeting.State.MISSED) | Q(quorate=False)).select_related("series")
    return [meeting for meeting in rows.order_by("planned_at", "number") if key_of(meeting) not in known]


def find(*, at: datetime) -> int:
    """Open the exceptions that are missing. Returns how many were opened."""
    return sum(open_about(meeting=meeting, at=at) is not None for meeting in deviating())


def open_about(*, meeting: Meeting, at: datetime) -> ExceptionRecord | None:
    """Open the exception about one meeting. None when it is there already."""
    missed = meeting.state == Meeting.State.MISSED
    day = f"{meeting.planned_at:%-d %b %Y}"
    what = "was not held" if missed else "was held without its quorum"
    found = Found(
        kind=KIND,
        subject=str(meeting.number),
        key=key_of(meeting),
        sentence=f"{meeting.series.name} {meeting.number} of {day} {what}.",
        happened_at=meeting.ended_at or meeting.planned_at,
        confirmed=True,
        evidence={"meeting": meeting.number, "planned_at": meeting.planned_at.isoformat(), "state": meeting.state},
    )
    return open_exception(repository=None, found=found, at=at)


@transaction.atomic
def explain(*, meeting: Meeting, reason: str, by: User, at: datetime) -> Meeting:
    """The chair gives the reason: it stands on the meeting, and the exception about it is explained by it."""
    row = meetings.give_reason(meeting=meeting, reason=reason, by=by, at=at)
    open_about(meeting=row, at=at)
    record = about(row)
    if record is None or record.state != ExceptionState.OPEN:
        raise Stale("The exception about this meeting was answered already.")
    answer(record=record, outcome=ExceptionState.EXPLAINED, note=reason, by=by, at=at)
    return row
