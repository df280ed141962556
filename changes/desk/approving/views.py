"""Give one's word on a change, take it back, set conditions and say that they are done."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from changes.approvals import actions, queries
from changes.approvals.forms import ApproveForm, ConditionForm, condition_forms, step_form
from changes.approvals.models import ConditionStep
from changes.desk.answering import asked_for, back
from changes.desk.panels.approvals import FORM, condition_key
from changes.desk.views import change_context
from changes.proposals import actions as proposals
from changes.proposals import queries as changes
from changes.proposals.models import Approval, Change
from portal.access.freshness import authenticated_at, is_fresh
from portal.access.guards import requires
from portal.access.models import User
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused

PAGE = "changes/approvals/with_conditions.html"


@requires(P.CHANGE_APPROVE, fresh=True)
@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """A yes or a no for production, from the page of the change."""
    found = asked_for(request, number)
    form = _form(request, found)
    if not form.is_valid():
        context = change_context(request, found, bound={FORM: form}, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    given = _give(request, found, form)
    yes = given.verdict == Approval.Verdict.YES
    return back(request, found, "Approval recorded." if yes else "Your request for changes is recorded.")


def _form(request: HttpRequest, change: Change) -> ApproveForm:
    return ApproveForm(request.POST, standing_in=_standing_in(change, person_of(request)))


def _give(request: HttpRequest, change: Change, form: ApproveForm, rows: list[ConditionForm] | None = None) -> Approval:
    absent = form.cleaned_data["on_behalf_of"]
    conditions = [wanted for row in rows or [] if (wanted := row.wanted()) is not None]
    return actions.give(
        change=change,
        by=person_of(request),
        verdict=form.cleaned_data["verdict"],
        note=form.cleaned_data["note"],
        seen=form.seen,
        authenticated_at=authenticated_at(request),
        at=now(),
        on_behalf_of=User.objects.get(pk=absent) if absent else None,
        conditions=conditions,
    )


@requires(P.CHANGE_APPROVE, fresh=True)
@require_http_methods(["GET", "POST"])
def approve_with_conditions(request: HttpRequest, number: int) -> HttpResponse:
    """The same with what has to be done, by whom and until when."""
    found, at = asked_for(request, number), now()
    people = list(queries.people_who_work(at))
    if request.method == "GET":
        initial = {"digest": changes.current_revision(found).binds, "head": changes.head_for_production(found)}
        form = ApproveForm(initial=initial, standing_in=_standing_in(found, person_of(request)))
        return _page(request, found, form, condition_forms(people))
    form, rows = _form(request, found), condition_forms(people, request.POST)
    whole = [form.is_valid(), *[row.is_valid() for row in rows]]
    if all(whole) and _given(request, found, form, rows):
        return back(request, found, "Approval recorded, with its conditions.")
    return _page(request, found, form, rows, status=422)


def _given(request: HttpRequest, change: Change, form: ApproveForm, rows: list[ConditionForm]) -> bool:
    """Give it; what the policy refuses stands on the form, beside what was typed."""
    try:
        _give(request, change, form, rows)
    except Refused as refusal:
        form.add_error(None, refusal.words)
        return False
    return True


def _standing_in(change: Change, reader: User) -> list[tuple[str, str]]:
    rows = [row for row in queries.in_force(now()) if row.delegate_id == reader.pk]
    people = {actor.person for actor in (*changes.contributors(change), changes.requester_of(change))}
    return [
        (str(row.absent_id), f"On behalf of {row.absent.name}, away until {queries.last_day(row):%-d %B}")
        for row in rows
        if row.absent_id not in people
    ]


def _page(request: HttpRequest, change: Change, form: ApproveForm, rows: list[ConditionForm], *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "change": change,
        "revision": changes.current_revision(change),
        "form": form,
        "rows": [(row, bool(row.is_bound and (row.errors or row["text"].value()))) for row in rows],
        "problems": [problem for each in (*rows, form) for problem in _problems(each)],
        "fresh": is_fresh(request),
    }
    return render(request, PAGE, context, status=status)


def _problems(form: Form) -> list[tuple[str, str]]:
    """Every error of a form with the id of its field; several forms share the one box on top."""
    fields = [(str(bound.id_for_label), str(error)) for bound in form for error in bound.errors]
    return [*(("", str(error)) for error in form.non_field_errors()), *fields]


@requires(P.CHANGE_APPROVE)
@require_POST
def withdraw_approval(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Take one's own approval back."""
    found = asked_for(request, number)
    proposals.withdraw_approval(approval=get_object_or_404(found.approvals, pk=pk), by=person_of(request), at=now())
    return back(request, found, "Your approval is withdrawn; it stays on record.")


@requires(P.CHANGE_COMMENT)
@require_POST
def step_condition(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Its owner says that a condition is done; who set it agrees or sends it back."""
    found = asked_for(request, number)
    condition = get_object_or_404(found.conditions, pk=pk)
    form = step_form(pk, request.POST)
    if not form.is_valid():
        context = change_context(request, found, bound={condition_key(pk): form}, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    kind, note = form.cleaned_data["kind"], form.cleaned_data["note"]
    if kind == ConditionStep.Kind.FULFILLED:
        actions.fulfil(condition=condition, note=note, by=person_of(request), at=now())
    else:
        actions.confirm(condition=condition, kind=kind, note=note, by=person_of(request), at=now())
    words = {"fulfilled": "The condition is done.", "confirmed": "Confirmed.", "sent_back": "Sent back to its owner."}
    return back(request, found, words[kind])
