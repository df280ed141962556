"""How a change went: its review afterwards, its follow-ups, and rolling it back."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from changes.desk.answering import asked_for, back
from changes.outcomes import actions, queries
from changes.outcomes.forms import FollowUpForm, ReviewForm, RollbackForm
from changes.outcomes.models import FollowUp
from changes.proposals.models import Change, ReviewAfter
from changes.proposals.queries import current_revision
from portal.access.guards import requires
from portal.access.may import holders_of
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused

FAILED = "failed"


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def review_after(request: HttpRequest, number: int) -> HttpResponse:
    """One question when all went well; otherwise what was noticed, and what follows."""
    change, at = asked_for(request, number), now()
    people = list(holders_of(P.CHANGE_PROPOSE, at=at))
    if request.method == "GET":
        kinds = dict(ReviewAfter.Kind.choices)
        kind = request.GET.get("kind", "")
        form = ReviewForm(initial={"kind": kind if kind in kinds else ReviewAfter.Kind.POST_IMPLEMENTATION}, people=people)
        return _review_page(request, change, form)
    form = ReviewForm(request.POST, people=people)
    if form.is_valid() and _reviewed(form, change, request, at):
        return back(request, change, "The review is recorded.")
    return _review_page(request, change, form, status=422)


def _reviewed(form: ReviewForm, change: Change, request: HttpRequest, at: datetime) -> bool:
    """Record it; what the policy refuses stands on the form, beside what was typed."""
    given = {name: form.cleaned_data[name] for name in ("kind", "outcome", "impact", "note")}
    try:
        actions.review(change=change, follow_ups=form.wishes(), by=person_of(request), at=at, **given)
    except Refused as refusal:
        form.add_error(None, refusal.words)
        return False
    return True


def _review_page(request: HttpRequest, change: Change, form: ReviewForm, *, status: int = 200) -> HttpResponse:
    kind = str(form["kind"].value() or ReviewAfter.Kind.POST_IMPLEMENTATION)
    gates = (change.assessment or {}).get("gates", [])
    context = {
        "change": change,
        "form": form,
        "kind": kind,
        "title": dict(ReviewAfter.Kind.choices).get(kind, "Review afterwards"),
        "due_at": change.retrospective_due_at if kind == ReviewAfter.Kind.RETROSPECTIVE else change.review_due_at,
        "skipped": [gate for gate in gates if gate["state"] == FAILED] if change.category == "emergency" else [],
        "troubles": queries.troubles_of(change),
        "written": change.reviews_after.select_related("by").order_by("id"),
    }
    return render(request, "changes/outcomes/review.html", context, status=status)


@requires(P.CHANGE_PROPOSE)
@require_POST
def finish_follow_up(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Say what was done about a follow-up."""
    change = asked_for(request, number)
    follow_up = get_object_or_404(FollowUp, pk=pk, review__change=change)
    form = FollowUpForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["note"][0]))
        return redirect("change", number=change.number)
    actions.finish_follow_up(follow_up=follow_up, note=form.cleaned_data["note"], by=person_of(request), at=now())
    return back(request, change, "The follow-up is closed.")


@requires(P.DRILL_RECORD)
@require_http_methods(["GET", "POST"])
def roll_back(request: HttpRequest, number: int) -> HttpResponse:
    """The plan, where one can go back to, and what is recorded before doing it."""
    change = asked_for(request, number)
    revision = current_revision(change)
    if request.method == "GET":
        form = RollbackForm(
            initial={"target": revision.target_release, "snapshot": revision.snapshot, "data_loss": revision.data_loss}
        )
        return _rollback_page(request, change, form)
    form = RollbackForm(request.POST)
    if form.is_valid() and _recorded(form, change, request):
        return back(request, change, "Recorded. The release that goes back is recognised by itself.")
    return _rollback_page(request, change, form, status=422)


def _recorded(form: RollbackForm, change: Change, request: HttpRequest) -> bool:
    try:
        actions.record_rollback(change=change, by=person_of(request), at=now(), **form.cleaned_data)
    except Refused as refusal:
        form.add_error(None, refusal.words)
        return False
    return True


def _rollback_page(request: HttpRequest, change: Change, form: RollbackForm, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "change": change,
        "form": form,
        "revision": current_revision(change),
        "releases": queries.earlier_releases(change),
        "undoings": change.undoings.select_related("release", "pull_request", "pull_request__repository").order_by("-started_at"),
        "recorded": change.recorded_rollbacks.select_related("by").order_by("-at"),
        "has_migration": queries.has_migration_in(change),
    }
    return render(request, "changes/outcomes/roll_back.html", context, status=status)
