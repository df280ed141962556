"""The register of exceptions."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.exceptions.actions import ANSWERS, answer
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.exceptions.queries import matching
from changes.exceptions.showing import lines_of
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.policy.clauses import Clause
from portal.ui.paging import page_of
from portal.ui.text import revealed

PAGE = 50
STATES = [("", "Open"), *[(value, label) for value, label in ExceptionState.choices if value != "open"], ("all", "All")]


class AnswerForm(forms.Form):
    """What happened, and whether it is explained or repaired."""

    outcome = forms.ChoiceField(choices=ExceptionState.choices, widget=forms.HiddenInput)
    note = forms.CharField(
        label="What happened, and what was done",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write in a sentence or two what happened"},
    )


@requires(P.EXCEPTION_SEE)
@require_GET
def exceptions(request: HttpRequest) -> HttpResponse:
    """The register, newest first; open ones unless another state is asked for."""
    asked = {name: request.GET.get(name, "") for name in ("state", "kind")}
    page = page_of(
        matching(scope=scope_for(request), **asked),
        by="found_at",
        size=PAGE,
        older_than=request.GET.get("older", ""),
        newer_than=request.GET.get("newer", ""),
    )
    kept = {name: value for name, value in asked.items() if value}
    context = {
        "rows": page.rows,
        "kinds": {code: kind.label for code, kind in KINDS.items()},
        "asked": asked,
        "states": STATES,
        "kind_options": [("", "Any kind"), *[(code, kind.label) for code, kind in KINDS.items()]],
        "older": f"?{urlencode({**kept, 'older': page.older})}" if page.older else "",
        "newer": f"?{urlencode({**kept, 'newer': page.newer})}" if page.newer else "",
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/exceptions/list.html{part}", context)


@requires(P.EXCEPTION_SEE)
@require_GET
def exception(request: HttpRequest, pk: int) -> HttpResponse:
    """One exception with its evidence and its steps."""
    return render(request, "changes/exceptions/one.html", _context(request, pk, AnswerForm()))


@requires(P.EXCEPTION_EXPLAIN)
@require_POST
def answer_exception(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an explanation or a repair."""
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return render(request, "changes/exceptions/one.html", _context(request, pk, form), status=422)
    context = _context(request, pk, form)
    answer(record=context["record"], by=person_of(request), at=now(), **form.cleaned_data)
    messages.success(request, "Recorded.")
    return redirect("exception", pk=pk)


def _context(request: HttpRequest, pk: int, form: AnswerForm) -> dict[str, Any]:
    rows = matching(state="all", kind="", scope=scope_for(request))
    record: ExceptionRecord = get_object_or_404(rows, pk=pk)
    outcomes = ANSWERS.get(ExceptionState(record.state), ())
    words = {"explained": "Record the explanation", "repaired": "Record the repair", "open": "Open it again"}
    return {
        "record": record,
        "name": f"Exception {record.pk}: {revealed(record.sentence)}",
        "kind": KINDS[record.kind],
        "clause": Clause(record.clause),
        "steps": record.steps.select_related("by").order_by("at", "id"),
        "evidence": lines_of(record.evidence),
        "form": form,
        "buttons": [(outcome.value, words[outcome.value]) for outcome in outcomes]
        if may(request.user, P.EXCEPTION_EXPLAIN)
        else [],
    }
