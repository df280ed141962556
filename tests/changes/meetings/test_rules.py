"""When a series meets: rules that are read and refused, clocks that change, holidays that move a meeting and lose none."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from changes.meetings.rules import (
    BadRule,
    Cadence,
    check_cadence,
    day_ends_at,
    fortnightly,
    moment_of,
    read_rule,
    slots,
    words_of,
)

BERLIN = "Europe/Berlin"
AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def cadence(rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", starts_on=date(2026, 11, 3), clock=time(10, 0), zone=BERLIN, holidays=()):
    return Cadence(rule, starts_on, clock, zone, frozenset(holidays))


def held(given, until):
    return [f"{slot.planned_at:%Y-%m-%d %H:%M}" for slot in slots(cadence=given, until=until)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        (" rrule:freq=monthly; byday=1mo ;", "FREQ=MONTHLY;BYDAY=1MO"),
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1"),
        ("FREQ=WEEKLY;COUNT=5", "FREQ=WEEKLY;COUNT=5"),
        ("FREQ=WEEKLY;UNTIL=20271231T000000Z", "FREQ=WEEKLY;UNTIL=20271231T000000Z"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    ],
)
def test_a_rule_is_read_in_its_plain_form(text, read):
    assert read_rule(text) == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "semicolons"),
        ("every second Tuesday", "semicolons"),
        ("INTERVAL=2", "begins with FREQ"),
        ("FREQ=FORTNIGHTLY", "begins with FREQ"),
        ("FREQ=HOURLY", "at most once a day"),
        ("FREQ=SECONDLY", "at most once a day"),
        ("FREQ=DAILY;BYHOUR=9,10", "at most once a day"),
        ("FREQ=DAILY;BYEASTER=0", "no part BYEASTER"),
        ("FREQ=DAILY;INTERVAL=0", "from 1 to 999"),
        ("FREQ=DAILY;INTERVAL=-1", "from 1 to 999"),
        ("FREQ=DAILY;COUNT=many", "from 1 to 999"),
        ("FREQ=DAILY;UNTIL=soon", "UNTIL is a day"),
        ("FREQ=DAILY;UNTIL=20269931", "UNTIL is a day"),
        ("FREQ=DAILY;UNTIL=20271231;COUNT=3", "not by both"),
        ("FREQ=DAILY;FREQ=WEEKLY", "each once"),
        ("FREQ=WEEKLY;BYDAY=XX", "no rule that a calendar could follow"),
        ("FREQ=WEEKLY;BYDAY=", "semicolons"),
        ("FREQ=MONTHLY;BYSETPOS=0;BYDAY=MO", "no rule that a calendar could follow"),
        ("FREQ=WEEKLY;BYDAY=" + "TU," * 90, "at most 200"),
        ("FREQ=WEEKLY\nEXDATE:20261103", "begins with FREQ"),
    ],
)
def test_what_is_no_rule_is_answered_in_words(text, words):
    with pytest.raises(BadRule) as refused:
        read_rule(text)

    assert words in str(refused.value)


def test_ten_o_clock_stays_ten_o_clock_when_clocks_change():
    found = held(cadence(starts_on=date(2027, 3, 16)), date(2027, 4, 15))
    autumn = held(cadence(starts_on=date(2026, 10, 20)), date(2026, 11, 5))

    assert found == ["2027-03-16 09:00", "2027-03-30 08:00", "2027-04-13 08:00"]
    assert autumn == ["2026-10-20 08:00", "2026-11-03 09:00"]


def test_a_time_that_does_not_exist_moves_forward_and_says_so():
    sunday = cadence("FREQ=WEEKLY;BYDAY=SU", date(2027, 3, 21), time(2, 30))

    before, change, after = slots(cadence=sunday, until=date(2027, 4, 4))

    assert (before.reason, after.reason) == ("", "")
    assert f"{change.planned_at:%H:%M}" == "01:30"
    assert change.reason == "Clocks in Europe/Berlin go forward on 28 March 2027: 02:30 does not exist, so it begins at 03:30."


def test_of_a_time_that_comes_twice_the_first_is_meant():
    assert moment_of(day=date(2026, 10, 25), clock=time(2, 30), zone=BERLIN) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "")


def test_a_holiday_moves_the_meeting_to_the_next_working_day_and_loses_none():
    holidays = (date(2026, 12, 29), date(2026, 12, 30), date(2027, 1, 12))

    found = slots(cadence=cadence(holidays=holidays), until=date(2027, 1, 20))

    assert [f"{slot.day:%m-%d} {slot.planned_at:%m-%d %H:%M}" for slot in found] == [
        "11-03 11-03 09:00",
        "11-17 11-17 09:00",
        "12-01 12-01 09:00",
        "12-15 12-15 09:00",
        "12-29 12-31 09:00",
        "01-12 01-13 09:00",
    ]
    moved = found[4]
    assert moved.moved_from == datetime(2026, 12, 29, 9, 0, tzinfo=UTC)
    assert moved.reason == "29 December 2026 is a holiday, so it is held on the next working day."
    assert found[0].moved_from is None


def test_a_holiday_on_a_friday_moves_to_monday():
    (slot,) = slots(
        cadence=cadence("FREQ=WEEKLY;BYDAY=FR", date(2026, 12, 25), holidays=[date(2026, 12, 25)]), until=date(2026, 12, 31)
    )

    assert slot.planned_at == datetime(2026, 12, 28, 9, 0, tzinfo=UTC)


def test_a_moved_meeting_finds_a_day_without_another_one():
    given = cadence("FREQ=WEEKLY;BYDAY=TU,WE", date(2026, 11, 3), holidays=[date(2026, 11, 3)])

    assert held(given, date(2026, 11, 5)) == ["2026-11-05 09:00", "2026-11-04 09:00"]


def test_on_a_daily_rule_two_meetings_share_a_day_rather_than_one_being_lost():
    given = cadence("FREQ=DAILY;COUNT=3", date(2026, 11, 3), holidays=[date(2026, 11, 3)])

    assert held(given, date(2027, 1, 1)) == ["2026-11-06 09:00", "2026-11-04 09:00", "2026-11-05 09:00"]
    endless = cadence("FREQ=DAILY", date(2026, 11, 3), holidays=[date(2026, 11, 3)])
    assert held(endless, date(2027, 1, 1))[:2] == ["2026-11-04 09:00", "2026-11-04 09:00"]


def test_a_year_of_holidays_leaves_the_meeting_where_it_is():
    every = [date(2026, 11, 1) + timedelta(days=number) for number in range(100)]

    assert held(cadence(holidays=every), date(2026, 11, 4)) == ["2026-11-03 09:00"]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=2", ["2026-11-03 09:00", "2026-11-10 09:00"]),
        ("FREQ=WEEKLY;BYDAY=TU;UNTIL=20261116", ["2026-11-03 09:00", "2026-11-10 09:00"]),
        ("FREQ=MONTHLY;BYDAY=1TU;COUNT=2", ["2026-11-03 09:00", "2026-12-01 09:00"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
    ],
)
def test_a_rule_ends_where_it_says(rule, days):
    assert held(cadence(rule), date(2029, 1, 1)) == days


@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;UNTIL=20261101", "FREQ=YEARLY;INTERVAL=4;BYMONTH=1;BYMONTHDAY=1"],
)
def test_a_rule_without_a_meeting_within_a_year_is_refused(rule):
    with pytest.raises(BadRule, match="no meeting within a year"):
        check_cadence(cadence=cadence(rule, date(2026, 11, 3)), at=AT)


def test_a_rule_that_begins_in_the_future_or_began_long_ago_is_fine():
    check_cadence(cadence=cadence(starts_on=date(2028, 1, 4)), at=AT)
    check_cadence(cadence=cadence(starts_on=date(2016, 1, 5)), at=AT)


def test_a_day_ends_at_midnight_of_its_zone():
    assert day_ends_at(at=datetime(2026, 11, 3, 9, 0, tzinfo=UTC), zone=BERLIN) == datetime(2026, 11, 3, 23, 0, tzinfo=UTC)
    assert day_ends_at(at=datetime(2026, 11, 3, 23, 30, tzinfo=UTC), zone=BERLIN) == datetime(2026, 11, 4, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (fortnightly(starts_on=date(2026, 11, 3)), "every two weeks on Tuesday"),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "every week on Monday and Thursday"),
        ("FREQ=WEEKLY;INTERVAL=6;BYDAY=FR;WKST=MO", "every 6 weeks on Friday"),
        ("FREQ=MONTHLY;BYDAY=1TU", "FREQ=MONTHLY;BYDAY=1TU"),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "FREQ=WEEKLY;BYDAY=TU;COUNT=3"),
        ("FREQ=WEEKLY", "FREQ=WEEKLY"),
    ],
)
def test_a_rule_is_told_in_words(rule, words):
    assert words_of(rule) == words
