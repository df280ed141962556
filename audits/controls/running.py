"""Runs the controls over a window and keeps what they found (P-26, P-27)."""

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction

from audits.controls.catalogue import CONTROLS
from audits.controls.checks import result_of
from audits.controls.models import ControlRun
from audits.controls.result import Window
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Refused

LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)


@transaction.atomic
def run_controls(*, window: Window, by: User | None, at: datetime) -> ControlRun:
    """Look at the whole population of the window with every control that has a check. ``by`` None is the portal itself.

    Raises ``Refused`` without the right, and for a window that is reversed, in the future or longer than a year.
    """
    if by is not None and not may_at(by, P.CONTROL_RUN, at=at):
        raise Refused(Clause.COMPLIANCE, "You may not run the controls.", "Ask an architect or the compliance manager.")
    _check(window, at)
    results = {control.id: result_of(control=control, window=window) for control in CONTROLS.values()}
    run = ControlRun.objects.create(
        since=window.since,
        until=window.until,
        at=at,
        started_by=by,
        policy_version=parameters_at(at).version,
        results={
            key: {"population": found.population, "outcome": found.outcome, "deviations": [asdict(one) for one in found.deviations]}
            for key, found in results.items()
            if found is not None
        },
    )
    fact = {"since": window.since.isoformat(), "until": window.until.isoformat()}
    fact |= {key: f"{kept['outcome']}, {kept['population']}" for key, kept in run.results.items()}
    append(stream="controls", kind="controls.run", actor=actor_of(by) if by else PORTAL, fact=fact, rows=[run])
    return run


def latest_run() -> ControlRun | None:
    """The newest run; None before the first one."""
    return ControlRun.objects.select_related("started_by").order_by("-at", "-id").first()


def _check(window: Window, at: datetime) -> None:
    if window.until <= window.since:
        raise _refused("The period ends before it begins.", "Choose a later end.")
    if window.until > at:
        raise _refused("The period ends in the future, and nothing has happened there yet.", "Choose an earlier end.")
    if window.until - window.since > LONGEST:
        raise _refused("The period is longer than a year.", "Run it for each year.")


def _refused(sentence: str, remedy: str) -> Refused:
    return Refused(Clause.COMPLIANCE, sentence, remedy)
