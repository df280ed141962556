"""The register of exceptions: the list, one record, and what people do about it."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.exceptions import acceptance, actions
from changes.exceptions.forms import AcceptanceForm, AnswerForm, HandOverForm, JudgeForm
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.exceptions.queries import TO_JUDGE, Asked, matching, within
from changes.exceptions.record_page import record_context
from portal.access.guards import requires
from portal.access.may import holders_of
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.policy.clocks import end_of
from portal.ui.paging import page_of

PAGE = 50
STATES = [
    ("", "Open"),
    (TO_JUDGE, "Answered, to be judged"),
    *[(value, label) for value, label in ExceptionState.choices if value != "open"],
    ("all", "All"),
]


@requires(P.EXCEPTION_SEE)
@require_GET
def exceptions(request: HttpRequest) -> HttpResponse:
    """The register, newest first; open ones unless another state is asked for."""
    given = {name: request.GET.get(name, "") for name in ("state", "kind", "repository", "mine", "each")}
    asked = Asked(
        state=given["state"],
        kind=given["kind"],
        repository=given["repository"],
        owner=person_of(request).pk if given["mine"] else None,
        each=bool(given["each"]),
    )
    page = page_of(
        matching(scope=scope_for(request), asked=asked),
        by="found_at",
        size=PAGE,
        older_than=request.GET.get("older", ""),
        newer_than=request.GET.get("newer", ""),
    )
    kept = {name: value for name, value in given.items() if value}
    context = {
        "rows": page.rows,
        "kinds": {code: kind.label for code, kind in KINDS.items()},
        "asked": given,
        "states": STATES,
        "kind_options": [("", "Any kind"), *[(code, kind.label) for code, kind in KINDS.items()]],
        "owner_options": [("", "Any owner"), ("1", "Mine")],
        "fold_options": [("", "Folded"), ("1", "Each by itself")],
        "filtered": bool(kept),
        "older": f"?{urlencode({**kept, 'older': page.older})}" if page.older else "",
        "newer": f"?{urlencode({**kept, 'newer': page.newer})}" if page.newer else "",
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/exceptions/list.html{part}", context)


@requires(P.EXCEPTION_SEE)
@require_GET
def exception(request: HttpRequest, pk: int) -> HttpResponse:
    """One exception with its evidence, its repetitions and its steps."""
    return _page(request, _found(request, pk))


@requires(P.EXCEPTION_EXPLAIN)
@require_POST
def answer_exception(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an explanation or a repair, for the record or for its repetitions as well."""
    record, form = _found(request, pk), AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, record, answer=form)
    given = form.cleaned_data
    wanted = {"record": record, "outcome": given["outcome"], "note": given["note"], "by": person_of(request), "at": now()}
    if given["with_folded"]:
        number = actions.answer_all(**wanted)
        return _back(request, pk, "Recorded." if number == 1 else f"Recorded for all {number}.")
    actions.answer(**wanted)
    return _back(request, pk, "Recorded.")


@requires(P.CHANGE_CLASSIFY)
@require_POST
def judge_exception(request: HttpRequest, pk: int) -> HttpResponse:
    """Agree with an answer."""
    record, form = _found(request, pk), JudgeForm(request.POST)
    if not form.is_valid():
        return _page(request, record, judge=form)
    act = actions.judge_all if form.cleaned_data["with_folded"] else actions.judge
    act(record=record, note=form.cleaned_data["note"], by=person_of(request), at=now())
    return _back(request, pk, "Your agreement is recorded.")


@requires(P.EXCEPTION_EXPLAIN)
@require_POST
def hand_over_exception(request: HttpRequest, pk: int) -> HttpResponse:
    """Make somebody else the owner."""
    record = _found(request, pk)
    form = HandOverForm(request.POST, people=list(holders_of(P.EXCEPTION_EXPLAIN, at=now())))
    if not form.is_valid():
        return _page(request, record, hand_over=form)
    to = form.people[form.cleaned_data["to"]]
    actions.hand_over(record=record, to=to, by=person_of(request), note=form.cleaned_data["note"], at=now())
    return _back(request, pk, f"{to.name} answers for it now.")


@requires(P.WAIVER_PROPOSE, fresh=True)
@require_POST
def propose_acceptance(request: HttpRequest, pk: int) -> HttpResponse:
    """First half of living with it until a date."""
    record, form = _found(request, pk), AcceptanceForm(request.POST)
    if not form.is_valid():
        return _page(request, record, acceptance=form)
    given = form.cleaned_data
    acceptance.propose(record=record, until=end_of(given["until"]), reason=given["reason"], by=person_of(request), at=now())
    return _back(request, pk, "Proposed. The chair or compliance confirms it within 72 hours.")


@requires(P.EXCEPTION_ACCEPT, fresh=True)
@require_POST
def confirm_acceptance(request: HttpRequest, pk: int, acceptance_pk: int) -> HttpResponse:
    """Second half."""
    record = _found(request, pk)
    waiting = get_object_or_404(record.acceptances, pk=acceptance_pk)
    acceptance.confirm(acceptance=waiting, digest=request.POST.get("digest", ""), by=person_of(request), at=now())
    return _back(request, pk, "Accepted until that day; it opens again by itself.")


@requires(P.WAIVER_PROPOSE)
@require_POST
def withdraw_acceptance(request: HttpRequest, pk: int, acceptance_pk: int) -> HttpResponse:
    """Take a proposal back, or refuse it."""
    record = _found(request, pk)
    waiting = get_object_or_404(record.acceptances, pk=acceptance_pk)
    acceptance.withdraw(acceptance=waiting, by=person_of(request), at=now())
    return _back(request, pk, "The proposal is withdrawn; it stays on record.")


def _found(request: HttpRequest, pk: int) -> ExceptionRecord:
    record = within(scope_for(request)).filter(pk=pk).first()
    if record is None:
        raise Http404(f"There is no exception {pk}, or it is outside of what you may see.")
    return record


def _page(request: HttpRequest, record: ExceptionRecord, **bound: forms.Form) -> HttpResponse:
    context: dict[str, Any] = record_context(
        record=record, reader=person_of(request), scope=scope_for(request), at=now(), bound=bound
    )
    return render(request, "changes/exceptions/one.html", context, status=422 if bound else 200)


def _back(request: HttpRequest, pk: int, words: str) -> HttpResponse:
    messages.success(request, words)
    return redirect("exception", pk=pk)
