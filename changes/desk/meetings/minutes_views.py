"""The minutes of a meeting: drawn up at its end, corrected by those who were there, signed by who led it, printed and checked."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from changes.desk.meetings.forms import refused_as
from changes.desk.meetings.live_forms import CorrectionForm
from changes.desk.meetings.shapes import asked_meeting, reader_of, veiled
from changes.meetings import minutes as signing
from changes.meetings.models import Meeting, Minutes
from changes.meetings.queries import agenda_of
from portal.access.freshness import is_fresh
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.ledger.canonical import digest_of_text
from portal.policy.refusal import Refused
from portal.ui.answers import page
from portal.ui.clock import time_of

PAGE = "changes/meetings/minutes.html"


@requires(P.MEETING_SEE)
@require_GET
def minutes(request: HttpRequest, number: int) -> HttpResponse:
    """The draft until it is signed, then the signed text with what was corrected after."""
    return _page(request, _ended(request, number), CorrectionForm())


@requires(P.MEETING_LEAD, fresh=True)
@require_POST
def sign_minutes(request: HttpRequest, number: int) -> HttpResponse:
    """Sign exactly the text that was read, by its digest."""
    row = _ended(request, number)
    signing.sign(meeting=row, digest=request.POST.get("digest", ""), by=person_of(request), at=time_of(request))
    messages.success(request, "The minutes are signed, and go to everybody with a seat.")
    return redirect("minutes", number=number)


@requires(P.MEETING_SEE)
@require_POST
def correct_minutes(request: HttpRequest, number: int) -> HttpResponse:
    """Say what is wrong in them."""
    row, form = _ended(request, number), CorrectionForm(request.POST)
    if form.is_valid():
        try:
            signing.correct(meeting=row, text=form.cleaned_data["text"], by=person_of(request), at=time_of(request))
        except Refused as refusal:
            refused_as(form, refusal)
        else:
            messages.success(request, "Your correction stands in the minutes.")
            return redirect("minutes", number=number)
    return _page(request, row, form, status=422)


def _ended(request: HttpRequest, number: int) -> Meeting:
    row = asked_meeting(request, number)
    if row.state != Meeting.State.ENDED:
        raise Http404("Minutes are there once the meeting has ended.")
    return row


def _page(request: HttpRequest, row: Meeting, form: CorrectionForm, *, status: int = 200) -> HttpResponse:
    signed = Minutes.objects.filter(meeting=row).select_related("signed_by").first()
    reader = reader_of(request)
    text = signed.text if signed is not None else signing.draft(row)
    after = row.corrections.filter(at__gt=signed.signed_at).select_related("by").order_by("id") if signed is not None else ()
    context = {
        "meeting": row,
        "signed": signed,
        "hidden": bool(veiled(agenda_of(meeting=row, reader=None, at=time_of(request)), scope_for(request))),
        "text": text,
        "digest": signed.digest if signed is not None else digest_of_text(text),
        "after": list(after),
        "form": form if form.is_bound or (reader is not None and row.attendances.filter(person=reader).exists()) else None,
        "signs": signed is None and reader is not None and row.chair_id == reader.pk,
        "fresh": is_fresh(request),
        "problem": status != 200,
    }
    return page(request, PAGE, context, status=status)
