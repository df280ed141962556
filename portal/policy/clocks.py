"""Clocks of the policy. Pure. Working days are Monday to Friday in UTC, which has no summer time: a day has 24 hours."""

from datetime import UTC, date, datetime, time, timedelta

SATURDAY = 5
DAY = timedelta(days=1)


def add_working_days(start: datetime, days: int) -> datetime:
    """``start`` plus whole working days, at the same time of day in UTC; a start on a weekend counts from Monday's midnight."""
    moment = working_moment(start)
    left = days
    while left > 0:
        moment += DAY
        if moment.weekday() < SATURDAY:
            left -= 1
    return moment


def working_moment(at: datetime) -> datetime:
    """``at`` in UTC, or the midnight of the next Monday where that is a weekend."""
    moment = at.astimezone(UTC)
    while moment.weekday() >= SATURDAY:
        moment = (moment + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    return moment


def working_day_before(at: datetime) -> datetime:
    """One working day earlier, at the same time of day in UTC: before a Monday comes the Friday."""
    moment = at.astimezone(UTC) - DAY
    while moment.weekday() >= SATURDAY:
        moment -= DAY
    return moment


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day and the first of the next, UTC."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    return start, start + DAY


def start_of(day: date) -> datetime:
    """Midnight UTC at which a day begins."""
    return bounds_of(day)[0]


def end_of(day: date) -> datetime:
    """Midnight UTC at which a day is over."""
    return bounds_of(day)[1]


def day_of(text: str) -> date | None:
    """The day that a text names, such as 2026-03-31, as an address may hold it; None for anything else and far-away years."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def halfway(start: datetime, due: datetime) -> datetime:
    """The middle between two moments; one that falls on a weekend is moved on to Monday's midnight."""
    return working_moment(start + (due - start) / 2)
