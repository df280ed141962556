"""The proposal form: new and edited."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from changes.proposals import queries, submitting
from changes.proposals.forms import ProposalForm
from changes.proposals.listing import visible
from changes.proposals.models import Change
from changes.proposals.sections import TEXT_FIELDS
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of

PREVIEWED = 50_000
"""Characters of each text that are drawn while somebody types."""


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """A new proposal: saved as a draft, or put up for review."""
    if request.method == "GET":
        return _form(request, ProposalForm())
    if request.POST.get("step") == "preview":
        return _form(request, _as_it_was_sent(request))
    submit = request.POST.get("step") != "draft"
    form = ProposalForm(request.POST, submit=submit)
    if not form.is_valid():
        return _form(request, form, status=422)
    change = submitting.submit(given=form.cleaned_data, by=person_of(request), ready=submit, at=now())
    messages.success(request, f"{change} is {'up for review' if submit else 'saved as a draft'}.")
    return redirect("change", number=change.number)


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, number: int) -> HttpResponse:
    """A new revision. Standing approvals lapse, visibly; two people editing at once get told (409)."""
    change = _own(request, number)
    present = queries.current_revision(change)
    context: dict[str, Any] = {"change": change, "revision": present}
    if request.method == "GET":
        initial = {name: getattr(present, name) for name in TEXT_FIELDS} | {"category": change.category, "size": change.size}
        return _form(request, ProposalForm(initial=initial), **context)
    if request.POST.get("step") == "preview":
        return _form(request, _as_it_was_sent(request), seen=request.POST.get("revision"), **context)
    form = ProposalForm(request.POST, submit=change.state != "draft")
    if not form.is_valid():
        return _form(request, form, status=422, seen=request.POST.get("revision"), **context)
    if request.POST.get("revision") != str(present.number):
        form.add_error(
            None, f"Somebody saved revision {present.number} meanwhile. Your text is kept below; compare, then save again."
        )
        return _form(request, form, status=409, theirs=present, **context)
    submitting.resubmit(change=change, given=form.cleaned_data, by=person_of(request), at=now())
    messages.success(request, "Saved as a new revision.")
    return redirect("change", number=change.number)


def _own(request: HttpRequest, number: int) -> Change:
    change = visible(number=number, scope=scope_for(request))
    if change is None:
        raise Http404(f"There is no CHG-{number}.")
    return change


@requires(P.CHANGE_PROPOSE)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The texts as they will be shown, while somebody types. Without script the form shows them itself."""
    return render(request, "changes/proposals/preview.html", _previewed(request.POST))


def _previewed(given: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: str(given.get(name) or "")[:PREVIEWED] for name in TEXT_FIELDS if name != "title"}
    return {"texts": texts, "empty": not any(map(str.strip, texts.values()))}


def _form(request: HttpRequest, form: ProposalForm, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page with the form, its preview showing what the form holds."""
    given = request.POST if request.method == "POST" else form.initial
    return render(request, "changes/proposals/form.html", {"form": form, **_previewed(given), **more}, status=status)


def _as_it_was_sent(request: HttpRequest) -> ProposalForm:
    """The form with what was typed and without looking for mistakes: somebody only wanted to see the preview."""
    return ProposalForm(initial=request.POST.dict())
