"""The proposal form: new and edited."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from changes.proposals import queries, submitting
from changes.proposals.actions import TEXT_FIELDS
from changes.proposals.forms import ProposalForm
from changes.proposals.listing import visible
from changes.proposals.models import Change
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.ui.markdown import render as render_markdown

HEADS = {"submit": "Submit for review", "draft": "Save as draft"}


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest) -> HttpResponse:
    """A new proposal: saved as a draft, or put up for review."""
    if request.method == "GET":
        return render(request, "changes/proposals/form.html", {"form": ProposalForm()})
    submit = request.POST.get("step") != "draft"
    form = ProposalForm(request.POST, submit=submit)
    if not form.is_valid():
        return render(request, "changes/proposals/form.html", {"form": form}, status=422)
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
        return render(request, "changes/proposals/form.html", {**context, "form": ProposalForm(initial=initial)})
    form = ProposalForm(request.POST, submit=change.state != "draft")
    if not form.is_valid():
        return render(request, "changes/proposals/form.html", {**context, "form": form}, status=422)
    if request.POST.get("revision") != str(present.number):
        form.add_error(
            None, f"Somebody saved revision {present.number} meanwhile. Your text is kept below; compare, then save again."
        )
        return render(request, "changes/proposals/form.html", {**context, "form": form, "theirs": present}, status=409)
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
    """Markdown as it will be shown."""
    texts = [request.POST.get(name, "") for name in ("why", "what", "tested", "rollback")]
    return HttpResponse(render_markdown("\n\n".join(text[:50_000] for text in texts if text.strip()) or "Nothing to preview yet."))
