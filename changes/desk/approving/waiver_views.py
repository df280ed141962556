"""The page on which chair and compliance manager waive an approval that nobody can give."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.approvals import actions, queries
from changes.approvals.forms import SignForm, WaiverForm, WaiverReviewForm
from changes.approvals.models import Waiver
from changes.desk.answering import asked_for, back
from changes.exceptions.waived import answer_by_review, find_waivers
from changes.proposals.models import Change
from portal.access.freshness import authenticated_at, is_fresh
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.clocks import end_of
from portal.policy.refusal import Refused


@requires(P.CHANGE_SEE)
@require_GET
def waiver_page(request: HttpRequest, number: int) -> HttpResponse:
    """Who may approve and why they cannot, the waivers there were, and what the reader can do."""
    return _page(request, asked_for(request, number), WaiverForm())


@requires(P.WAIVER_PROPOSE, fresh=True)
@require_POST
def propose_waiver(request: HttpRequest, number: int) -> HttpResponse:
    """Write why it cannot wait; chair and compliance sign it by that."""
    found, at = asked_for(request, number), now()
    form = WaiverForm(request.POST)
    if form.is_valid() and _proposed(request, found, form, at):
        return back(request, found, "The waiver is written. Chair and compliance manager sign it within 72 hours.")
    return _page(request, found, form, status=422)


def _proposed(request: HttpRequest, change: Change, form: WaiverForm, at: datetime) -> bool:
    try:
        actions.propose_waiver(
            change=change,
            reason=form.cleaned_data["reason"],
            review_at=end_of(form.cleaned_data["review"]),
            by=person_of(request),
            authenticated_at=authenticated_at(request),
            at=at,
        )
    except Refused as refusal:
        form.add_error(None, refusal.words)
        return False
    return True


@requires(P.WAIVER_DECIDE, fresh=True)
@require_POST
def sign_waiver(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Sign the text that was read. The second signature decides, and the register shows it at once."""
    found, at = asked_for(request, number), now()
    form = SignForm(request.POST)
    digest = form.cleaned_data["digest"] if form.is_valid() else ""
    waiver = get_object_or_404(Waiver, pk=pk, change=found)
    with transaction.atomic():
        signed = actions.sign_waiver(
            waiver=waiver, digest=digest, by=person_of(request), authenticated_at=authenticated_at(request), at=at
        )
        find_waivers(changes=[found], at=at)
    if not (signed.chair_id and signed.compliance_id):
        return back(request, found, "You have signed. The other signature is still missing.")
    return back(request, found, "The approval is waived. It stands in the register of exceptions until its review.")


@requires(P.WAIVER_PROPOSE)
@require_POST
def withdraw_waiver(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Take it back, or refuse to sign it."""
    found = asked_for(request, number)
    actions.withdraw_waiver(waiver=get_object_or_404(Waiver, pk=pk, change=found), by=person_of(request), at=now())
    return back(request, found, "The waiver is taken back; it stays on record.")


@requires(P.WAIVER_DECIDE)
@require_POST
def review_waiver(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """Write what came of it, which ends its clock."""
    found = asked_for(request, number)
    form = WaiverReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, found, WaiverForm(), review_form=form, status=422)
    chosen = get_object_or_404(Waiver, pk=pk, change=found)
    with transaction.atomic():
        reviewed = actions.review_waiver(waiver=chosen, note=form.cleaned_data["note"], by=person_of(request), at=now())
        answer_by_review(waiver=reviewed, by=person_of(request), at=now())
    return back(request, found, "The review of the waiver is recorded.")


def _page(
    request: HttpRequest, change: Change, form: WaiverForm, *, review_form: WaiverReviewForm | None = None, status: int = 200
) -> HttpResponse:
    at, reader = now(), person_of(request)
    candidates = queries.candidates_for(change, at=at)
    rows = change.waivers.select_related("proposed_by", "chair", "compliance", "withdrawn_by", "reviewed_by").order_by("-id")
    waiting = any(_waits(row, at) for row in rows)
    missing = queries.missing_for(change, candidates, at=at)
    may_propose = may(reader, P.WAIVER_PROPOSE) and change.state in ("draft", "proposed", "approved", "merged")
    context: dict[str, Any] = {
        "change": change,
        "candidates": candidates,
        "need": queries.need_of_change(change, at=at),
        "missing": missing,
        "rows": [{"waiver": row, "waits": _waits(row, at), **_acts(request, row, at)} for row in rows],
        "form": form if may_propose and missing and not waiting and not queries.waiver_in_force(change) else None,
        "review_form": review_form or WaiverReviewForm(),
        "fresh": is_fresh(request),
        "problem": form.errors or (review_form and review_form.errors),
    }
    return render(request, "changes/approvals/waiver.html", context, status=status)


def _waits(row: Waiver, at: datetime) -> bool:
    signed = row.chair_id and row.compliance_id
    return not signed and row.withdrawn_at is None and row.lapsed_at is None and row.expires_at > at


def _acts(request: HttpRequest, row: Waiver, at: datetime) -> dict[str, bool]:
    """What this reader can do about one waiver. The actions still check."""
    reader, ended = person_of(request), row.withdrawn_at is not None or row.lapsed_at is not None
    decides = may(reader, P.WAIVER_DECIDE)
    decided = bool(row.chair_id and row.compliance_id)
    return {
        "signs": decides and _waits(row, at) and reader.pk not in (row.chair_id, row.compliance_id),
        "withdraws": (decides or row.proposed_by_id == reader.pk) and not ended and row.change.merged_at is None,
        "reviews": decides and decided and not ended and row.reviewed_at is None,
    }
