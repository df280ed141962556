"""The proposal form: new and edited, with its preview, its way, its templates and its drafts."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from changes.desk.answering import asked_for
from changes.desk.proposing.form_page import (
    Place,
    form_anew,
    form_as_typed,
    meanwhile,
    opened_form,
    place_of,
    previewed,
    route_for,
    show,
)
from changes.desk.proposing.history import ended_by
from changes.gates.actions import reassess
from changes.proposals import submitting
from changes.proposals.drafts import NEW
from changes.proposals.forms import ProposalForm, typed
from changes.proposals.lifecycle import State
from changes.proposals.models import Change, Revision
from changes.proposals.sections import SECTIONS, texts_in
from changes.proposals.templates_of_kinds import TEMPLATES, fill
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.policy.refusal import Refused
from portal.ui.answers import go
from portal.ui.clock import time_of

LOOKS = frozenset({"preview", "route"})
"""Steps that only show what stands in the form."""
FILLS = {"template": {}, "template_over": {"over": True}, "template_below": {"below": True}}
"""Steps that apply the template of the chosen kind, and how."""


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """A new proposal: saved as a draft, or put up for review."""
    place = place_of(None)
    shown = _only_shown(request, place)
    if shown is not None:
        return shown
    submit = request.POST.get("step") != "draft"
    form = ProposalForm(request.POST, submit=submit)
    if not form.is_valid():
        return show(request, place, form, status=422)
    try:
        change = submitting.submit(
            given=form.cleaned_data,
            by=person_of(request),
            ready=submit,
            at=time_of(request),
            form_key=form.cleaned_data["form_key"],
        )
    except submitting.SentBefore as before:
        words = f"{before} Your text is kept below. Send it again for a second change, or edit {before.revision.change} instead."
        return show(
            request, place, form_anew(request, place, submit=submit, problem=words), status=409, sent=before.revision.change
        )
    except Refused as problem:
        return _refused(request, place, form, problem)
    return _done(request, change, f"{change} is {'up for review' if submit else 'saved as a draft'}.")


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, number: int) -> HttpResponse:
    """A new revision. Two people editing at once get told (409) what the other changed, and lose nothing."""
    change = asked_for(request, number)
    submitting.check_editor(change=change, by=person_of(request), at=time_of(request))
    place = place_of(change)
    shown = _only_shown(request, place, seen=request.POST.get("revision"))
    if shown is not None:
        return shown
    submit = change.state != State.DRAFT
    form = ProposalForm(request.POST, submit=submit, stands=place.stands)
    if not form.is_valid():
        return show(request, place, form, status=422, seen=request.POST.get("revision"))
    try:
        revision = submitting.resubmit(
            change=change,
            given=form.cleaned_data,
            by=person_of(request),
            at=time_of(request),
            form_key=form.cleaned_data["form_key"],
            seen=_seen(request),
        )
    except submitting.Overtaken as other:
        return _overtaken(request, place, other)
    except submitting.SentBefore as before:
        words = f"{before} Your text is kept below; send it again to save it as well."
        return show(request, place_of(change), form_anew(request, place, submit=submit, problem=words), status=409)
    except Refused as problem:
        return _refused(request, place, form, problem)
    return _done(request, change, _saved(revision))


def _saved(revision: Revision) -> str:
    ended = ended_by(revision)
    words = f"Saved as revision {revision.number}"
    if ended:
        return f"{words}. It ended {ended} approval{'s' if ended > 1 else ''}: {revision.material_reason}"
    return f"{words}." if revision.material else f"{words}. It is immaterial, so approvals stand."


def _only_shown(request: HttpRequest, place: Place, **more: Any) -> HttpResponse | None:
    """The form as it is opened, or drawn again because somebody wants to see something; None when it is to be saved."""
    if request.method == "GET":
        form, found = opened_form(request, place)
        return show(request, place, form, **found)
    step = request.POST.get("step", "")
    if step in LOOKS:
        return show(request, place, form_as_typed(request, place), **more)
    if step in FILLS:
        kind = request.POST.get("kind", "")
        filled = fill(kind, texts_in(typed(request.POST)), **FILLS[step])
        kept = [SECTIONS[name] for name in filled.kept]
        template = TEMPLATES[kind].name if kind in TEMPLATES else ""
        return show(request, place, form_as_typed(request, place, filled.texts), kept=kept, template=template, **more)
    return None


def _seen(request: HttpRequest) -> int:
    """The revision that was being edited; one that nobody ever made when the form does not say."""
    given = request.POST.get("revision", "")
    return number_in(given, below=9, otherwise=0)


def _overtaken(request: HttpRequest, place: Place, other: submitting.Overtaken) -> HttpResponse:
    present, change = other.present, other.present.change
    who = present.by.name if present.by else present.by_login or "Somebody"
    words = f"{who} saved revision {present.number} meanwhile. Your text is kept below; look at what changed, then save again."
    form = form_anew(request, place, submit=change.state != State.DRAFT, problem=words)
    changes = meanwhile(change, _seen(request), present)
    return show(request, Place(change, present), form, status=409, meanwhile=changes)


def _refused(request: HttpRequest, place: Place, form: ProposalForm, problem: Refused) -> HttpResponse:
    """A refusal said at the form, so that what was typed stays."""
    form.add_error(None, f"{problem.words} ({problem.clause})")
    return show(request, place, form, status=422, seen=request.POST.get("revision", ""))


def _done(request: HttpRequest, change: Change, words: str) -> HttpResponse:
    reassess(change=Change.objects.get(pk=change.pk), at=time_of(request))
    messages.success(request, words)
    return go(request, reverse("change", args=[change.number]))


@requires(P.CHANGE_PROPOSE)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The texts as they will be shown, while somebody types. Without script the form shows them itself."""
    return render(request, "changes/proposals/preview.html", previewed(request.POST))


@requires(P.CHANGE_PROPOSE)
@require_POST
def route(request: HttpRequest) -> HttpResponse:
    """What the change will need and why, while somebody types. Without script the form shows it itself."""
    place = place_of(change_about(request, request.POST.get("about", "")))
    return render(request, "changes/proposals/route.html", {"route": route_for(request, place, request.POST)})


def change_about(request: HttpRequest, about: str) -> Change | None:
    """The change that a form is about; None for a new one. 404 when there is none that this person may see."""
    if about == NEW:
        return None
    number = number_in(about, below=16, otherwise=None)
    if number is None:
        raise Http404("The form is about nothing that we know.")
    return asked_for(request, number)


def key_of(text: str) -> UUID | None:
    """The key of a form as it is sent; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
