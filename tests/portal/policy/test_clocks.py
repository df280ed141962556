"""Working days are Monday to Friday in UTC: neither weekends nor summer time move a clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.policy.clocks import add_working_days, day_of, halfway, working_day_before, working_moment

BERLIN = ZoneInfo("Europe/Berlin")


def at(day, hour=10, month=11, year=2026):
    return datetime(year, month, day, hour, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (at(2), 2, at(4)),  # Monday to Wednesday
        (at(5), 2, at(9)),  # Thursday to Monday
        (at(6, 23), 2, at(10, 23)),  # late on Friday to Tuesday
        (at(7), 2, at(11, 0)),  # a Saturday counts from Monday's midnight
        (at(8, 23), 5, at(16, 0)),  # so does a Sunday
        (at(2), 5, at(9)),
        (at(2), 0, at(2)),
        (at(26, 1, month=3, year=2026), 2, at(30, 1, month=3, year=2026)),  # over the change to summer time
        (at(23, 1, month=10, year=2026), 2, at(27, 1, month=10, year=2026)),  # and over the change back
    ],
)
def test_working_days_are_counted_in_utc(start, days, due):
    assert add_working_days(start, days) == due
    assert add_working_days(start.astimezone(BERLIN), days) == due


def test_the_time_of_day_in_utc_stays_when_local_clocks_change():
    start = datetime(2026, 10, 23, 10, 30, tzinfo=BERLIN)

    due = add_working_days(start, 2)

    assert (due - start, due.astimezone(BERLIN).strftime("%a %H:%M")) == (timedelta(days=4), "Tue 09:30")


@pytest.mark.parametrize(("due", "before"), [(at(4), at(3)), (at(9), at(6)), (at(8), at(6)), (at(7), at(6))])
def test_the_working_day_before_a_monday_is_the_friday(due, before):
    assert working_day_before(due) == before


@pytest.mark.parametrize(
    ("start", "due", "middle"),
    [(at(2), at(4), at(3)), (at(5), at(9), at(9, 0)), (at(6), at(12), at(9)), (at(2), at(2), at(2))],
)
def test_halfway_never_falls_on_a_weekend(start, due, middle):
    assert halfway(start, due) == middle


def test_a_moment_on_a_working_day_is_itself():
    assert working_moment(at(6, 23)) == at(6, 23)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-31", date(2026, 3, 31)),
        ("2026-02-30", None),
        ("1999-12-31", None),
        ("9999-01-01", None),
        ("", None),
        ("now", None),
    ],
)
def test_a_day_of_an_address_is_a_day_near_us_or_none(text, day):
    assert day_of(text) == day
