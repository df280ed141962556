"""What the ledger says about meetings, told to those who have a seat: what they have not read the working day before."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from changes.meetings.models import Meeting
from changes.meetings.queries import Agenda, agenda_of
from changes.meetings.roster import roster_at

LISTED = 10
"""Points that a reminder names."""


def reminder_words(agenda: Agenda) -> tuple[str, str]:
    """Title and reason of one person's reminder."""
    meeting, unread = agenda.meeting, agenda.unread
    local = meeting.planned_at.astimezone(ZoneInfo(meeting.series.zone))
    count = len(agenda.lines)
    points = "1 point" if count == 1 else f"{count} points"
    title = f"Meeting {meeting.number} on {local:%A %-d %B, %H:%M}, {points}, {len(unread)} unread by you"
    if not unread:
        return title, "You have a seat in this meeting, and have read all of its points."
    names = "; ".join(f"{line.number} {line.item.title}" for line in unread[:LISTED])
    rest = f"; and {len(unread) - LISTED} more" if len(unread) > LISTED else ""
    return title, f"You have a seat in this meeting. Not read yet: {names}{rest}."


def reminders(*, number: int, at: datetime) -> Iterator[tuple[int, str, str]]:
    """The reminder of each who has a seat: the person's id, the title and the reason. One query a person."""
    meeting = Meeting.objects.filter(number=number).select_related("series").first()
    if meeting is None:
        return
    for person in roster_at(meeting.series, at=at).people:
        yield (person.pk, *reminder_words(agenda_of(meeting=meeting, reader=person, at=at)))
