"""One control: what it says, what its runs found with every row that did not pass, and every row of its population, read now.

Rows that passed are not kept: they are read again, and the digest says whether they are still those of the run.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audits.controls.catalogue import CONTROLS, Control
from audits.controls.coverage import gates_of
from audits.controls.forms import PeriodForm
from audits.controls.models import ControlFinding, ControlRun
from audits.controls.paging import SIZE, first_of, pager
from audits.controls.queries import health, run_asked_for, runs_for
from audits.controls.result import Result, Row, Tally, Window
from audits.controls.rows import in_scope, is_withheld, rows_of
from audits.controls.running import USUAL, check_window
from audits.controls.showing import address_of, health_of
from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_in
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.policy.refusal import Refused
from portal.ui.clock import time_of

LONGEST = timedelta(days=366)
"""Of a window that is read while somebody waits. A run, which a worker does, may be over any."""
RUNS = 10
"""Runs that the page of a control lists."""


@dataclass(frozen=True)
class Shown:
    """A row as the page shows it."""

    place: int
    key: str
    state: str
    sentence: str
    facts: dict[str, Any]
    href: str


def control_named(name: str, scope: Scope) -> Control:
    """The control with this id, as ``C-03``. Raises ``Http404``, also for one outside of the scope."""
    found = next((control for control in CONTROLS.values() if control.id == name), None)
    if found is None or not in_scope(found, scope):
        raise Http404("There is no such control.")
    return found


@requires(P.CONTROL_SEE)
@require_GET
def control(request: HttpRequest, name: str) -> HttpResponse:
    """The control with its newest run, or the one that ``?run=`` names."""
    found, engagement, at = control_named(name, scope_for(request)), engagement_in(request), time_of(request)
    run = run_asked_for(request, engagement)
    weeks = health(at=at, engagement=engagement).get(found.id, [])
    context = {
        "control": found,
        "gates": gates_of(found.clause),
        "sentence": found.clause.sentence,
        "run": run,
        "kept": (run.results.get(found.id) if run else None) or {},
        "health": health_of(found, weeks) if weeks else None,
        "runs": _runs(found, engagement),
        "may_run": may(request.user, P.CONTROL_RUN),
        "form": PeriodForm(initial=PeriodForm.of(Window(at - USUAL, at))),
        "engagement": engagement,
        "hidden": is_withheld(found, from_auditor=engagement is not None),
        **_findings(request, found, run, engagement),
    }
    return render(request, "audits/controls/control.html", context)


def _runs(control: Control, engagement: Engagement | None) -> list[tuple[ControlRun, dict[str, Any]]]:
    return [(run, run.results[control.id]) for run in runs_for(engagement)[:RUNS] if control.id in run.results]


def _findings(request: HttpRequest, control: Control, run: ControlRun | None, engagement: Engagement | None) -> dict[str, Any]:
    """A page of the rows that did not pass."""
    if is_withheld(control, from_auditor=engagement is not None):
        return {"rows": [], "count": 0}
    rows = ControlFinding.objects.filter(run=run, control=control.id).order_by("position")
    count, first = rows.count() if run else 0, first_of(request)
    shown = [_of_line(row.position, row.line) for row in rows[first : first + SIZE]] if run else []
    return {"rows": shown, "count": count, **pager(request, first=first, shown=len(shown), count=count)}


def _of_line(place: int, line: str) -> Shown:
    row = json.loads(line)
    return Shown(place, row["key"], row["state"], row["sentence"], row["facts"], address_of(row["ref"]))


@requires(P.CONTROL_SEE)
@require_GET
def control_rows(request: HttpRequest, name: str) -> HttpResponse:
    """Every row of the population of a window, read now; with ``?run=`` of that run's window, compared with it."""
    found, engagement, at = control_named(name, scope_for(request)), engagement_in(request), time_of(request)
    run = run_asked_for(request, engagement) if "since" not in request.GET else None
    read = Window(run.since, run.until) if run else _usual(engagement, at)
    form = PeriodForm(request.GET if "since" in request.GET else None, initial=PeriodForm.of(read))
    context: dict[str, Any] = {"control": found, "run": run, "form": form, "engagement": engagement}
    hidden = is_withheld(found, from_auditor=engagement is not None)
    if hidden or not found.check:
        return render(request, "audits/controls/rows.html", {**context, "hidden": hidden, "rows": []})
    window = _window_asked_for(form, engagement, at) if form.is_bound else read
    if window is None:
        return render(request, "audits/controls/rows.html", {**context, "rows": []}, status=422)
    first = first_of(request)
    result, shown = _read(rows_of(control=found, window=window, scope=scope_for(request)), first)
    total = result.population + result.unread
    context |= {"window": window, "result": result, "rows": shown, **pager(request, first=first, shown=len(shown), count=total)}
    context["same"] = None if run is None else result.digest == run.results.get(found.id, {}).get("digest")
    return render(request, "audits/controls/rows.html", context)


def _window_asked_for(form: PeriodForm, engagement: Engagement | None, at: Any) -> Window | None:
    """The window in the form; None, with the reason in the form, when it cannot be looked at or is outside the engagement."""
    if not form.is_valid():
        return None
    window = form.window(at=at)
    try:
        check_window(window, at=at)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    if window.until - window.since > LONGEST:
        form.add_error(None, "The period is longer than a year. Choose a shorter one, or let the controls run over it.")
        return None
    if engagement is not None and not (engagement.window_from <= window.since and window.until <= engagement.window_to):
        form.add_error(None, "Your engagement does not cover this period.")
        return None
    return window


def _usual(engagement: Engagement | None, at: Any) -> Window:
    if engagement is None:
        return Window(at - USUAL, at)
    until = min(at, engagement.window_to)
    return Window(max(engagement.window_from, until - USUAL), until)


def _read(rows: Iterator[Row], first: int) -> tuple[Result, list[Shown]]:
    """Goes through all rows, so that the result is of all; keeps those of one page."""
    tally, shown = Tally(), list[Shown]()
    for place, row in enumerate(rows):
        tally.add(row)
        if first <= place < first + SIZE:
            shown.append(Shown(place + 1, row.key, row.state.value, row.sentence, dict(row.facts), address_of(row.ref)))
    return tally.result, shown
