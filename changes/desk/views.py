"""Pages of one change. A view finds, calls one action, and shows."""

from collections.abc import Mapping
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.desk.answering import asked_for, back
from changes.desk.change_page import change_page
from changes.desk.change_paper import change_pdf
from changes.desk.forms import SignOffForm
from changes.desk.moves import moves_for, ways_for
from changes.proposals import actions
from changes.proposals.models import Change
from portal.access.freshness import is_fresh
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import for_auditor
from portal.access.signed_in import person_of
from portal.ui.clock import time_of
from portal.ui.text import revealed


def change_context(request: HttpRequest, change: Change, *, bound: Mapping[str, Form] | None = None, **more: Any) -> dict[str, Any]:
    """What the page of a change is drawn with. ``bound`` are forms of panels whose post was not accepted."""
    reader = person_of(request)
    page = change_page(change=change, reader=reader, at=time_of(request), auditor=for_auditor(request), bound=bound)
    return {
        "page": page,
        "change": change,
        "name": f"{change} {revealed(change.title)}",
        "topic": f"change-{change.number}",
        "link": request.build_absolute_uri(reverse("change", args=[change.number])),
        **{f"{part}_url": reverse("change-part", args=[change.number, part]) for part in ("gates", "linked", "timeline")},
        "met_words": f"{len(page.met)} met",
        "later_words": f"{len(page.later)} after the approval",
        "rest_words": f"{len(page.rest)} not needed or not connected",
        "fresh": is_fresh(request),
        "sign_off_form": SignOffForm(),
        "may_sign_off": may(reader, P.CHANGE_SIGN_OFF),
        "ways": ways_for(change=change, reader=reader),
        "moves": moves_for(change=change, reader=reader),
        **more,
    }


@requires(P.CHANGE_SEE)
@require_GET
def change(request: HttpRequest, number: int) -> HttpResponse:
    """The record of one change."""
    return render(request, "changes/desk/change.html", change_context(request, asked_for(request, number)))


@requires(P.CHANGE_SEE)
@require_GET
def change_paper(request: HttpRequest, number: int) -> HttpResponse:
    """The same record as PDF: the same bytes for the same state of it."""
    found = asked_for(request, number)
    shown = change_page(change=found, reader=person_of(request), at=time_of(request), auditor=for_auditor(request))
    headers = {"Content-Disposition": f'attachment; filename="confidential-{found}.pdf"'}
    return HttpResponse(change_pdf(shown), content_type="application/pdf", headers=headers)


@requires(P.CHANGE_SEE)
@require_GET
def change_by_name(request: HttpRequest, number: int) -> HttpResponse:
    """Where an address with the whole name leads, as somebody types it."""
    return redirect("change", number=number)


@requires(P.CHANGE_SEE)
@require_GET
def change_part(request: HttpRequest, number: int, part: str) -> HttpResponse:
    """One region of the page, fetched when the doorbell rings: gates, linked, timeline."""
    return render(request, f"changes/desk/change_{part}.html", change_context(request, asked_for(request, number)))


@requires(P.CHANGE_SIGN_OFF)
@require_POST
def sign_off(request: HttpRequest, number: int) -> HttpResponse:
    """The tester's word for staging."""
    found = asked_for(request, number)
    form = SignOffForm(request.POST)
    if not form.is_valid():
        context = change_context(request, found, sign_off_form=form, problem=True)
        return render(request, "changes/desk/change.html", context, status=422)
    actions.sign_off(
        change=found,
        commit_sha=form.cleaned_data["commit"],
        by=person_of(request),
        note=form.cleaned_data["note"],
        at=now(),
    )
    return back(request, found, "Signed off in staging.")


@requires(P.CHANGE_PROPOSE)
@require_POST
def press(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Propose, withdraw, reopen or close: the moves that a person presses."""
    found = asked_for(request, number)
    actions.press(change=found, verb=verb, by=person_of(request), at=now())
    return back(request, found, f"{found} is {found.get_state_display().lower()} now.")
