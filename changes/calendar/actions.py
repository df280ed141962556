"""Plan windows, set and end freezes. Each row is inserted with its ledger entry; two people override in ``overriding.py``.

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.calendar import policy
from changes.calendar.facts import Span
from changes.calendar.models import Freeze, FreezeEnd, PlannedWindow
from changes.proposals import queries as proposals
from changes.proposals.models import Change
from changes.proposals.moving import ring_for, stream_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.alone import in_turn
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring


@transaction.atomic
def plan(*, change: Change, environment: str, span: Span, by: User, at: datetime) -> PlannedWindow:
    """Plan when a change goes to one environment; an earlier plan for it no longer counts."""
    check_may(by, P.CHANGE_SCHEDULE, at)
    locked = proposals.locked(change.pk)
    policy.check_window(state=locked.state, span=span, at=at)
    row = _next_window(locked, environment, span, by, at)
    _tell_window("window.planned", row)
    return row


@transaction.atomic
def cancel(*, change: Change, environment: str, by: User, at: datetime) -> PlannedWindow:
    """Give a planned window back. Raises ``Stale`` when there is none."""
    check_may(by, P.CHANGE_SCHEDULE, at)
    locked = proposals.locked(change.pk)
    newest = locked.windows.filter(environment=environment).order_by("-number").first()
    if newest is None or newest.cancelled:
        raise Stale(f"No window is planned for {locked} in {environment}.")
    row = _next_window(locked, environment, Span(newest.starts_at, newest.ends_at), by, at, cancelled=True)
    _tell_window("window.cancelled", row)
    return row


def _next_window(change: Change, environment: str, span: Span, by: User, at: datetime, *, cancelled: bool = False) -> PlannedWindow:
    return PlannedWindow.objects.create(
        change=change,
        environment=environment,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        cancelled=cancelled,
        number=change.windows.filter(environment=environment).count(),
        by=by,
        at=at,
    )


def _tell_window(kind: str, row: PlannedWindow) -> None:
    fact = {"environment": row.environment, "starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat()}
    append(
        stream=stream_of(row.change),
        kind=kind,
        actor=actor_of(row.by),
        fact={**fact, "by": row.by.name, "at": row.at.isoformat()},
        rows=[row],
    )
    ring_for(row.change)
    ring("calendar")


@transaction.atomic
def set_freeze(
    *,
    name: str,
    level: str,
    span: Span,
    environments: Iterable[str],
    repositories: Iterable[str],
    apps: Iterable[str],
    reason: str,
    by: User,
    at: datetime,
) -> Freeze:
    """Let nothing go out for a time. Without repositories and apps it holds for all of them."""
    check_may(by, P.FREEZE_SET, at)
    policy.check_freeze(span=span, environments=environments, name=name, reason=reason, at=at)
    row = Freeze.objects.create(
        name=name.strip(),
        level=level,
        starts_at=max(span.starts_at, at),  # what went out while it was typed did not go out in it
        ends_at=span.ends_at,
        environments=sorted(set(environments)),
        repositories=sorted(set(repositories)),
        apps=sorted(set(apps)),
        reason=reason.strip(),
        by=by,
        at=at,
    )
    _tell_freeze("freeze.set", row, by, {**freeze_text(row), "reason": row.reason}, [row])
    return row


@transaction.atomic
def end_freeze(*, freeze: Freeze, reason: str, by: User, at: datetime) -> FreezeEnd:
    """End a freeze now; one that has not begun never begins."""
    check_may(by, P.FREEZE_SET, at)
    in_turn(freeze)
    locked = Freeze.objects.get(pk=freeze.pk)
    ended = FreezeEnd.objects.filter(freeze=locked).exists()
    policy.check_freeze_end(span=Span(locked.starts_at, locked.ends_at), ended=ended, reason=reason, at=at)
    row = FreezeEnd.objects.create(freeze=locked, ends_at=max(at, locked.starts_at), reason=reason.strip(), by=by, at=at)
    fact = {"name": locked.name, "ends_at": row.ends_at.isoformat(), "reason": row.reason}
    _tell_freeze("freeze.ended_early", locked, by, fact, [row])
    return row


def _tell_freeze(kind: str, row: Freeze, by: User, fact: Mapping[str, Any], rows: Iterable[Any]) -> None:
    append(stream=f"freeze:{row.pk}", kind=kind, actor=actor_of(by), fact={**fact, "by": by.name}, rows=rows)
    ring("calendar")
    ring("changes")


def freeze_text(row: Freeze) -> dict[str, Any]:
    """A freeze as the ledger and a digest write it."""
    return {
        "name": row.name,
        "level": row.level,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "environments": row.environments,
        "repositories": row.repositories,
        "apps": row.apps,
    }


def check_may(by: User, permission: P, at: datetime) -> None:
    """Raise ``Refused`` unless the person may do it at that moment, as the database says now."""
    if not may_at(by, permission, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {permission.sentence}.")
