"""A series of Northwind Labs with its roster, and what waits for its meetings."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from changes.meetings.models import Action, AgendaItem, Decision, DecisionLapse, Meeting
from changes.meetings.policy import Terms
from changes.meetings.rules import fortnightly
from changes.meetings.series import make_series
from changes.proposals import submitting
from changes.proposals.models import Change
from portal.access.models import User
from tests.changes.people import person
from tests.database import cover

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
"""A Monday; the first meeting of the series is on the day after."""
FIRST = date(2026, 11, 3)
DAY = timedelta(days=1)
GIVEN = {"why": "slow", "rollback": "redeploy", "category": "standard", "size": "large"}


def terms(**values):
    """Every two weeks on Tuesday at ten o'clock in Berlin, for an hour."""
    given = {
        "name": "Architecture meeting",
        "rule": fortnightly(starts_on=FIRST),
        "starts_on": FIRST,
        "time": time(10, 0),
        "zone": "Europe/Berlin",
    }
    return Terms(**(given | values))


def somebody(name, *roles):
    """The person of that name, made when there is none."""
    return User.objects.filter(name=name).first() or person(name, *roles)


def board(at=AT, **values):
    """The series, with Cleo as its chair and Dev and Eli as voters."""
    voters = [somebody("Dev"), somebody("Eli", "architect")]
    return make_series(terms=terms(**values), voters=voters, by=somebody("Cleo"), at=at)


def meetings(series):
    """Number, state and moment of each, in order."""
    rows = Meeting.objects.filter(series=series).order_by("number")
    return [(row.number, row.state, f"{row.planned_at:%m-%d %H:%M}") for row in rows]


def numbered(number):
    return Meeting.objects.select_related("series").get(number=number)


def large(title="Split the queue", at=AT, by="Ann"):
    """A large change in review."""
    return submitting.submit(given={**GIVEN, "title": title}, by=somebody(by), ready=True, at=at)


@transaction.atomic
def decided(change, outcome="approved", at=AT, lapsed="", expires_at=None):
    """A decision on a change, as a meeting records it."""
    item = AgendaItem.objects.create(
        kind="proposal", key=f"change:{change.number}", title=str(change), position=1, put_at=at, waiting_since=at
    )
    row = Decision.objects.create(
        number=Decision.objects.count() + 1,
        item=item,
        change=Change.objects.get(pk=change.pk),
        outcome=outcome,
        reason="Because",
        by=somebody("Cleo"),
        at=at,
        expires_at=expires_at,
    )
    cover(row)
    if lapsed:
        cover(DecisionLapse.objects.create(decision=row, reason=lapsed, at=at))
    return row


@transaction.atomic
def asked(meeting, text="Write the runbook", owner="Dev", at=AT):
    """An action that a meeting asked for."""
    row = Action.objects.create(
        meeting=meeting, text=text, owner=somebody(owner), due_on=date(2026, 12, 1), by=somebody("Cleo"), at=at
    )
    cover(row)
    return row


@transaction.atomic
def become(meeting, *states, **values):
    """Let a meeting be in session, ended and so on, as the colleagues' actions do."""
    row = Meeting.objects.get(pk=meeting.pk)
    for state in states:
        row.state = state
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        cover(row)
    return row


def titles(meeting, state="open"):
    """What stands on an agenda in that state, in order."""
    rows = AgendaItem.objects.filter(meeting=meeting, state=state).order_by("position", "id")
    return [row.title for row in rows]
