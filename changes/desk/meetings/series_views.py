"""All meetings on one page; the series with its cadence, roster and quorum; making, changing and ending it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.desk.meetings.forms import NewSeriesForm, ReasonForm, SeatForm, SeriesForm, present, refused_as
from changes.desk.meetings.shapes import cadence_words, date_words, inside, reader_of
from changes.meetings import series as acts
from changes.meetings.models import Meeting, Seat, Series
from changes.meetings.queries import agenda_of, coming_meetings, past_meetings, standing_series
from changes.meetings.roster import idle_seats, roster_at
from changes.meetings.syncing import keep_in_step, next_meeting
from portal.access.guards import requires
from portal.access.may import holders_of, may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.ui.answers import page
from portal.ui.clock import time_of
from portal.ui.paging import listed

PAST = 25
DATES = 3


@requires(P.MEETING_SEE)
@require_GET
def meetings(request: HttpRequest) -> HttpResponse:
    """The next meeting with its free minutes, those after it, and those that were."""
    at, scope = time_of(request), scope_for(request)
    reader, coming = reader_of(request), next_meeting(at=at)
    if coming is not None and reader is not None:
        keep_in_step(meeting=coming, at=at)
    rows = [_line(row) for row in inside(coming_meetings(at=at), scope)]
    context = {
        **listed(request, inside(past_meetings(), scope), by="planned_at", kept={}, size=PAST),
        "series": standing_series(),
        "coming": rows,
        "unread": len(agenda_of(meeting=coming, reader=reader, at=at).unread) if coming and reader else 0,
        "next": coming,
        "may_lead": may(request.user, P.MEETING_LEAD),
    }
    if context["series"]:
        context |= {"cadence": cadence_words(context["series"]), "chair": roster_at(context["series"], at=at).chair}
    return page(request, "changes/meetings/list.html", context, piece="rows")


def _line(row: Meeting) -> dict[str, Any]:
    load = int(vars(row)["load"])
    free = row.series.minutes - load
    return {"row": row, "when": date_words(row.planned_at, row.series.zone), "load": load, "free": free, "over": -free}


@requires(P.MEETING_SEE)
@require_GET
def series(request: HttpRequest, pk: int) -> HttpResponse:
    """Cadence, roster, quorum, the next three dates."""
    return _page(request, get_object_or_404(Series, pk=pk))


@requires(P.MEETING_LEAD)
@require_http_methods(["GET", "POST"])
def new_series(request: HttpRequest) -> HttpResponse:
    """Make a series; whoever makes it is its chair."""
    at, by = time_of(request), person_of(request)
    people = [person for person in holders_of(P.MEETING_VOTE, at=at) if person != by]
    first = {"zone": by.time_zone or "UTC", "name": "Architecture meeting", "voters": [str(person.pk) for person in people]}
    form = NewSeriesForm(request.POST if request.method == "POST" else None, people=people, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            made = acts.make_series(terms=form.terms(), voters=form.chosen(), by=by, at=at)
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            messages.success(request, "The series stands, and its next six meetings are planned.")
            return redirect("series", pk=made.pk)
    return _form_page(request, form)


@requires(P.MEETING_LEAD)
@require_http_methods(["GET", "POST"])
def change_series(request: HttpRequest, pk: int) -> HttpResponse:
    """Change when and where the series meets."""
    row = get_object_or_404(Series, pk=pk)
    if request.method == "GET":
        return _form_page(request, SeriesForm(initial=present(row)), row=row)
    form = SeriesForm(request.POST)
    if form.is_valid():
        version, by = form.cleaned_data["version"] or 0, person_of(request)
        try:
            moved = acts.change_series(series=row, terms=form.terms(), version=version, by=by, at=time_of(request))
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            messages.success(request, _moved_words(moved))
            return redirect("series", pk=pk)
    return _form_page(request, form, row=row)


def _moved_words(moved: list[Meeting]) -> str:
    if not moved:
        return "Saved. No meeting moved."
    numbers = ", ".join(str(meeting.number) for meeting in moved)
    return f"Saved. {'Meeting' if len(moved) == 1 else 'Meetings'} {numbers} moved; invitations follow within minutes."


def _form_page(request: HttpRequest, form: SeriesForm, *, row: Series | None = None) -> HttpResponse:
    context = {"form": form, "series": row, "problem": bool(form.errors)}
    return page(request, "changes/meetings/series_form.html", context, status=422 if form.errors else 200)


@requires(P.MEETING_LEAD)
@require_POST
def end_series(request: HttpRequest, pk: int) -> HttpResponse:
    """End the series and cancel what is planned."""
    row, form = get_object_or_404(Series, pk=pk), ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, row, bound={"end": form})
    acts.end_series(series=row, reason=form.cleaned_data["reason"], by=person_of(request), at=time_of(request))
    messages.success(request, "The series has ended. What was planned is cancelled; what was held stays on record.")
    return redirect("series", pk=pk)


@requires(P.MEETING_LEAD, fresh=True)
@require_POST
def give_seat(request: HttpRequest, pk: int) -> HttpResponse:
    """Give somebody a part in the series."""
    row, at, by = get_object_or_404(Series, pk=pk), time_of(request), person_of(request)
    form = SeatForm(request.POST, people=list(holders_of(P.MEETING_VOTE, at=at)))
    if form.is_valid():
        person = form.people[form.cleaned_data["person"]]
        try:
            acts.give_seat(series=row, person=person, part=form.cleaned_data["part"], by=by, at=at)
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            messages.success(request, f"{person.name} has a seat.")
            return redirect("series", pk=pk)
    return _page(request, row, bound={"seat": form})


@requires(P.MEETING_LEAD, fresh=True)
@require_POST
def end_seat(request: HttpRequest, pk: int, seat_pk: int) -> HttpResponse:
    """End a seat now."""
    row = get_object_or_404(Series, pk=pk)
    seat = get_object_or_404(Seat.objects.select_related("series", "person"), pk=seat_pk, series=row)
    acts.end_seat(seat=seat, by=person_of(request), at=time_of(request))
    messages.success(request, f"The seat of {seat.person.name} has ended; it stays on record.")
    return redirect("series", pk=pk)


def _page(request: HttpRequest, row: Series, *, bound: dict[str, Form] | None = None) -> HttpResponse:
    at, forms = time_of(request), bound or {}
    edits = may(request.user, P.MEETING_LEAD) and row.ended_at is None
    roster = roster_at(row, at=at)
    dates = Meeting.objects.filter(series=row, state=Meeting.State.PLANNED, planned_at__gt=at).order_by("planned_at")[:DATES]
    former = Seat.objects.filter(series=row, valid_until__lte=at).select_related("person").order_by("-valid_until", "-id")
    context = {
        "series": row,
        "cadence": cadence_words(row),
        "dates": [(meeting, date_words(meeting.planned_at, row.zone)) for meeting in dates],
        "roster": roster,
        "quorum": roster.quorum(()),
        "idle": idle_seats(row, at=at),
        "former": former,
        "edits": edits,
        "seat_form": forms.get("seat") or (SeatForm(people=_without_seat(roster.voters, at)) if edits else None),
        "end_form": forms.get("end") or (ReasonForm() if edits else None),
        "bound": set(forms),
        "problem": bool(forms),
    }
    return page(request, "changes/meetings/series.html", context, status=422 if forms else 200)


def _without_seat(seated: frozenset[int], at: datetime) -> list[User]:
    """Everybody who may sit here; those who have no seat yet stand first."""
    return sorted(holders_of(P.MEETING_VOTE, at=at), key=lambda person: person.pk in seated)
