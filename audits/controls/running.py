"""Runs the controls over a window and keeps what they found (P-26, P-27)."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.models import ControlFinding, ControlRun
from audits.controls.result import RULES_VERSION, Row, Tally, Window
from audits.controls.rows import in_scope, rows_of
from audits.engagements.models import Engagement
from audits.engagements.queries import scope_of
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.access.scope import EVERYTHING, Scope
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused

LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
AT_ONCE = 500
"""Rows that are written at a time."""
Purpose = ControlRun.Purpose


def run_controls(
    *, window: Window, by: User | None, at: datetime, purpose: str = "", engagement: Engagement | None = None
) -> ControlRun:
    """Look at the whole population of the window with every control that has a check. ``by`` None is the portal itself.

    With ``engagement``, over what its auditor may see. Raises ``Refused`` without the right, and for a window that is reversed, in
    the future or longer than a year.
    """
    if by is not None and not may_at(by, P.CONTROL_RUN, at=at):
        raise Refused(Clause.COMPLIANCE, "You may not run the controls.", "Ask an architect or the compliance manager.")
    check_window(window, at=at)
    return _kept(window, by, at, Purpose.ENGAGEMENT if engagement else purpose or Purpose.ASKED, engagement)


@transaction.atomic
def _kept(window: Window, by: User | None, at: datetime, purpose: str, engagement: Engagement | None) -> ControlRun:
    scope = scope_of(engagement) if engagement else EVERYTHING
    results, findings = {}, []
    for control in CONTROLS.values():
        if control.check and in_scope(control, scope):
            results[control.id], found = look(control, window, scope)
            findings += found
    run = ControlRun.objects.create(
        since=window.since,
        until=window.until,
        at=at,
        purpose=purpose,
        engagement=engagement,
        repositories=sorted(scope.repositories or ()),
        started_by=by,
        policy_version=parameters_at(at).version,
        rules_version=RULES_VERSION,
        results=results,
    )
    for finding in findings:
        finding.run = run
    ControlFinding.objects.bulk_create(findings, batch_size=AT_ONCE)
    fact: dict[str, Any] = {"since": window.since.isoformat(), "until": window.until.isoformat(), "purpose": purpose}
    fact |= {key: f"{kept['outcome']}, {kept['population']}" for key, kept in results.items()}
    append(stream="controls", kind="controls.run", actor=actor_of(by) if by else PORTAL, fact=fact, rows=[run])
    return run


def look(control: Control, window: Window, scope: Scope) -> tuple[dict[str, Any], list[ControlFinding]]:
    """What a control comes to, as it is kept, and its rows that did not pass. Those are few; the others only go by."""
    tally, found, digest = Tally(), list[ControlFinding](), hashlib.sha256()
    for row in rows_of(control=control, window=window, scope=scope):
        tally.add(row)
        if not row.passed:
            found.append(_finding(control, row, len(found) + 1))
            digest.update(f"{row.line}\n".encode())
    result = tally.result
    kept = {
        "population": result.population,
        "deviations": result.deviations,
        "unknown": result.unknown,
        "unread": result.unread,
        "outcome": result.outcome,
        "digest": result.digest,
        "found_digest": digest.hexdigest(),
    }
    return kept, found


def _finding(control: Control, row: Row, position: int) -> ControlFinding:
    return ControlFinding(control=control.id, position=position, key=row.key, state=row.state.value, line=row.line)


def check_window(window: Window, *, at: datetime) -> None:
    """Raises ``Refused`` for a window that cannot be looked at."""
    if window.until <= window.since:
        raise _refused("The period ends before it begins.", "Choose a later end.")
    if window.until > at:
        raise _refused("The period ends in the future, and nothing has happened there yet.", "Choose an earlier end.")
    if window.until - window.since > LONGEST:
        raise _refused("The period is longer than a year.", "Run it for each year.")


def _refused(sentence: str, remedy: str) -> Refused:
    return Refused(Clause.COMPLIANCE, sentence, remedy)
