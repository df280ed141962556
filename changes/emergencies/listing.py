"""The list of emergencies: one line each with its clocks, and how many there were by month."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncMonth

from changes.emergencies.models import Emergency
from changes.emergencies.queries import for_next_agenda, inside, noted, standing_plus_ones, unfinished, with_reviews
from changes.proposals.listing import Wanted, matching
from changes.proposals.models import Approval
from portal.access.scope import Scope

MOST = 100
DONE = 25
"""Finished ones that the page shows; all of them are found in the list of changes."""


@dataclass(frozen=True)
class Line:
    """One emergency. ``state`` is a word for the badge; ``plus_ones`` are those that count."""

    emergency: Emergency
    plus_ones: list[Approval]
    state: str
    words: str
    retrospective_written: bool
    review_written: bool

    @property
    def late(self) -> bool:
        """Whether the retrospective is overdue, as of the moment that the line was made for."""
        return self.state == "overdue"


def emergency_lines(*, scope: Scope, at: datetime, finished: bool) -> list[Line]:
    """Lines of the finished ones, newest first, or of those with something left to do, oldest first."""
    rows = with_reviews(inside(noted(), scope)).select_related("change", "declared_by", "asked", "thread")
    shown = (
        rows.exclude(unfinished()).order_by("-at", "-id")[:DONE]
        if finished
        else rows.filter(unfinished()).order_by("at", "id")[:MOST]
    )
    found = list(shown)
    words = standing_plus_ones(found)
    return [_line(row, words.get(row.change_id, []), at) for row in found]


def _line(row: Emergency, words: list[Approval], at: datetime) -> Line:
    flags = vars(row)
    state, said = _state(row, words, bool(flags["retrospective_written"]), at)
    return Line(row, words, state, said, bool(flags["retrospective_written"]), bool(flags["review_written"]))


def _state(row: Emergency, words: list[Approval], reviewed: bool, at: datetime) -> tuple[str, str]:
    change = row.change
    if change.state == "withdrawn":
        return "withdrawn", "Withdrawn"
    if change.merged_at is None:
        return ("approved", "+1 given") if words or change.gates[7:8] == "m" else ("waiting", "Waits for a +1")
    if reviewed:
        return "verified", "Reviewed"
    if change.retrospective_due_at is not None and change.retrospective_due_at < at:
        return "overdue", "Retrospective overdue"
    return "open", "Retrospective due"


def next_agenda(*, scope: Scope, at: datetime) -> list[Emergency]:
    """What the next meeting looks at, the longest in production first."""
    return list(inside(for_next_agenda(at=at), scope).select_related("change")[:MOST])


@dataclass(frozen=True)
class Month:
    """How many emergencies a month had, how many of them nobody declared, and how many changes reached prod in all."""

    begins: datetime
    emergencies: int
    undeclared: int
    in_prod: int

    @property
    def share(self) -> int | None:
        """Per cent of the changes that reached prod; None when none did."""
        return round(100 * self.emergencies / self.in_prod) if self.in_prod else None


def months_until(*, scope: Scope, at: datetime, count: int) -> list[Month]:
    """The last ``count`` months in UTC, this one included, newest first. Two queries."""
    begins = [_month_before(at, back) for back in range(count)]
    rows = inside(noted(), scope).filter(at__gte=begins[-1])
    declared = _by_month(rows, "at", undeclared=Count("pk", filter=Q(change__undeclared=True)))
    merged = _by_month(matching(wanted=Wanted(), scope=scope).filter(merged_at__gte=begins[-1]), "merged_at")
    return [
        Month(
            begins=month,
            emergencies=declared.get(month, {}).get("number", 0),
            undeclared=declared.get(month, {}).get("undeclared", 0),
            in_prod=merged.get(month, {}).get("number", 0),
        )
        for month in begins
    ]


def _month_before(at: datetime, back: int) -> datetime:
    months = at.year * 12 + at.month - 1 - back
    return at.replace(year=months // 12, month=months % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _by_month(rows: QuerySet[Any], field: str, **more: Count) -> dict[datetime, dict[str, int]]:
    grouped = rows.order_by().annotate(month=TruncMonth(field)).values("month").annotate(number=Count("pk"), **more)
    return {row["month"]: row for row in grouped}
