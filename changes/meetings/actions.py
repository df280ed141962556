"""What happens to a meeting before it begins, and when it does not: moved, cancelled, missed; and whether it had its quorum.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from datetime import datetime

from django.db import transaction

from changes.meetings import policy
from changes.meetings.models import Meeting
from changes.meetings.planning import cancel_planned, tell, touch
from changes.meetings.roster import had_quorum
from changes.meetings.rules import day_ends_at
from changes.meetings.series import check_leads
from portal.access.models import User
from portal.policy.refusal import Stale

State = Meeting.State


def locked(meeting: Meeting) -> Meeting:
    """The meeting as it stands, locked until the transaction ends."""
    return Meeting.objects.select_for_update(of=("self",)).select_related("series").get(pk=meeting.pk)


@transaction.atomic
def move(*, meeting: Meeting, planned_at: datetime, reason: str, version: int, by: User, at: datetime) -> Meeting:
    """Hold a planned meeting at another moment. ``version`` is the one that the person read."""
    check_leads(by, at)
    row = _planned(meeting, version)
    policy.check_reason(reason=reason, what="moved")
    policy.check_new_date(planned_at=planned_at, present=row.planned_at, at=at)
    before = row.planned_at
    row.moved_from = row.moved_from or row.planned_at
    row.planned_at, row.reason = planned_at, reason.strip()
    touch(row, at)
    row.save(update_fields=["planned_at", "moved_from", "reason", "version", "changed_at", "reminded_at"])
    tell("meeting.moved", row, by=by, at=at, before=before.isoformat())
    return row


@transaction.atomic
def cancel(*, meeting: Meeting, reason: str, version: int, by: User, at: datetime) -> Meeting:
    """Hold a planned meeting not at all. What stood on its agenda goes to the next one."""
    check_leads(by, at)
    row = _planned(meeting, version)
    policy.check_reason(reason=reason, what="cancelled")
    cancel_planned(meeting=row, reason=reason.strip(), by=by, at=at)
    return row


def _planned(meeting: Meeting, version: int) -> Meeting:
    row = locked(meeting)
    if row.state != State.PLANNED:
        raise Stale(f"{row} is {State(row.state).label.lower()} now.")
    if row.version != version:
        raise Stale(f"{row} was changed while you looked at it: it is planned for {row.planned_at:%-d %b %Y %H:%M} UTC.")
    return row


@transaction.atomic
def mark_missed(*, meeting: Meeting, at: datetime) -> bool:
    """Mark a planned meeting whose day is over as missed. Returns whether it was."""
    row = locked(meeting)
    if row.state != State.PLANNED or day_ends_at(at=row.planned_at, zone=row.series.zone) > at:
        return False
    row.state = State.MISSED
    row.reason = ""
    row.version += 1
    row.save(update_fields=["state", "reason", "version"])
    tell("meeting.missed", row, by=None, at=at)
    return True


@transaction.atomic
def mark_quorum(*, meeting: Meeting, at: datetime) -> bool:
    """Put on record whether a meeting that has ended had its quorum at some moment, once. Returns whether it had."""
    row = locked(meeting)
    if row.state != State.ENDED:
        raise Stale(f"{row} is {State(row.state).label.lower()}.")
    if row.quorate is None:
        row.quorate = had_quorum(row)
        row.save(update_fields=["quorate"])
        tell("meeting.quorum_found" if row.quorate else "meeting.no_quorum", row, by=None, at=at)
    return row.quorate


@transaction.atomic
def give_reason(*, meeting: Meeting, reason: str, by: User, at: datetime) -> Meeting:
    """Say why a meeting was missed, or held without quorum. A later reason takes the place of an earlier one; both are entries."""
    check_leads(by, at)
    row = locked(meeting)
    if row.state != State.MISSED and row.quorate is not False:
        raise Stale(f"{row} was neither missed nor without quorum.")
    policy.check_reason(reason=reason, what="missed" if row.state == State.MISSED else "without quorum")
    row.reason = reason.strip()
    row.version += 1
    row.save(update_fields=["reason", "version"])
    tell("meeting.explained", row, by=by, at=at)
    return row
