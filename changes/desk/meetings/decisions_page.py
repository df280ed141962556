"""Decisions in rows: how each stands now, how its conditions do, and which of them a reader may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from changes.approvals import queries as approvals
from changes.approvals.models import Condition
from changes.approvals.policy import OPEN, progress
from changes.meetings.models import AgendaItem, Decision
from portal.access.scope import Scope

FOR = (Decision.Outcome.APPROVED, Decision.Outcome.CONDITIONAL)


@dataclass(frozen=True)
class Line:
    """One decision as a row shows it. ``state`` is that of now: standing, superseded, lapsed or expired."""

    decision: Decision
    state: str
    ended: str
    open_conditions: int
    conditions: int


def inside_decisions(rows: QuerySet[Decision], scope: Scope) -> QuerySet[Decision]:
    """Only those in an auditor's window and repositories. What is about no change is about all of them."""
    if scope.window_from is not None:
        rows = rows.filter(at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(at__lt=scope.window_to)
    if scope.repositories is not None:
        general = Q(change=None) & ~Q(item__kind=AgendaItem.Kind.EXCEPTION)
        rows = rows.filter(general | Q(change__repository_names__overlap=sorted(scope.repositories)))
    return rows


def lines(decisions: Iterable[Decision], *, at: datetime) -> list[Line]:
    """The rows; two queries for the conditions of all of them."""
    found = list(decisions)
    changes = {each.change_id for each in found if each.conditions and each.change_id is not None}
    conditions = list(approvals.with_steps(Condition.objects.filter(change__in=changes, approval=None)))
    return [_line(each, conditions, at) for each in found]


def conditions_of(decision: Decision, conditions: Iterable[Condition]) -> list[Condition]:
    """Those that this decision set: on its change, at its moment."""
    return [row for row in conditions if row.change_id == decision.change_id and row.set_at == decision.at]


def _line(decision: Decision, conditions: list[Condition], at: datetime) -> Line:
    own = conditions_of(decision, conditions)
    waiting = [row for row in own if state_of(row) == OPEN]
    state, ended = standing_of(decision, at=at)
    return Line(decision, state, ended, len(waiting), len(decision.conditions))


def state_of(condition: Condition) -> str:
    """Where a condition stands."""
    return progress(steps=approvals.steps_of(condition), to_confirm=condition.to_confirm)


def standing_of(decision: Decision, *, at: datetime) -> tuple[str, str]:
    """How a decision stands, and why it counts no more. A decision against something ends only by another one."""
    lapse = getattr(decision, "lapse", None)
    if lapse is not None:
        return ("superseded" if "took its place" in lapse.reason else "lapsed"), lapse.reason
    merged = decision.change is not None and decision.change.merged_at is not None
    if decision.expires_at is not None and decision.expires_at <= at and not merged:
        return "expired", f"it held until {decision.expires_at:%-d %b %Y}"
    return "standing", ""
