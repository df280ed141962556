"""Runs the controls over a window and keeps what they found (P-26, P-27).

What somebody asks for is left to a worker: it looks outside of any transaction, so that it can say how far it is, and keeps the run
in one. A run is there as a whole, or not at all.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.keeping import Shelf
from audits.controls.models import ControlFinding, ControlRun
from audits.controls.result import RULES_VERSION, Row, Tally, Window
from audits.controls.rows import in_scope, is_withheld, rows_of
from audits.engagements.models import Engagement
from audits.engagements.queries import scope_of
from audits.jobs import actions as jobs
from audits.jobs.models import Job
from audits.jobs.working import Turn
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.access.scope import EVERYTHING, Scope
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused

USUAL = timedelta(days=90)
AT_ONCE = 500
"""Rows that are written at a time."""
Purpose = ControlRun.Purpose


Tell = Callable[[int, str], None]
"""Says how many controls were looked at, and which is next. It may raise, and so end the run."""


@dataclass(frozen=True)
class Wanted:
    """A run that is to be: over which window, for whom, and for which engagement. ``by`` None is the portal itself."""

    window: Window
    by: User | None
    at: datetime
    purpose: str
    engagement: Engagement | None = None

    @property
    def scope(self) -> Scope:
        """How far it looks."""
        return scope_of(self.engagement) if self.engagement else EVERYTHING


@dataclass(frozen=True)
class Found:
    """What the controls found: the results by control's id, and the rows that did not pass."""

    results: dict[str, Any]
    findings: list[ControlFinding]


def run_controls(
    *, window: Window, by: User | None, at: datetime, purpose: str = "", engagement: Engagement | None = None
) -> ControlRun:
    """Look at the whole population of the window with every control that has a check. ``by`` None is the portal itself.

    With ``engagement``, over what its auditor may see. Raises ``Refused`` without the right, and for a window that is reversed or
    in the future.
    """
    check_run(window=window, by=by, at=at)
    wanted = Wanted(window, by, at, Purpose.ENGAGEMENT if engagement else purpose or Purpose.ASKED, engagement)
    with transaction.atomic():
        return keep_run(wanted=wanted, found=look_at_all(wanted=wanted))


def ask_to_run(*, window: Window, by: User, at: datetime) -> Job:
    """Let a worker run the controls. Raises ``Refused`` as ``run_controls`` does."""
    check_run(window=window, by=by, at=at)
    days = f"{window.since:%-d %b %Y} to {window.until - timedelta(microseconds=1):%-d %b %Y}"
    asked = {"since": window.since.isoformat(), "until": window.until.isoformat()}
    total = len(controls_in(EVERYTHING))
    return jobs.ask(kind=Job.Kind.CONTROLS, title=f"Controls, {days}", asked=asked, total=total, by=by, at=at)


def run_asked(*, turn: Turn) -> None:
    """A worker's turn at a run. Raises ``Refused`` where the person may not any more, ``Lost`` where nobody wants it."""
    job, at = turn.job, turn.now()
    window = Window(*(datetime.fromisoformat(job.asked[name]) for name in ("since", "until")))
    check_run(window=window, by=job.asked_by, at=at)
    wanted = Wanted(window, job.asked_by, at, Purpose.ASKED)
    found = look_at_all(wanted=wanted, tell=turn.tell)
    with transaction.atomic():
        run = keep_run(wanted=wanted, found=found)
        jobs.finish(job=job, result=f"{reverse('controls')}?run={run.pk}", at=turn.now())


def controls_in(scope: Scope) -> list[Control]:
    """The controls of a scope that have a check, in the order of the catalogue."""
    return [control for control in CONTROLS.values() if control.check and in_scope(control, scope)]


def look_at_all(*, wanted: Wanted, tell: Tell = lambda done, step: None, shelf: Shelf | None = None) -> Found:
    """Look at the population of each control. With ``shelf``, all rows are put on it, those too that passed."""
    results, findings = {}, list[ControlFinding]()
    for done, control in enumerate(controls_in(wanted.scope)):
        tell(done, f"{control.id} {control.title}")
        results[control.id], found = look(control, wanted.window, wanted.scope, shelf=shelf)
        findings += found
    return Found(results, findings)


def keep_run(*, wanted: Wanted, found: Found, shelf: Shelf | None = None) -> ControlRun:
    """Keep a run with its entry in the ledger, within the caller's transaction."""
    window, by, at = wanted.window, wanted.by, wanted.at
    run = ControlRun.objects.create(
        since=window.since,
        until=window.until,
        at=at,
        purpose=wanted.purpose,
        engagement=wanted.engagement,
        repositories=sorted(wanted.scope.repositories or ()),
        started_by=by,
        policy_version=parameters_at(at).version,
        rules_version=RULES_VERSION,
        results=found.results,
    )
    for finding in found.findings:
        finding.run = run
    ControlFinding.objects.bulk_create(found.findings, batch_size=AT_ONCE)
    if shelf is not None:
        shelf.keep_with(run)
    fact: dict[str, Any] = {"since": window.since.isoformat(), "until": window.until.isoformat(), "purpose": wanted.purpose}
    fact |= {key: f"{kept['outcome']}, {kept['population']}" for key, kept in found.results.items()}
    append(stream="controls", kind="controls.run", actor=actor_of(by) if by else PORTAL, fact=fact, rows=[run])
    return run


def look(
    control: Control, window: Window, scope: Scope, *, shelf: Shelf | None = None
) -> tuple[dict[str, Any], list[ControlFinding]]:
    """What a control comes to, as it is kept, and its rows that did not pass. Those are few; the others only go by."""
    tally, found, digest = Tally(), list[ControlFinding](), hashlib.sha256()
    shelved = shelf if shelf is not None and not is_withheld(control, from_auditor=True) else None
    for row in rows_of(control=control, window=window, scope=scope):
        tally.add(row)
        if shelved is not None:
            shelved.add(control.id, row.line)
        if not row.passed:
            found.append(_finding(control, row, len(found) + 1))
            digest.update(f"{row.line}\n".encode())
    if shelved is not None:
        shelved.close(control.id)
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


def check_run(*, window: Window, by: User | None, at: datetime) -> None:
    """Raises ``Refused`` for somebody who may not run the controls, and for a window that cannot be looked at."""
    if by is not None and not may_at(by, P.CONTROL_RUN, at=at):
        raise Refused(Clause.COMPLIANCE, "You may not run the controls.", "Ask an architect or the compliance manager.")
    check_window(window, at=at)


def check_window(window: Window, *, at: datetime) -> None:
    """Raises ``Refused`` for a window that cannot be looked at. It may be of any length: nobody waits for a run."""
    if window.until <= window.since:
        raise _refused("The period ends before it begins.", "Choose a later end.")
    if window.until > at:
        raise _refused("The period ends in the future, and nothing has happened there yet.", "Choose an earlier end.")


def _refused(sentence: str, remedy: str) -> Refused:
    return Refused(Clause.COMPLIANCE, sentence, remedy)
