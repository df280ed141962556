"""Requests of an audit: the list with the form to ask, and one thread."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.links import shown_links
from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_for
from audits.engagements.taking_part import check_sees, is_auditor, people_to_ask
from audits.requests import actions, queries
from audits.requests.forms import AskForm, CloseForm, MessageForm
from audits.requests.lifecycle import Move
from audits.requests.models import Request
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.answers import done, status_of
from portal.ui.clock import time_of

SAID = {
    Move.WRITE: "Written.",
    Move.ANSWER: "Answered. Whoever asked is told.",
    Move.CLOSE: "Closed.",
    Move.REOPEN: "Open again.",
}


@requires(P.AUDIT_SEE)
@require_safe
def requests(request: HttpRequest, pk: int) -> HttpResponse:
    """All requests of an audit, and the form for a new one."""
    return _list(request, engagement_for(request, pk))


@requires(P.AUDIT_WORK)
@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask somebody who works here."""
    engagement, at = engagement_for(request, pk), time_of(request)
    form = AskForm(request.POST, people=people_to_ask(at=at), at=at)
    by = person_of(request)
    asked = done(form, lambda: actions.ask(engagement=engagement, question=form.question(), by=by, at=at))
    if asked is None:
        return _list(request, engagement, form=form)
    messages.success(request, f"Asked. {asked.owner.name} is told.")
    return redirect("audit-request", pk=pk, number=asked.number)


@requires(P.AUDIT_ANSWER)
@require_safe
def thread(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One request with all that was said."""
    return _thread(request, _found(request, pk, number))


@requires(P.AUDIT_ANSWER)
@require_POST
def write(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Write without answering or closing."""
    return _move(request, pk, number, Move.WRITE, MessageForm(request.POST))


@requires(P.AUDIT_ANSWER)
@require_POST
def answer(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The owner's answer."""
    return _move(request, pk, number, Move.ANSWER, MessageForm(request.POST))


@requires(P.AUDIT_WORK)
@require_POST
def close(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Those who asked are content, or need it no more."""
    return _move(request, pk, number, Move.CLOSE, CloseForm(request.POST))


@requires(P.AUDIT_WORK)
@require_POST
def reopen(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Those who asked are not content after all."""
    return _move(request, pk, number, Move.REOPEN, MessageForm(request.POST))


def _found(request: HttpRequest, pk: int, number: int) -> Request:
    row = queries.request_at(pk, number)
    check_sees(request, engagement_id=pk, owner_id=row.owner_id)
    return row


def _move(request: HttpRequest, pk: int, number: int, move: Move, form: MessageForm | CloseForm) -> HttpResponse:
    row, by, at = _found(request, pk, number), person_of(request), time_of(request)
    if done(form, lambda: actions.write(request=row, move=move, text=form.cleaned_data["text"], by=by, at=at)) is None:
        return _thread(request, row, form=form)
    messages.success(request, SAID[move])
    return redirect("audit-request", pk=pk, number=number)


def _list(request: HttpRequest, engagement: Engagement, *, form: AskForm | None = None) -> HttpResponse:
    at, context = time_of(request), frame(request, engagement, tab="audit-requests")
    if context["may_work"] and form is None:
        form = AskForm(people=people_to_ask(at=at), at=at)
    context |= {"requests": queries.requests_of(engagement), "form": form}
    return render(request, "audits/requests/list.html", context, status=status_of(form))


def _thread(request: HttpRequest, row: Request, *, form: forms.Form | None = None) -> HttpResponse:
    context = frame(request, row.engagement, tab="audit-requests")
    reader, is_owner = person_of(request), request.user.pk == row.owner_id
    own = context["may_work"] and context["auditor_reads"] == is_auditor(row.asked_by, at=row.asked_at)
    context |= {
        "row": row,
        "links": shown_links(row.links),
        "thread": queries.messages_of(row),
        "form": form or MessageForm(),
        "may_answer": context["is_open"] and (is_owner or (may(reader, P.AUDIT_WORK) and not context["auditor_reads"])),
        "may_write": context["may_work"] or (is_owner and context["is_open"]),
        "may_close": own,
    }
    return render(request, "audits/requests/thread.html", context, status=status_of(form))
