"""Drift: cases that are live, one case with its steps, and the answer to it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from changes.connectors.in_scope import in_scope
from changes.delivery.models import Environment
from changes.desk.inventory.forms import AnswerForm
from changes.drift import actions, queries
from changes.drift.models import DriftCase, DriftState
from changes.inventory.models import Asset
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused, Stale
from portal.runtime.punctual import run_soon
from portal.ui.answers import page
from portal.ui.clock import time_of
from portal.ui.paging import listed

JOB = "compare-drift"
"""Its lease in the schedule."""
STATES = [("", "All that are live"), *DriftState.choices]
ENVIRONMENTS = [("", "Any environment"), *Environment.choices]


@requires(P.INVENTORY_SEE)
@require_GET
def drift(request: HttpRequest) -> HttpResponse:
    """Cases, newest first; and which apps could not be compared."""
    state, environment = request.GET.get("state", ""), request.GET.get("environment", "")
    kept = {
        "state": state if state in DriftState.values else "",
        "environment": environment if environment in Environment.values else "",
    }
    context = {
        **listed(request, in_scope(queries.cases(**kept), scope_for(request)), by="opened_at", kept=kept),
        "asked": kept,
        "filtered": any(kept.values()),
        "states": STATES,
        "environments": ENVIRONMENTS,
        "last": queries.last_compared(),
        "not_compared": queries.not_compared(),
        "may_compare": may(request.user, P.INVENTORY_KEEP),
        "open_count": queries.open_count(),
    }
    return page(request, "changes/inventory/drift.html", context, piece="rows")


@requires(P.INVENTORY_KEEP)
@require_POST
def compare_now(request: HttpRequest) -> HttpResponse:
    """Let the job that compares run at once instead of within ten minutes. It runs as ever, and once."""
    if run_soon(lease=JOB):
        messages.success(request, "Comparing now. The results are here within seconds; load the page again to see them.")
    else:
        messages.warning(request, "No scheduler runs, so nothing can be compared now. Check ./bin/up and manage.py doctor.")
    return redirect("drift")


@requires(P.INVENTORY_SEE)
@require_GET
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """One case: both sides in words, what it was compared with, what was answered."""
    row = get_object_or_404(in_scope(DriftCase.objects.all(), scope_for(request)), pk=pk)
    return _page(request, row, AnswerForm(initial={"seen": row.digest}))


@requires(P.INVENTORY_KEEP)
@require_POST
def answer_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Explain it, say which side changes, or accept it until a date."""
    row, form = get_object_or_404(DriftCase, pk=pk), AnswerForm(request.POST)
    if form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("state", "note", "seen")}
        try:
            actions.answer(case=row, until=form.until(), by=person_of(request), at=time_of(request), **given)
        except (Refused, Stale) as problem:
            form.add_error(None, problem.words)
        else:
            messages.success(request, "Recorded.")
            return redirect("drift-case", pk=pk)
    return _page(request, row, form, status=422)


def _page(request: HttpRequest, row: DriftCase, form: AnswerForm, status: int = 200) -> HttpResponse:
    context = {
        "case": row,
        "form": form,
        "steps": list(row.steps.select_related("by").order_by("-id")[:100]),
        "asset": Asset.objects.filter(source=row.source, kind="fly.app", external_id=row.subject).first(),
        "may_answer": may(request.user, P.INVENTORY_KEEP) and row.state != DriftState.MATCHES,
    }
    return render(request, "changes/inventory/case.html", context, status=status)
