"""The architecture meeting of Northwind Labs: one missed, one held, and the next one with something to decide."""

from datetime import date, datetime, time, timedelta

from django.db import transaction

from changes.desk.demo.people import named
from changes.exceptions import missed
from changes.gates.actions import reassess
from changes.meetings import live, minutes, recording
from changes.meetings.actions import mark_missed
from changes.meetings.agenda import put_point
from changes.meetings.models import AgendaItem, Meeting, Series
from changes.meetings.policy import Terms
from changes.meetings.rules import fortnightly
from changes.meetings.series import make_series
from changes.meetings.syncing import next_meeting
from changes.proposals import submitting
from changes.proposals.models import Change
from portal.ledger.canonical import digest_of_text

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TUESDAY = 1
NAME = "Architecture meeting"
LARGE = {
    "title": "Give sessions a store of their own",
    "why": "Sessions share the database with orders, and a full disk signs everybody out.",
    "what": "A new app keeps sessions; the shop reads from both for a week and writes to the new one.",
    "tested": "With a copy of a day's sessions in staging.",
    "rollback": "Switch SESSION_STORE back; nobody is signed out, because both hold the sessions.",
    "category": "standard",
    "size": "large",
}


def meet(*, began: datetime) -> None:
    """The series with its past, in one transaction, so that no clock of the portal runs in between. Once."""
    if Series.objects.exists():
        return
    first = _first_day(began)
    made = datetime.combine(first - 2 * DAY, time(9), tzinfo=began.tzinfo)
    holidays = tuple(date(year, month, day) for year in (made.year, made.year + 1) for month, day in ((1, 1), (12, 25), (12, 26)))
    terms = Terms(
        NAME, fortnightly(starts_on=first), first, time(10), "Europe/Berlin", 60, "Room Nord and the usual call", holidays
    )
    with transaction.atomic():
        series = make_series(terms=terms, voters=[named("dev"), named("eli")], by=named("cleo"), at=made)
        one, two = Meeting.objects.filter(series=series).order_by("number")[:2]
        _miss(one)
        _hold(two)


def _first_day(began: datetime) -> date:
    """A Tuesday such that the third meeting is at least two days ahead."""
    soon = (began + 2 * DAY).date()
    return soon + timedelta(days=(TUESDAY - soon.weekday()) % 7) - 28 * DAY


def _miss(meeting: Meeting) -> None:
    after = meeting.planned_at + DAY
    mark_missed(meeting=meeting, at=after)
    reason = "Cleo and Dev were at the same conference. From now on somebody stands in for the chair."
    missed.explain(meeting=meeting, reason=reason, by=named("cleo"), at=after)


def _hold(meeting: Meeting) -> None:
    """Three quarters of an hour about one point; somebody has something to do by the next time."""
    cleo, dev, eli, starts = named("cleo"), named("dev"), named("eli"), meeting.planned_at
    item = _put(meeting, "Who may merge to prod on Fridays", by="ann", minutes=20, at=starts - 3 * DAY)
    live.begin(meeting=meeting, by=cleo, at=starts + MINUTE)
    for minute, person in ((1, dev), (4, eli)):
        live.come(meeting=meeting, person=person, by=person, at=starts + minute * MINUTE)
    live.take_up(meeting=meeting, item=item, by=cleo, at=starts + 5 * MINUTE)
    said = "Nobody after three o'clock, but for emergencies. Bob and Cleo merge before that."
    live.write_note(meeting=meeting, item=item, text=said, by=eli, at=starts + 20 * MINUTE)
    due = (starts + 21 * DAY).date()
    text, at = "Write down who stands in when the chair is away", starts + 30 * MINUTE
    live.ask_for(meeting=meeting, item=item, text=text, owner=dev, due_on=due, by=cleo, at=at)
    recording.settle(item=item, by=cleo, at=starts + 40 * MINUTE)
    held = live.end(meeting=meeting, by=cleo, at=starts + 45 * MINUTE)
    minutes.sign(meeting=held, digest=digest_of_text(minutes.draft(held)), by=cleo, at=starts + 60 * MINUTE)


def prepare(*, at: datetime) -> None:
    """The next meeting: a large proposal of Ann's comes by itself, Bob puts a point. Once."""
    if not Change.objects.filter(title=LARGE["title"]).exists():
        reassess(change=submitting.submit(given=LARGE, by=named("ann"), ready=True, at=at - 2 * DAY), at=at - 2 * DAY)
    coming = next_meeting(at=at)
    if coming is not None:
        _put(coming, "A second approver for the billing service", by="bob", minutes=15, at=at - DAY)


def _put(meeting: Meeting, title: str, *, by: str, minutes: int, at: datetime) -> AgendaItem:
    """A point under its title: putting it again changes nothing."""
    note = "Two of us are away in the last week of the year." if by == "bob" else ""
    return put_point(meeting=meeting, title=title, note=note, minutes=minutes, key=title[:40], by=named(by), at=at)
