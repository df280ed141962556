"""The clocks of meetings: dates roll on, what was not held is missed, agendas stay in step, voters are reminded in time.

Each look may be repeated and then changes nothing.
"""

from datetime import datetime, timedelta

from django.db import transaction

from changes.meetings.actions import locked, mark_missed, mark_quorum
from changes.meetings.models import Meeting
from changes.meetings.planning import plan_next, tell
from changes.meetings.queries import standing_series
from changes.meetings.syncing import keep_in_step, next_meeting
from portal.policy.clocks import working_day_before

State = Meeting.State
AT_ONCE = 100


def keep(*, at: datetime) -> None:
    """Everything that is due at that moment."""
    series = standing_series()
    if series is not None:
        plan_next(series=series, at=at)
    for meeting in Meeting.objects.filter(state=State.PLANNED, planned_at__lt=at).order_by("planned_at")[:AT_ONCE]:
        mark_missed(meeting=meeting, at=at)
    for meeting in Meeting.objects.filter(state=State.ENDED, quorate=None).order_by("planned_at")[:AT_ONCE]:
        mark_quorum(meeting=meeting, at=at)
    coming = next_meeting(at=at)
    if coming is not None:
        keep_in_step(meeting=coming, at=at)
    remind(at=at)


def remind(*, at: datetime) -> int:
    """Note that the voters of meetings that begin within a working day are to be reminded, once each. Returns how many."""
    soon = Meeting.objects.filter(state=State.PLANNED, reminded_at=None, planned_at__gt=at, planned_at__lte=at + timedelta(days=4))
    return sum(_remind(meeting, at) for meeting in soon.order_by("planned_at")[:AT_ONCE])


@transaction.atomic
def _remind(meeting: Meeting, at: datetime) -> bool:
    row = locked(meeting)
    if row.state != State.PLANNED or row.reminded_at is not None or working_day_before(row.planned_at) > at:
        return False
    row.reminded_at = at
    row.save(update_fields=["reminded_at"])
    tell("meeting.reminded", row, by=None, at=at)
    return True
