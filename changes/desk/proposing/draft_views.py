"""Drafts: what is typed is kept by itself, said in words, and thrown away when its author says so."""

from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from changes.desk.proposing.views import change_about, key_of
from changes.proposals.drafts import NEW, NotKept, drop_draft, put_draft_away, save_draft, take_draft_back
from changes.proposals.forms import typed
from changes.proposals.sections import texts_in
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.answers import go
from portal.ui.clock import time_of

STATE = "changes/proposals/draft_state.html"


@requires(P.CHANGE_PROPOSE)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep what stands in the form, and say so. A draft that is not kept is said too; nothing on the page is lost."""
    about, key = request.POST.get("about", ""), key_of(request.POST.get("form_key", ""))
    change_about(request, about)
    if key is None:
        return _not_kept(request, "the form has no key. Reload the page; what you typed can be copied from here first.")
    fields = typed(request.POST)
    person, at = person_of(request), time_of(request)
    if not any(text.strip() for text in texts_in(fields).values()):
        drop_draft(person=person, form_key=key)
        return render(request, STATE, {})
    try:
        draft = save_draft(
            person=person, about=about, form_key=key, fields={**fields, "revision": request.POST.get("revision", "")[:9]}, at=at
        )
    except NotKept as problem:
        return _not_kept(request, str(problem))
    return render(request, STATE, {"saved": draft.saved_at.astimezone(ZoneInfo(person.time_zone))})


def _not_kept(request: HttpRequest, why: str) -> HttpResponse:
    response = render(request, STATE, {"why": why}, status=422)
    response.headers["HX-Retarget"] = "#draft-state"
    return response


@requires(P.CHANGE_PROPOSE)
@require_POST
def drop(request: HttpRequest, key: UUID) -> HttpResponse:
    """Throw a draft of one's own away. Its form offers for a day to take it back."""
    draft = put_draft_away(person=person_of(request), form_key=key, at=time_of(request))
    messages.success(request, "The draft is dropped.")
    return go(request, _form(draft.about if draft else NEW))


@requires(P.CHANGE_PROPOSE)
@require_POST
def take_back(request: HttpRequest) -> HttpResponse:
    """The last draft that one dropped about this, as it was; its form goes on with it."""
    about = request.POST.get("about", "")
    change_about(request, about)
    try:
        draft = take_draft_back(person=person_of(request), about=about, at=time_of(request))
    except NotKept as problem:
        messages.error(request, f"The draft is not back: {problem}")
        return go(request, _form(about))
    if draft is None:
        messages.info(request, "There is no dropped draft any more.")
        return go(request, _form(about))
    messages.success(request, "The draft is back.")
    return go(request, f"{_form(about)}?draft={draft.form_key}")


def _form(about: str) -> str:
    return reverse("propose") if about == NEW else reverse("edit-proposal", args=[int(about)])
