"""One meeting before it begins: its agenda, what each has read, what people put on it and the chair does with it."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.desk.meetings.forms import PlanPointForm, PointForm, ReasonForm, refused_as
from changes.desk.meetings.meeting_page import PAGE, agenda_context, back, meeting_page
from changes.desk.meetings.shapes import asked_meeting, reader_of
from changes.meetings import agenda
from changes.meetings.models import AgendaItem, Meeting
from changes.meetings.syncing import keep_in_step, next_meeting
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.policy.refusal import Refused, Stale
from portal.ui.answers import page, wants_piece
from portal.ui.clock import time_of

State = Meeting.State


@requires(P.MEETING_SEE)
@require_GET
def meeting(request: HttpRequest, number: int) -> HttpResponse:
    """The agenda before, and what came of it after. A look keeps the next agenda in step."""
    return meeting_page(request, _looked_at(request, number))


def _looked_at(request: HttpRequest, number: int) -> Meeting:
    row = asked_meeting(request, number)
    if reader_of(request) is not None and row.state == State.PLANNED and row == next_meeting(at=time_of(request)):
        keep_in_step(meeting=row, at=time_of(request))
    return row


@requires(P.MEETING_SEE)
@require_GET
def agenda_part(request: HttpRequest, number: int) -> HttpResponse:
    """The agenda alone, fetched when the doorbell rings."""
    return page(request, f"{PAGE}#agenda", agenda_context(request, _looked_at(request, number)))


@requires(P.AGENDA_PUT)
@require_POST
def put_point(request: HttpRequest, number: int) -> HttpResponse:
    """Put a point last."""
    row, form = asked_meeting(request, number), PointForm(request.POST)
    if form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("title", "note", "minutes")}
        try:
            item = agenda.put_point(meeting=row, key=form.form_key, by=person_of(request), at=time_of(request), **given)
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            messages.success(request, "Your point is on the agenda.")
            return redirect(f"{reverse('meeting', args=[number])}#point-{item.pk}")
    return meeting_page(request, row, bound={"point": form})


@requires(P.AGENDA_PUT)
@require_POST
def act(request: HttpRequest, number: int) -> HttpResponse:
    """What a button in the agenda does: read, unread, up, down; each names its point, as ``up:12``."""
    row = asked_meeting(request, number)
    verb, _, pk = request.POST.get("act", "").partition(":")
    item = get_object_or_404(AgendaItem, pk=number_in(pk, below=10, otherwise=0), meeting=row)
    person, at = person_of(request), time_of(request)
    if verb == "read":
        agenda.mark_read(item=item, by=person, at=at)
    elif verb == "unread":
        agenda.mark_unread(item=item, by=person)
    elif verb in (agenda.UP, agenda.DOWN):
        agenda.shift(item=item, direction=verb, by=person, at=at)
    else:
        raise Stale("This page is not the present one. Load it again.")
    if wants_piece(request):
        return page(request, f"{PAGE}#agenda", agenda_context(request, row))
    return redirect(f"{reverse('meeting', args=[number])}#point-{item.pk}")


@requires(P.AGENDA_PUT)
@require_http_methods(["GET", "POST"])
def point(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """One point: how long it takes, whether it waits folded. For the chair."""
    row = asked_meeting(request, number)
    item = get_object_or_404(AgendaItem.objects.select_related("put_by", "meeting"), pk=pk, meeting=row)
    if request.method == "GET":
        return _point_page(request, item)
    form = PlanPointForm(request.POST)
    if not form.is_valid():
        return _point_page(request, item, plan=form)
    given = form.cleaned_data
    agenda.plan_point(item=item, minutes=given["minutes"], dormant=given["folded"], by=person_of(request), at=time_of(request))
    return back(request, number, "Saved.")


@requires(P.AGENDA_PUT)
@require_POST
def take_off(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Take a point off this agenda, with the reason."""
    row = asked_meeting(request, number)
    item = get_object_or_404(AgendaItem.objects.select_related("put_by", "meeting"), pk=pk, meeting=row)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _point_page(request, item, off=form)
    agenda.take_off(item=item, reason=form.cleaned_data["reason"], by=person_of(request), at=time_of(request))
    return back(request, number, "The point is off this agenda; it stays on record.")


def _point_page(request: HttpRequest, item: AgendaItem, **bound: Form) -> HttpResponse:
    folded = agenda.is_dormant(item, at=time_of(request))
    context = {
        "meeting": item.meeting,
        "item": item,
        "plan": bound.get("plan") or PlanPointForm(initial={"minutes": item.minutes, "folded": folded}),
        "off": bound.get("off") or ReasonForm(),
        "leads": may(request.user, P.MEETING_LEAD),
        "own": item.put_by_id == person_of(request).pk,
        "open": item.state == AgendaItem.State.OPEN and item.meeting is not None and item.meeting.state == State.PLANNED,
        "problem": bool(bound),
    }
    return page(request, "changes/meetings/point.html", context, status=422 if bound else 200)
