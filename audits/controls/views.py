"""The controls: each clause with its control, failing first, health by week, last result and owner; running them now."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.coverage import gates_of
from audits.controls.forms import PeriodForm
from audits.controls.models import ControlRun
from audits.controls.queries import Week, health, run_asked_for
from audits.controls.result import Window
from audits.controls.rows import in_scope
from audits.controls.running import USUAL, ask_to_run
from audits.controls.showing import Health, failures, health_of
from audits.engagements.queries import engagement_in
from audits.jobs.models import Job
from audits.jobs.queries import under_way
from audits.jobs.showing import card_of, moved
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.access.signed_in import person_of
from portal.home import loading
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused
from portal.ui.clock import time_of

NOT_RUN = "not_run"
NO_TEST = "no_test"
FIRST = ("deviations", "unknown", NO_TEST, "never_operated", NOT_RUN, "passed")
"""The outcomes in the order of the page: what asks for somebody stands first."""


@dataclass(frozen=True)
class Line:
    """One control on the page. ``kept`` is its part of the run's results, empty when there is none."""

    control: Control
    gates: str
    outcome: str
    """``passed``, ``deviations``, ``unknown``, ``never_operated``, ``not_run`` or ``no_test``."""
    kept: dict[str, Any]
    health: Health | None = None


@requires(P.CONTROL_SEE)
@require_GET
def controls(request: HttpRequest) -> HttpResponse:
    """Every control, those that ask for somebody first."""
    at = time_of(request)
    return _page(request, PeriodForm(initial=PeriodForm.of(Window(at - USUAL, at))))


@requires(P.CONTROL_RUN)
@require_POST
def run_now(request: HttpRequest) -> HttpResponse:
    """Have a worker run all controls over the period that was asked for."""
    form, at = PeriodForm(request.POST), time_of(request)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        ask_to_run(window=form.window(at=at), by=person_of(request), at=at)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, status=422)
    messages.success(request, "The controls are being run. You can leave this page: you are told when it is done.")
    return redirect("controls")


def _page(request: HttpRequest, form: PeriodForm, *, status: int = 200) -> HttpResponse:
    engagement = engagement_in(request)
    card = card_of(request, [] if engagement else under_way(kind=Job.Kind.CONTROLS), again=reverse("controls"))
    if piece := moved(request, card):
        return piece
    run, weeks = run_asked_for(request, engagement), health(at=time_of(request), engagement=engagement)
    lines = lines_of(run, weeks, scope_for(request))
    context = {
        "run": run,
        "lines": lines,
        "counts": {outcome: sum(line.outcome == outcome for line in lines) for outcome in FIRST},
        "failures": failures(weeks),
        "form": form,
        "may_run": may(request.user, P.CONTROL_RUN),
        "engagement": engagement,
        "loading": loading.said(request),
        **card,
    }
    return render(request, "audits/controls/controls.html", context, status=status)


def lines_of(run: ControlRun | None, weeks: dict[str, list[Week]], scope: Scope) -> list[Line]:
    """A line for each control of the scope, by outcome as in ``FIRST``, then in the order of the policy."""
    shown = [CONTROLS[clause] for clause in Clause if in_scope(CONTROLS[clause], scope)]
    lines = [line_of(control, run, weeks.get(control.id, [])) for control in shown]
    return sorted(lines, key=lambda line: FIRST.index(line.outcome))


def line_of(control: Control, run: ControlRun | None, weeks: list[Week]) -> Line:
    """What is said about one control, from the run; a control that came after the run has not run."""
    kept = run.results.get(control.id) if run else None
    outcome = NO_TEST if not control.check else kept["outcome"] if kept else NOT_RUN
    shown = health_of(control, weeks) if weeks else None
    return Line(control, gates_of(control.clause), outcome, kept or {}, shown)
