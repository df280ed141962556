"""How it develops: exceptions, emergencies and failed deploys by week, and the rate of emergencies by month. Zero-based."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from changes.delivery.models import Environment, Release
from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Category, Change

WEEKS = 12
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Trend:
    """One row of weekly numbers, oldest first, with the finding in words."""

    label: str
    values: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """The last four weeks against the four before."""
        last, before = sum(self.values[-4:]), sum(self.values[-8:-4])
        if last == before:
            return f"{last} in the last four weeks, as many as in the four before"
        return f"{last} in the last four weeks, {before} in the four before"

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.values)


@dataclass(frozen=True)
class Rate:
    """Emergencies among the changes of the last 90 days."""

    emergencies: int
    undeclared: int
    changes: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None while there was no change."""
        return self.emergencies / self.changes if self.changes else None


def trends(*, at: datetime) -> list[Trend]:
    """The three rows."""
    since = at - WEEKS * WEEK
    found = ExceptionRecord.objects.filter(found_at__gt=since, found_at__lte=at).values_list("found_at", flat=True)
    urgent = Change.objects.filter(category=Category.EMERGENCY, opened_at__gt=since, opened_at__lte=at)
    failed = Release.objects.filter(environment=Environment.PRODUCTION, state=Release.State.FAILED, created_at__gt=since)
    return [
        Trend("Exceptions found", by_week(found, at=at)),
        Trend("Emergencies", by_week(urgent.values_list("opened_at", flat=True), at=at)),
        Trend("Failed deploys to production", by_week(failed.values_list("created_at", flat=True), at=at)),
    ]


def by_week(moments: Iterable[datetime], *, at: datetime) -> tuple[int, ...]:
    """How many fall into each of the last twelve weeks, the oldest first. Pure."""
    counted = Counter((at - moment) // WEEK for moment in moments)
    return tuple(counted.get(back, 0) for back in range(WEEKS - 1, -1, -1))


def emergency_rate(*, at: datetime) -> Rate:
    """Emergencies, those that only the portal found among them, and all changes of the last 90 days."""
    rows = Change.objects.filter(opened_at__gt=at - timedelta(days=90), opened_at__lte=at)
    urgent = rows.filter(category=Category.EMERGENCY)
    return Rate(urgent.count(), urgent.filter(undeclared=True).count(), rows.count())
