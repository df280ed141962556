"""Which days a shape has and what stands on them: months in whole weeks, days of a zone, clocks that change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from changes.calendar.entries import Entry
from changes.calendar.facts import Span
from changes.desk.calendar.shapes import Line, agenda_of, day_asked, days_of, range_of, weeks_of, when_on

LONDON, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 27)


def at(text):
    return datetime.fromisoformat(f"{text}+00:00")


def span(begins, ends):
    return Span(at(begins), at(ends))


def entry(begins, ends, *, kind="window", uid="one", conflicts=()):
    return Entry(kind, span(begins, ends), uid, "/", uid, datetime(2026, 1, 1, tzinfo=UTC), conflicts=conflicts)


def test_a_month_comes_in_whole_weeks_from_monday():
    november = range_of(shape="month", on=TODAY)

    weeks = weeks_of(days_of(within=november, entries=[], zone=LONDON, today=TODAY))

    assert (november.title, november.before, november.after) == ("November 2026", date(2026, 10, 1), date(2026, 12, 1))
    assert (weeks[0][0].date, weeks[-1][-1].date, {len(week) for week in weeks}) == (date(2026, 10, 26), date(2026, 12, 6), {7})
    assert [day.date for week in weeks for day in week if day.today] == [TODAY]
    assert [day.date.day for day in weeks[0] if day.outside] == [26, 27, 28, 29, 30, 31]


def test_a_week_and_an_agenda_have_their_days():
    week, agenda, day = (
        range_of(shape=shape, on=TODAY, days=days) for shape, days in (("week", 30), ("agenda", 30), ("agenda", 1))
    )

    assert (week.first, week.last, week.title) == (date(2026, 11, 23), date(2026, 11, 29), "23 Nov to 29 Nov 2026")
    assert (agenda.first, agenda.last, agenda.after) == (TODAY, date(2026, 12, 26), date(2026, 12, 27))
    assert day.title == "Friday, 27 November 2026"


def test_the_first_and_last_days_of_a_month_are_those_of_the_zone():
    november = range_of(shape="month", on=TODAY)

    assert november.span(BERLIN) == span("2026-10-25 23:00", "2026-12-06 23:00")


def test_a_day_on_which_clocks_change_is_as_long_as_it_is():
    day = range_of(shape="agenda", on=date(2026, 10, 25), days=1).span(BERLIN)

    assert day.ends_at - day.starts_at == timedelta(hours=25)


WHEN = {
    "within": (span("2026-11-27 10:00", "2026-11-27 11:30"), "10:00 to 11:30"),
    "one moment": (span("2026-11-27 10:00", "2026-11-27 10:00"), "10:00"),
    "some seconds": (span("2026-11-27 10:00:01", "2026-11-27 10:00:40"), "10:00"),
    "beginning": (span("2026-11-27 18:00", "2026-11-29 09:00"), "from 18:00"),
    "ending": (span("2026-11-25 18:00", "2026-11-27 09:00"), "until 09:00"),
    "in the middle": (span("2026-11-25 18:00", "2026-11-29 09:00"), "all day"),
    "exactly the day": (span("2026-11-27 00:00", "2026-11-28 00:00"), "all day"),
    "at midnight": (span("2026-11-27 00:00", "2026-11-27 00:00"), "00:00"),
}


@pytest.mark.parametrize(("when", "words"), WHEN.values(), ids=WHEN.keys())
def test_when_something_is_on_a_day(when, words):
    assert when_on(when, TODAY, LONDON) == words


def test_what_ends_at_midnight_is_not_on_the_next_day():
    week = range_of(shape="week", on=TODAY)

    days = days_of(within=week, entries=[entry("2026-11-27 10:00", "2026-11-28 00:00")], zone=LONDON, today=TODAY)

    assert [day.date.day for day in days if day.lines] == [27]


def test_what_lasts_for_days_is_on_each_of_them_but_once_in_an_agenda():
    long = entry("2026-11-20 18:00", "2026-11-30 09:00", kind="freeze")
    short = entry("2026-11-27 22:00", "2026-11-28 02:00", uid="two")
    week, agenda = range_of(shape="week", on=TODAY), range_of(shape="agenda", on=date(2026, 11, 23))

    days = days_of(within=week, entries=[long, short], zone=LONDON, today=TODAY)
    lines = [
        (day.date.day, line.when)
        for day in agenda_of(within=agenda, entries=[long, short], zone=LONDON, today=TODAY)
        for line in day.lines
    ]

    assert [len(day.lines) for day in days] == [1, 1, 1, 1, 2, 2, 1]
    assert lines == [(23, "since Fri 20 Nov, until Mon 30 Nov 09:00"), (27, "from 22:00, until Sat 28 Nov 02:00")]


def test_what_is_over_before_the_range_is_in_no_agenda():
    agenda = range_of(shape="agenda", on=TODAY)

    assert agenda_of(within=agenda, entries=[entry("2026-11-01 10:00", "2026-11-01 11:00")], zone=LONDON, today=TODAY) == []


def test_a_cell_of_the_month_keeps_conflicts_and_plans_when_there_is_not_room_for_all():
    releases = [entry(f"2026-11-27 0{hour}:00", f"2026-11-27 0{hour}:00", kind="release", uid=f"r{hour}") for hour in range(3)]
    window = entry("2026-11-27 10:00", "2026-11-27 11:00", uid="window")
    clash = entry("2026-11-27 12:00", "2026-11-27 13:00", uid="clash", conflicts=("It clashes.",))
    day = next(
        day
        for day in days_of(within=range_of(shape="week", on=TODAY), entries=[*releases, window, clash], zone=LONDON, today=TODAY)
        if day.lines
    )

    assert [line.entry.uid for line in day.first] == ["window", "clash"]
    assert (day.more, day.conflicts) == (3, 1)
    assert isinstance(day.lines[0], Line)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-12-24", date(2026, 12, 24)), ("", TODAY), ("24.12.2026", TODAY), ("1999-12-31", TODAY), ("2100-01-02", TODAY)],
)
def test_a_day_in_an_address(text, day):
    assert day_asked(text, today=TODAY) == day
