"""Clocks of the policy. Pure. Working days are Monday to Friday in UTC."""

from datetime import datetime, timedelta

SATURDAY = 5


def add_working_days(start: datetime, days: int) -> datetime:
    """``start`` plus whole working days, at the same time of day; a start on a weekend counts from Monday's midnight."""
    moment = start
    while moment.weekday() >= SATURDAY:
        moment = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    left = days
    while left > 0:
        moment += timedelta(days=1)
        if moment.weekday() < SATURDAY:
            left -= 1
    return moment
