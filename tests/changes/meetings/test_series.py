"""Series and seats: made and changed by who leads, one at a time; the next six meetings stand planned and follow."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection

from changes.meetings import actions, series
from changes.meetings.models import Meeting, Seat, Series
from changes.meetings.planning import next_slots, plan_next
from changes.meetings.roster import idle_seats, roster_at
from portal.access.models import RoleGrant
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.meetings.situations import AT, DAY, FIRST, become, board, meetings, numbered, somebody, terms
from tests.database import lifted

pytestmark = pytest.mark.django_db(transaction=True)


def seats(row, at=AT):
    return [(seat.person.name, seat.part) for seat in roster_at(row, at=at).seats]


def planned(row):
    return [moment for _, state, moment in meetings(row) if state == "planned"]


def changed(row, by="Cleo", version=None, at=AT, **values):
    row.refresh_from_db()
    return series.change_series(series=row, terms=terms(**values), version=version or row.version, by=somebody(by), at=at)


def test_a_new_series_has_its_chair_its_voters_and_six_meetings():
    row = board()

    assert meetings(row) == [
        (1, "planned", "11-03 09:00"),
        (2, "planned", "11-17 09:00"),
        (3, "planned", "12-01 09:00"),
        (4, "planned", "12-15 09:00"),
        (5, "planned", "12-29 09:00"),
        (6, "planned", "01-12 09:00"),
    ]
    assert seats(row) == [("Cleo", "chair"), ("Dev", "voter"), ("Eli", "voter")]
    assert [entry.kind for entry in reversed(entries_about(stream=f"series:{row.pk}"))] == [
        "series.made",
        "series.seat_given",
        "series.seat_given",
        "series.seat_given",
    ]
    assert [entry.kind for entry in entries_about(stream="meeting:1")] == ["meeting.planned"]


@pytest.mark.parametrize("name", ["Ann", "Bob", "Dev", "Mia", "Rex"])
def test_only_who_leads_makes_a_series(name):
    with pytest.raises(Refused, match="may not set up, lead and sign"):
        series.make_series(terms=terms(), voters=[], by=somebody(name), at=AT)

    assert not Series.objects.exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": " "}, "has no name"),
        ({"minutes": 5}, "10 to 480"),
        ({"minutes": 481}, "10 to 480"),
        ({"zone": "Europe/Atlantis"}, "no time zone"),
        ({"zone": ""}, "no time zone"),
        ({"zone": "Europe"}, "no time zone"),
        ({"zone": "../etc/passwd"}, "no time zone"),
        ({"rule": "FREQ=MINUTELY"}, "at most once a day"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "no meeting within a year"),
        ({"holidays": tuple(date(2027, 1, 1) + number * DAY for number in range(401))}, "at most 400 holidays"),
    ],
)
def test_terms_that_make_no_series_are_refused_in_words(values, words):
    with pytest.raises(Refused, match=words):
        board(**values)

    assert not Meeting.objects.exists()


def test_one_series_stands_at_a_time_and_numbers_are_never_used_again():
    row = board()

    with pytest.raises(Refused, match="Architecture meeting does"):
        board()
    series.end_series(series=row, reason="A new rhythm", by=somebody("Cleo"), at=AT + DAY / 24)
    second = board(at=AT + DAY, starts_on=FIRST + 2 * DAY, rule="FREQ=WEEKLY;BYDAY=TH")

    assert {state for _, state, _ in meetings(row)} == {"cancelled"}
    assert numbered(6).reason == "The series ended: A new rhythm"
    assert [number for number, _, _ in meetings(second)] == [7, 8, 9, 10, 11, 12]
    assert plan_next(series=row, at=AT + 90 * DAY) == []
    with pytest.raises(Stale, match="has ended"):
        series.end_series(series=row, reason="Again", by=somebody("Cleo"), at=AT + DAY)


def test_a_series_ends_with_a_reason():
    with pytest.raises(Refused, match="why is it ended"):
        series.end_series(series=board(), reason=" ", by=somebody("Cleo"), at=AT)


def test_dates_roll_by_themselves():
    row = board()

    assert plan_next(series=row, at=AT + DAY) == []
    new = plan_next(series=row, at=AT + 20 * DAY)

    assert [(meeting.number, f"{meeting.planned_at:%m-%d}") for meeting in new] == [(7, "01-26"), (8, "02-09")]


def test_what_a_portal_that_was_away_did_not_plan_is_planned_late_and_not_lost():
    row = board()

    new = plan_next(series=row, at=AT + 100 * DAY)

    assert [f"{meeting.planned_at:%m-%d}" for meeting in new] == [
        "01-26",
        "02-09",
        "02-23",
        "03-09",
        "03-23",
        "04-06",
        "04-20",
        "05-04",
    ]


def test_a_cancelled_meeting_is_not_planned_again():
    row = board()
    actions.cancel(meeting=numbered(6), reason="Nobody is there", version=1, by=somebody("Cleo"), at=AT)

    (new,) = plan_next(series=row, at=AT)

    assert (new.number, f"{new.planned_at:%m-%d}") == (7, "01-26")


def test_a_series_with_an_end_plans_no_further():
    row = board(rule="FREQ=WEEKLY;BYDAY=TU;COUNT=2")

    assert planned(row) == ["11-03 09:00", "11-10 09:00"]
    assert next_slots(row, at=AT + 9 * DAY, most=3) == []


def test_meetings_follow_another_time_and_zone_but_not_where_the_chair_moved_them():
    row = board()
    actions.move(
        meeting=numbered(2),
        planned_at=datetime(2026, 11, 18, 13, 0, tzinfo=UTC),
        reason="Dev is away",
        version=1,
        by=somebody("Cleo"),
        at=AT,
    )

    moved = changed(row, time=time(15, 30), zone="America/New_York")

    assert planned(row)[:3] == ["11-03 20:30", "11-18 13:00", "12-01 20:30"]
    assert [meeting.number for meeting in moved] == [1, 3, 4, 5, 6]
    assert [entry.kind for entry in entries_about(stream="meeting:1")] == ["meeting.moved", "meeting.planned"]
    assert (numbered(1).reason, numbered(1).version) == ("The series was changed.", 2)


def test_a_new_holiday_moves_one_meeting_and_taking_it_back_moves_it_back():
    row = board()

    moved = changed(row, holidays=(date(2026, 12, 29),))

    assert [meeting.number for meeting in moved] == [5]
    assert planned(row)[4] == "12-30 09:00"
    assert numbered(5).reason == "29 December 2026 is a holiday, so it is held on the next working day."
    changed(row)
    assert planned(row)[4] == "12-29 09:00"
    assert numbered(5).moved_from is None


def test_under_another_rule_the_planned_meetings_take_its_next_dates():
    row = board()

    changed(row, rule="FREQ=MONTHLY;BYDAY=1TH", starts_on=date(2026, 11, 5))

    assert meetings(row) == [
        (1, "planned", "11-05 09:00"),
        (2, "planned", "12-03 09:00"),
        (3, "planned", "01-07 09:00"),
        (4, "planned", "02-04 09:00"),
        (5, "planned", "03-04 09:00"),
        (6, "planned", "04-01 08:00"),
    ]
    changed(row)
    assert planned(row) == ["11-03 09:00", "11-17 09:00", "12-01 09:00", "12-15 09:00", "12-29 09:00", "01-12 09:00"]


def test_under_a_rule_that_ends_the_meetings_beyond_it_are_cancelled():
    row = board()

    changed(row, rule="FREQ=WEEKLY;BYDAY=TU;COUNT=2")

    assert [state for _, state, _ in meetings(row)] == ["planned", "planned", "cancelled", "cancelled", "cancelled", "cancelled"]
    assert numbered(6).reason == "The rule of the series has no more dates."


def test_two_who_change_a_series_at_once_are_told():
    row = board()

    changed(row, version=1, minutes=90)
    with pytest.raises(Stale, match="Somebody changed this series"):
        changed(row, version=1, minutes=30)

    row.refresh_from_db()
    assert (row.minutes, row.version) == (90, 2)


def test_a_name_changes_without_moving_anything():
    row = board()

    assert changed(row, name="Design council") == []


def test_seats_have_dates_and_the_roster_is_that_of_the_moment():
    row, cleo = board(), somebody("Cleo")
    dev = Seat.objects.get(person__name="Dev")

    series.end_seat(seat=dev, by=cleo, at=AT + 5 * DAY)
    series.give_seat(series=row, person=somebody("Dev"), part="voter", by=cleo, at=AT + 9 * DAY)

    assert seats(row, AT) == [("Cleo", "chair"), ("Dev", "voter"), ("Eli", "voter")]
    assert seats(row, AT + 6 * DAY) == [("Cleo", "chair"), ("Eli", "voter")]
    assert seats(row, AT + 10 * DAY) == [("Cleo", "chair"), ("Dev", "voter"), ("Eli", "voter")]
    assert roster_at(row, at=AT - DAY).seats == ()
    with pytest.raises(Stale, match="has ended already"):
        series.end_seat(seat=dev, by=cleo, at=AT + 11 * DAY)
    with pytest.raises(Stale, match="has this seat already"):
        series.give_seat(series=row, person=somebody("Dev"), part="voter", by=cleo, at=AT + 11 * DAY)


@pytest.mark.parametrize(
    ("name", "part", "words"),
    [
        ("Ann", "voter", "Ann may not vote"),
        ("Bob", "voter", "Bob may not vote"),
        ("Mia", "voter", "Mia may not vote"),
        ("Bob", "chair", "Bob may not lead"),
        ("Dev", "deputy", "Dev may not lead"),
    ],
)
def test_a_seat_takes_the_permission_that_it_stands_for(name, part, words):
    row = board()

    with pytest.raises(Refused, match=words):
        series.give_seat(series=row, person=somebody(name), part=part, by=somebody("Cleo"), at=AT)


def test_the_chair_is_handed_on_and_never_left_empty():
    row, cleo = board(), somebody("Cleo")
    zoe = somebody("Zoe", "chair")
    seat = Seat.objects.get(part="chair")

    with pytest.raises(Refused, match="never without a chair"):
        series.end_seat(seat=seat, by=cleo, at=AT + DAY)
    with pytest.raises(Refused, match="never without a chair"):
        series.give_seat(series=row, person=cleo, part="voter", by=cleo, at=AT + DAY)
    series.give_seat(series=row, person=zoe, part="deputy", by=cleo, at=AT + DAY)
    assert seats(row, AT + DAY)[:2] == [("Cleo", "chair"), ("Zoe", "deputy")]

    series.give_seat(series=row, person=zoe, part="chair", by=cleo, at=AT + 2 * DAY)
    series.give_seat(series=row, person=cleo, part="deputy", by=zoe, at=AT + 3 * DAY)

    assert seats(row, AT + 2 * DAY) == [("Zoe", "chair"), ("Dev", "voter"), ("Eli", "voter")]
    roster = roster_at(row, at=AT + 3 * DAY)
    assert [seat.person.name for seat in roster.seats] == ["Zoe", "Cleo", "Dev", "Eli"]
    assert roster.chair == zoe
    assert roster.leads == {zoe.pk, cleo.pk}
    assert roster.quorum([cleo.pk, zoe.pk, somebody("Dev").pk]).met


def test_a_seat_counts_only_while_its_holder_may_vote():
    row, dev = board(), somebody("Dev")
    with lifted(connection, "portal_rolegrant"):
        RoleGrant.objects.filter(user=dev).update(valid_until=AT + 5 * DAY)

    assert ("Dev", "voter") in seats(row, AT + 4 * DAY)
    assert ("Dev", "voter") not in seats(row, AT + 6 * DAY)
    assert [seat.person for seat in idle_seats(row, at=AT + 6 * DAY)] == [dev]
    assert idle_seats(row, at=AT) == []


def test_seats_of_a_series_that_ended_are_left_alone():
    row, cleo = board(), somebody("Cleo")
    series.end_series(series=row, reason="Over", by=cleo, at=AT + timedelta(hours=1))

    with pytest.raises(Stale, match="has ended"):
        series.give_seat(series=row, person=somebody("Zoe", "architect"), part="voter", by=cleo, at=AT + DAY)


def test_a_meeting_in_session_stays_where_it_is_when_the_series_changes():
    row = board()
    become(numbered(1), "live", started_at=AT + DAY)

    changed(row, time=time(11, 0))

    assert meetings(row)[0] == (1, "live", "11-03 09:00")
    assert meetings(row)[1] == (2, "planned", "11-17 10:00")
