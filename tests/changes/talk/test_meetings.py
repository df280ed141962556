"""Reminders of what somebody has not read, and invitations that follow the meeting: once each, to those who have a seat."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from changes.meetings import actions, agenda, keeping, series
from changes.meetings.models import Seat
from changes.talk import inviting, news
from changes.talk.models import Notice, NoticeChoice
from changes.talk.tasks import invite
from portal.outbox.models import Effect
from tests.changes.meetings.situations import AT, DAY, board, numbered, somebody

pytestmark = pytest.mark.django_db(transaction=True)
DAY_BEFORE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def meeting(seal):
    board()
    seal()
    news.make_notices(at=AT)
    return numbered(1)


def put(meeting, title):
    return agenda.put_point(meeting=meeting, title=title, note="", minutes=10, key=title, by=somebody("Ann"), at=AT)


def mails():
    """Who got which mail, with the calendar's method, sequence and status."""
    found = []
    for row in Effect.objects.filter(kind="mail").order_by("id"):
        event = Calendar.from_ical(row.payload["calendar"]["text"]).walk("VEVENT")[0]
        subject = row.payload["subject"].partition(",")[0]
        found.append((row.payload["to"][0].partition("@")[0], subject, row.payload["calendar"]["method"], event["sequence"]))
    return found


def told():
    return {row.person.name: (row.kind, row.title, row.why) for row in Notice.objects.select_related("person")}


def test_each_voter_is_reminded_of_what_they_have_not_read(meeting, seal):
    one, _ = put(meeting, "Our log format"), put(meeting, "Split the queue")
    agenda.mark_read(item=one, by=somebody("Dev"), at=AT)
    for item in (one, put(meeting, "Third")):
        agenda.mark_read(item=item, by=somebody("Eli"), at=AT)

    keeping.remind(at=DAY_BEFORE)
    seal()
    news.make_notices(at=DAY_BEFORE)

    start = "Meeting 1 on Tuesday 3 November, 10:00, 3 points,"
    assert told() == {
        "Cleo": (
            "meeting",
            f"{start} 3 unread by you",
            "You have a seat in this meeting. Not read yet: 1 Our log format; 2 Split the queue; 3 Third.",
        ),
        "Dev": (
            "meeting",
            f"{start} 2 unread by you",
            "You have a seat in this meeting. Not read yet: 2 Split the queue; 3 Third.",
        ),
        "Eli": ("meeting", f"{start} 1 unread by you", "You have a seat in this meeting. Not read yet: 2 Split the queue."),
    }
    assert {row.href for row in Notice.objects.all()} == {"/meetings/1/"}


def test_a_reminder_names_ten_points_and_counts_the_rest(meeting, seal):
    for number in range(12):
        put(meeting, f"Point {number}")

    keeping.remind(at=DAY_BEFORE)
    seal()
    news.make_notices(at=DAY_BEFORE)

    assert told()["Dev"][2].endswith("10 Point 9; and 2 more.")


def test_who_has_read_everything_is_told_that(meeting, seal):
    agenda.mark_read(item=put(meeting, "One"), by=somebody("Dev"), at=AT)

    keeping.remind(at=DAY_BEFORE)
    seal()
    news.make_notices(at=DAY_BEFORE)

    assert told()["Dev"][1:] == (
        "Meeting 1 on Tuesday 3 November, 10:00, 1 point, 0 unread by you",
        "You have a seat in this meeting, and have read all of its points.",
    )


def test_voters_are_invited_once_and_told_when_it_moves_or_is_not_held(meeting):
    cleo = somebody("Cleo")
    inviting.invite(at=AT)
    inviting.invite(at=AT + timedelta(minutes=5))
    asked = mails()

    actions.move(meeting=meeting, planned_at=AT + 3 * DAY, reason="The room", version=1, by=cleo, at=AT)
    inviting.invite(at=AT)
    moved = mails()[len(asked) :]
    actions.cancel(meeting=meeting, reason="Nobody", version=2, by=cleo, at=AT)
    inviting.invite(at=AT)
    inviting.invite(at=AT)

    people = ("cleo", "dev", "eli")
    assert asked == [(name, "Invitation: Architecture meeting 1", "REQUEST", 0) for name in people]
    assert moved == [(name, "Moved: Architecture meeting 1", "REQUEST", 1) for name in people]
    assert sorted(mails()[len(asked + moved) :]) == [(name, "Cancelled: Architecture meeting 1", "CANCEL", 2) for name in people]


def test_an_invitation_says_when_where_and_who(meeting):
    inviting.invite(at=AT)

    payload = Effect.objects.filter(kind="mail").order_by("id").first().payload
    event = Calendar.from_ical(payload["calendar"]["text"]).walk("VEVENT")[0]
    assert payload["subject"] == "Invitation: Architecture meeting 1, Tuesday 3 November 2026, 10:00 Europe/Berlin"
    assert "(09:00 UTC), 60 minutes" in payload["text"]
    assert str(event["uid"]).startswith("meeting-1@")
    assert str(event["organizer"]) == "mailto:cleo@northwind.example"
    assert [str(guest) for guest in event["attendee"]] == [f"mailto:{name}@northwind.example" for name in ("cleo", "dev", "eli")]
    assert event.decoded("dtstart") == datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
    assert "location" not in event


def test_a_place_is_written_down_and_hidden_characters_are_not(meeting):
    row = meeting.series
    row.place = "Room 4\u202e"
    called = inviting.called_of(meeting, inviting.roster_at(row, at=AT))

    event = Calendar.from_ical(inviting.invitation(called=called, method="REQUEST")).walk("VEVENT")[0]

    assert "Room 4" in str(event["location"])
    assert "\u202e" not in str(event["location"])


def test_who_wants_no_mail_and_who_has_no_seat_is_left_alone(meeting):
    NoticeChoice.objects.create(person=somebody("Dev"), kind="meeting", mail="off", slack=False)

    inviting.invite(at=AT)

    assert [name for name, *_ in mails()] == ["cleo", "eli"]


def test_a_new_seat_is_invited_and_an_ended_one_called_off(meeting):
    cleo = somebody("Cleo")
    inviting.invite(at=AT)
    series.end_seat(seat=Seat.objects.get(person__name="Dev"), by=cleo, at=AT + DAY / 24)
    series.give_seat(series=meeting.series, person=somebody("Zoe", "architect"), part="voter", by=cleo, at=AT + DAY / 24)

    inviting.invite(at=AT + DAY / 12)
    inviting.invite(at=AT + DAY / 8)

    assert [mail for mail in mails()[3:] if mail[1].endswith(" 1")] == [
        ("zoe", "Invitation: Architecture meeting 1", "REQUEST", 0),
        ("dev", "Cancelled: Architecture meeting 1", "CANCEL", 0),
    ]


def test_what_was_or_is_far_away_invites_nobody(meeting):
    inviting.invite(at=AT - 20 * DAY)
    inviting.invite(at=AT + 400 * DAY)
    invite()

    names = {subject for _, subject, *_ in mails()}
    assert "Invitation: Architecture meeting 1" not in names


def test_a_reminder_of_a_meeting_that_is_gone_tells_nobody():
    assert list(news.reminders(number=99, at=AT)) == []
