"""Working days of Northwind Labs, which keeps the holidays of Berlin, and when they begin and end. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

DAY = timedelta(days=1)
MORNING, NIGHT = time(7), time(23)
SATURDAY = 5
FIXED = ((1, 1), (3, 8), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31))
AROUND_EASTER = (-2, 1, 39, 50)
"""Good Friday, Easter Monday, Ascension Day, Whit Monday: days from Easter Sunday."""


def easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian computus, Nature 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays(year: int) -> frozenset[date]:
    """Days of a year on which nobody works, weekends apart."""
    return frozenset({date(year, month, day) for month, day in FIXED} | {easter(year) + days * DAY for days in AROUND_EASTER})


def working_days(first: date, last: date) -> tuple[date, ...]:
    """From the first day to the last one, both included, in order."""
    every = (first + number * DAY for number in range((last - first).days + 1))
    return tuple(day for day in every if is_working_day(day))


def is_working_day(day: date) -> bool:
    """Whether people work on that day."""
    return day.weekday() < SATURDAY and day not in holidays(day.year)


def morning_of(day: date) -> datetime:
    """When people begin (UTC)."""
    return datetime.combine(day, MORNING, tzinfo=UTC)


def night_of(day: date) -> datetime:
    """When all that happened on a day has happened (UTC)."""
    return datetime.combine(day, NIGHT, tzinfo=UTC)
