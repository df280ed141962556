"""What the chair does with a meeting as a whole: moves it, cancels it, gives a reason; and the file for calendar programs."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from changes.desk.meetings.forms import CancelForm, MoveForm, ReasonForm, refused_as
from changes.desk.meetings.meeting_page import back, meeting_page
from changes.desk.meetings.shapes import asked_meeting
from changes.exceptions import missed
from changes.meetings import actions
from changes.meetings.invitation import PUBLISH, invitation
from changes.meetings.roster import roster_at
from changes.talk.inviting import called_of
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.ui.clock import time_of


@requires(P.MEETING_LEAD)
@require_POST
def move(request: HttpRequest, number: int) -> HttpResponse:
    """Hold the meeting at another moment."""
    row = asked_meeting(request, number)
    form = MoveForm(request.POST, zone=row.series.zone)
    if form.is_valid() and form.moment is not None:
        given = {name: form.cleaned_data[name] for name in ("reason", "version")}
        try:
            actions.move(meeting=row, planned_at=form.moment, by=person_of(request), at=time_of(request), **given)
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            return back(request, number, "The meeting is moved. Invitations follow within minutes.")
    return meeting_page(request, row, bound={"move": form})


@requires(P.MEETING_LEAD)
@require_POST
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    """Hold the meeting not at all."""
    row, form = asked_meeting(request, number), CancelForm(request.POST)
    if not form.is_valid():
        return meeting_page(request, row, bound={"cancel": form})
    given = {name: form.cleaned_data[name] for name in ("reason", "version")}
    actions.cancel(meeting=row, by=person_of(request), at=time_of(request), **given)
    return back(request, number, "The meeting is cancelled. Its points go on to the next one.")


@requires(P.MEETING_LEAD)
@require_POST
def give_reason(request: HttpRequest, number: int) -> HttpResponse:
    """Say why it was missed, or held without quorum."""
    row, form = asked_meeting(request, number), ReasonForm(request.POST)
    if not form.is_valid():
        return meeting_page(request, row, bound={"reason": form})
    missed.explain(meeting=row, reason=form.cleaned_data["reason"], by=person_of(request), at=time_of(request))
    return back(request, number, "The reason is recorded. Somebody else who oversees changes judges it.")


@requires(P.MEETING_SEE)
@require_GET
def calendar_file(request: HttpRequest, number: int) -> HttpResponse:
    """The meeting as a file for a calendar program."""
    row = asked_meeting(request, number)
    called = called_of(row, roster_at(row.series, at=time_of(request)))
    response = HttpResponse(invitation(called=called, method=PUBLISH), content_type="text/calendar; charset=utf-8")
    host = urlsplit(settings.BASE_URL).hostname or "countersign"
    response.headers["Content-Disposition"] = f'attachment; filename="meeting-{row.number}-{host}.ics"'
    return response
