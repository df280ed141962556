"""When somebody is reminded of a review after an emergency, and when it is escalated. Pure; times are UTC (P-22)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.policy.clocks import halfway, working_day_before

HALFWAY, DAY_BEFORE, DUE, ESCALATED = "halfway", "day_before", "due", "escalated"


@dataclass(frozen=True)
class Stage:
    """One reminder of one due time."""

    name: str
    at: datetime


def stages(*, start: datetime, due: datetime, escalated_after: timedelta) -> list[Stage]:
    """The reminders between ``start`` and ``due``, the one at ``due``, and the escalation after it, in their order.

    Where halfway is a working day before the due time or later, the two are one.
    """
    middle, before = halfway(start, due), working_day_before(due)
    planned = [Stage(HALFWAY, middle)] if start < middle < before else []
    planned += [Stage(DAY_BEFORE, before)] if start < before else []
    return [*planned, Stage(DUE, due), Stage(ESCALATED, due + escalated_after)]


def stage_now(*, start: datetime, due: datetime, escalated_after: timedelta, at: datetime) -> Stage | None:
    """The last stage that has come. What was missed before it is not caught up with: one reminder at a time is enough."""
    passed = [stage for stage in stages(start=start, due=due, escalated_after=escalated_after) if stage.at <= at]
    return passed[-1] if passed else None
