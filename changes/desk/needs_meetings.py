"""What meetings ask of people: the chair's agenda and reasons, and what a voter has not read. For inbox and palette.

Each asks few queries whatever the number of items; what a person cannot act on is not shown to that person.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from changes.exceptions.missed import KIND, key_of
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.meetings.models import Meeting
from changes.meetings.queries import Agenda, agenda_of, unexplained
from changes.meetings.roster import roster_at
from changes.meetings.syncing import next_meeting
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.home import inbox
from portal.numbers import number_in
from portal.ui import palette

SOON = timedelta(days=7)
"""From when on before a meeting its voters are asked to read."""
MOST = 20


@inbox.provider
def meeting_needs(user: User, at: datetime) -> Iterator[inbox.Item]:
    """What this person can do about meetings now."""
    if may(user, P.MEETING_LEAD):
        yield from _reasons()
    if not may(user, P.MEETING_VOTE):
        return
    meeting = next_meeting(at=at)
    if meeting is None:
        return
    agenda = agenda_of(meeting=meeting, reader=user, at=at)
    if agenda.over and may(user, P.MEETING_LEAD):
        yield _too_long(agenda)
    if agenda.unread and at < meeting.planned_at <= at + SOON and user.pk in roster_at(meeting.series, at=at).voters:
        yield _to_read(agenda)


def _reasons() -> Iterator[inbox.Item]:
    rows = list(unexplained()[:MOST])
    records = ExceptionRecord.objects.filter(kind=KIND, key__in=[key_of(row) for row in rows])
    known = {record.key: record for record in records}
    for row in rows:
        record = known.get(key_of(row))
        if record is None or record.state == ExceptionState.OPEN:
            missed = row.state == Meeting.State.MISSED
            yield inbox.Item(
                title=f"Give the reason for a {'missed meeting' if missed else 'meeting without quorum'}",
                about=f"{row.series.name} {row.number} of {row.planned_at:%-d %b %Y}",
                why="A meeting that is not held as planned is a deviation, and the chair says why (P-30).",
                due_at=record.due_at if record else None,
                href=f"/meetings/{row.number}/#reason",
                act="Give the reason",
                tone="bad",
                icon="calendar-x",
            )


def _too_long(agenda: Agenda) -> inbox.Item:
    meeting = agenda.meeting
    return inbox.Item(
        title="Shorten the agenda",
        about=f"{meeting.series.name} {meeting.number}: {agenda.minutes} of {agenda.slot} min",
        why="Its points take more time than the meeting has. Give them other minutes, fold some, or take some off.",
        due_at=meeting.planned_at,
        href=f"/meetings/{meeting.number}/",
        act="Order it",
        tone="warn",
        icon="timer",
    )


def _to_read(agenda: Agenda) -> inbox.Item:
    meeting, count = agenda.meeting, len(agenda.unread)
    local = meeting.planned_at.astimezone(ZoneInfo(meeting.series.zone))
    return inbox.Item(
        title=f"Read {'1 point' if count == 1 else f'{count} points'} before {local:%A}",
        about=f"{meeting.series.name} {meeting.number} on {local:%-d %B, %H:%M}",
        why="You have a seat in this meeting and have not read everything that it decides.",
        due_at=meeting.planned_at,
        href=f"/meetings/{meeting.number}/",
        act="Read",
        tone="info",
        icon="book-open",
    )


@palette.provider
def meetings_called(request: HttpRequest, words: str) -> Iterable[palette.Hit]:
    """Meetings by their number ("meeting 31"), or the next ones."""
    asked = words.lower().split()
    if not asked or not asked[0].startswith("meet") or not may(request.user, P.MEETING_SEE):
        return []
    rows = Meeting.objects.select_related("series").order_by("planned_at", "number")
    number = number_in(asked[1], below=10, otherwise=None) if len(asked) > 1 else None
    coming = rows.filter(state__in=(Meeting.State.LIVE, Meeting.State.PLANNED))
    rows = coming if number is None else rows.filter(number=number)
    return [
        palette.Hit("calendar-days", f"{row.series.name} {row.number}", f"/meetings/{row.number}/", f"{row.planned_at:%-d %b %Y}")
        for row in rows[:3]
    ]
