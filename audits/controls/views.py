"""The coverage page: each clause with its control, its test, the last result and its owner; and running them now."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.coverage import gates_of
from audits.controls.models import ControlRun
from audits.controls.result import Window
from audits.controls.running import latest_run, run_controls
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused
from portal.ui.clock import time_of

SHOWN = 50
"""Deviations of one control that the page lists; it says how many more there are."""
NOT_RUN = "not_run"
NO_TEST = "no_test"
PAGES = {"change": "change", "exception": "exception", "meeting": "meeting", "policy": "policy-version", "drift": "drift-case"}


class PeriodForm(forms.Form):
    """How far back a run looks."""

    days = forms.TypedChoiceField(
        label="Period",
        coerce=int,
        choices=[(30, "Last 30 days"), (90, "Last 90 days"), (365, "Last 365 days")],
        initial=90,
    )


@dataclass(frozen=True)
class Row:
    """One clause on the page."""

    control: Control
    gates: str
    outcome: str
    """``passed``, ``deviations``, ``never_operated``, ``not_run`` or ``no_test``."""
    population: int = 0
    count: int = 0
    deviations: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    """Each with the address of its row, empty when it has no page."""

    @property
    def more(self) -> int:
        """Deviations that the page does not list."""
        return self.count - len(self.deviations)


@requires(P.OVERSIGHT_SEE)
@require_GET
def coverage(request: HttpRequest) -> HttpResponse:
    """Every clause, in the order of the policy."""
    return _page(request, PeriodForm())


@requires(P.CONTROL_RUN)
@require_POST
def run_now(request: HttpRequest) -> HttpResponse:
    """Run all controls over the period that was chosen, and show what they found."""
    form, at = PeriodForm(request.POST), time_of(request)
    if not form.is_valid():
        return _page(request, form, status=422)
    window = Window(at - timedelta(days=form.cleaned_data["days"]), at)
    try:
        run_controls(window=window, by=person_of(request), at=at)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, status=422)
    messages.success(request, "The controls were run.")
    return redirect("coverage")


def _page(request: HttpRequest, form: PeriodForm, *, status: int = 200) -> HttpResponse:
    run = latest_run()
    rows = [row_of(CONTROLS[clause], run) for clause in Clause]
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in (row.outcome for row in rows)}
    context = {"run": run, "rows": rows, "counts": counts, "form": form, "may_run": may(request.user, P.CONTROL_RUN)}
    return render(request, "audits/controls/coverage.html", context, status=status)


def row_of(control: Control, run: ControlRun | None) -> Row:
    """What the page says about one control, from the run; a control that came after the run has not run."""
    gates = gates_of(control.clause)
    if not control.check:
        return Row(control, gates, NO_TEST)
    found = run.results.get(control.id) if run else None
    if found is None:
        return Row(control, gates, NOT_RUN)
    listed = [(one, address_of(one["ref"])) for one in found["deviations"][:SHOWN]]
    return Row(control, gates, found["outcome"], found["population"], len(found["deviations"]), listed)


def address_of(ref: str) -> str:
    """Where a deviation's row can be read; empty when it has no page of its own."""
    kind, _, number = ref.partition(":")
    return reverse(PAGES[kind], args=[number]) if kind in PAGES and number.isdigit() else ""
