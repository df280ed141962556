"""Findings of an audit: the list with the form to open one, and one finding with its steps."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.links import shown_links
from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_for
from audits.engagements.taking_part import check_sees, people_to_ask
from audits.findings import actions, queries
from audits.findings.forms import FindingForm, RetestForm, StepForm
from audits.findings.lifecycle import Move, State, moves_from
from audits.findings.models import Finding
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.answers import done, status_of
from portal.ui.clock import time_of

SAID = {
    Move.RESPOND: "The response stands.",
    Move.CORRECT: "Recorded. Somebody else retests it.",
    Move.HOLDS: "Recorded: the retest passed.",
    Move.FAILS: "Recorded: the retest failed, and the finding is open again.",
    Move.CLOSE: "Closed.",
    Move.REOPEN: "Open again.",
}


@requires(P.AUDIT_SEE)
@require_safe
def findings(request: HttpRequest, pk: int) -> HttpResponse:
    """All findings of an audit, and the form for a new one."""
    return _list(request, engagement_for(request, pk))


@requires(P.AUDIT_WORK)
@require_POST
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a finding."""
    engagement, at = engagement_for(request, pk), time_of(request)
    form = FindingForm(request.POST, engagement=engagement, people=people_to_ask(at=at), at=at)
    by = person_of(request)
    opened = done(form, lambda: actions.open_finding(engagement=engagement, observation=form.observation(), by=by, at=at))
    if opened is None:
        return _list(request, engagement, form=form)
    messages.success(request, f"Opened. {opened.owner.name} is told.")
    return redirect("audit-finding", pk=pk, number=opened.number)


@requires(P.AUDIT_ANSWER)
@require_safe
def finding(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One finding and its steps."""
    return _one(request, _found(request, pk, number))


@requires(P.AUDIT_ANSWER)
@require_POST
def respond(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """What management says to it, and what will be done."""
    return _move(request, pk, number, Move.RESPOND, StepForm(request.POST))


@requires(P.AUDIT_ANSWER)
@require_POST
def correct(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """What was done about it."""
    return _move(request, pk, number, Move.CORRECT, StepForm(request.POST))


@requires(P.AUDIT_WORK)
@require_POST
def retest(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Whether the correction holds."""
    form = RetestForm(request.POST)
    passed = form.is_valid() and form.cleaned_data["result"] == "pass"
    return _move(request, pk, number, Move.HOLDS if passed else Move.FAILS, form)


@requires(P.AUDIT_WORK)
@require_POST
def close(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """After a retest that passed."""
    return _move(request, pk, number, Move.CLOSE, StepForm(request.POST))


@requires(P.AUDIT_WORK)
@require_POST
def reopen(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """It came back, or the end was too early."""
    return _move(request, pk, number, Move.REOPEN, StepForm(request.POST))


def _found(request: HttpRequest, pk: int, number: int) -> Finding:
    row = queries.finding_at(pk, number)
    check_sees(request, engagement_id=pk, owner_id=row.owner_id)
    return row


def _move(request: HttpRequest, pk: int, number: int, step: Move, form: StepForm) -> HttpResponse:
    row, by, at = _found(request, pk, number), person_of(request), time_of(request)
    if done(form, lambda: actions.move(finding=row, step=step, text=form.cleaned_data["text"], by=by, at=at)) is None:
        return _one(request, row, form=form)
    messages.success(request, SAID[step])
    return redirect("audit-finding", pk=pk, number=number)


def _list(request: HttpRequest, engagement: Engagement, *, form: FindingForm | None = None) -> HttpResponse:
    at, context = time_of(request), frame(request, engagement, tab="audit-findings")
    if context["may_work"] and form is None:
        form = FindingForm(engagement=engagement, people=people_to_ask(at=at), at=at)
    context |= {"findings": queries.findings_of(engagement), "form": form}
    return render(request, "audits/findings/list.html", context, status=status_of(form))


def _one(request: HttpRequest, row: Finding, *, form: StepForm | None = None) -> HttpResponse:
    context, reader = frame(request, row.engagement, tab="audit-findings"), person_of(request)
    _, state = queries.state_of(row)
    steps = set(moves_from(state))
    is_owner = reader.pk == row.owner_id
    tests = may(reader, P.AUDIT_WORK) and not is_owner
    context |= {
        "row": row,
        "state": State(state),
        "steps": queries.steps_of(row),
        "links": shown_links(row.links),
        "form": form or StepForm(),
        "retest_form": form if isinstance(form, RetestForm) else RetestForm(),
        "may_respond": is_owner and Move.RESPOND in steps,
        "may_correct": is_owner and Move.CORRECT in steps,
        "may_retest": tests and Move.HOLDS in steps,
        "may_close": tests and Move.CLOSE in steps,
        "may_reopen": tests and Move.REOPEN in steps,
    }
    return render(request, "audits/findings/one.html", context, status=status_of(form))
