"""Invitations to meetings by mail, as calendar programs understand them: asked, moved, cancelled.

Each person and version of a meeting is one effect, named by its key, so looking again invites nobody twice. Whoever was
invited and has no seat any more gets the meeting taken off the calendar.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from changes.meetings.invitation import CANCEL, REQUEST, Called, invitation
from changes.meetings.models import Meeting
from changes.meetings.roster import Roster, roster_at
from changes.talk.queries import way, ways_of
from portal.access.models import User
from portal.outbox.mail import send_mail
from portal.outbox.models import Effect

AHEAD = timedelta(days=15)
"""How long before a meeting its voters are invited: a little more than the usual two weeks."""
KIND = "meeting"


def invite(*, at: datetime) -> None:
    """Ask for the mails about meetings that lie ahead and are near."""
    near = Meeting.objects.filter(planned_at__gt=at, planned_at__lte=at + AHEAD).select_related("series")
    for meeting in near.filter(state=Meeting.State.PLANNED).order_by("planned_at"):
        _invite(meeting, at)
    for meeting in near.filter(state=Meeting.State.CANCELLED).order_by("planned_at"):
        with transaction.atomic():
            _call_off(meeting, _invited(meeting), at)


@transaction.atomic
def _invite(meeting: Meeting, at: datetime) -> None:
    roster = roster_at(meeting.series, at=at)
    called = called_of(meeting, roster)
    before = _invited(meeting)
    chosen = ways_of(roster.voters)
    for person in roster.people:
        if way(chosen, person.pk, KIND).mail != "off":
            words = "Moved" if person.pk in before else "Invitation"
            _send(meeting, person, called, REQUEST, words, at)
    _call_off(meeting, before - roster.voters, at)


def _invited(meeting: Meeting) -> set[int]:
    """Ids of the people who were invited to any version of it."""
    keys = Effect.objects.filter(key__startswith=f"meeting:{meeting.number}:{REQUEST}:").values_list("key", flat=True)
    return {int(key.split(":")[3]) for key in keys}


def _call_off(meeting: Meeting, people: Iterable[int], at: datetime) -> None:
    called = called_of(meeting, roster_at(meeting.series, at=at))
    for person in User.objects.filter(pk__in=set(people), is_active=True).order_by("pk"):
        _send(meeting, person, called, CANCEL, "Cancelled", at)


def _send(meeting: Meeting, person: User, called: Called, method: str, words: str, at: datetime) -> None:
    there = ZoneInfo(meeting.series.zone)
    local = f"{meeting.planned_at.astimezone(there):%A %-d %B %Y, %H:%M} {meeting.series.zone}"
    lines = [
        "You have a seat in this meeting." if method == REQUEST else "This meeting is not on your calendar any more.",
        "",
        f"{called.name} {called.number}: {local} ({meeting.planned_at:%H:%M} UTC), {called.minutes} minutes",
        *([f"Where: {called.place}"] if called.place else []),
        f"Agenda: {called.address}",
        "",
        f"You get meetings by mail. To change that: {settings.BASE_URL}/me/notices/#{KIND}",
    ]
    send_mail(
        key=f"meeting:{meeting.number}:{method}:{person.pk}:{meeting.version}",
        to=[person.email],
        subject=f"{words}: {called.name} {called.number}, {local}"[:200],
        text="\n".join(lines),
        at=at,
        calendar={"text": invitation(called=called, method=method), "method": method},
    )


def called_of(meeting: Meeting, roster: Roster) -> Called:
    """What an invitation to a meeting says. Its series is read with it."""
    chair = roster.chair
    return Called(
        number=meeting.number,
        name=meeting.series.name,
        planned_at=meeting.planned_at,
        minutes=meeting.series.minutes,
        version=meeting.version,
        changed_at=meeting.changed_at,
        place=meeting.series.place,
        address=f"{settings.BASE_URL}/meetings/{meeting.number}/",
        host=urlsplit(settings.BASE_URL).hostname or "countersign",
        organizer=(chair.name, chair.email) if chair else None,
        guests=tuple((person.name, person.email) for person in roster.people),
    )
