"""What waits for an approval, and several routine changes approved with one reason: each by itself, none half done."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.approvals import actions, queries
from changes.approvals.actions import Chosen, Outcome, Seen
from changes.approvals.forms import BulkForm
from changes.desk.approving.waiting import waiting_for
from changes.gates.actions import reassess
from changes.proposals import queries as proposals
from changes.proposals.listing import visible
from changes.proposals.models import Change
from portal.access.freshness import authenticated_at, is_fresh
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.access.signed_in import person_of
from portal.numbers import number_in

MOST = 100
AT_ONCE = 50
"""Changes in one confirmation: more than anybody looks at with care."""


@requires(P.CHANGE_APPROVE)
@require_GET
def approvals(request: HttpRequest) -> HttpResponse:
    """Everything that waits for an approval of this reader; the routine ones can be chosen together."""
    return _list_page(request)


def _list_page(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    reader = person_of(request)
    rows = list(waiting_for(reader)[:MOST])
    at = now()
    context: dict[str, Any] = {
        "rows": rows,
        "routine": sum(row.routine for row in rows),
        "standing_in": [row for row in queries.in_force(at) if row.delegate_id == reader.pk],
        "away": next((row for row in queries.in_force(at) if row.absent_id == reader.pk), None),
        "problems": [("", problem)] if problem else [],
    }
    return render(request, "changes/approvals/list.html", context, status=status)


@requires(P.CHANGE_APPROVE)
@require_POST
def choose_routine(request: HttpRequest) -> HttpResponse:
    """The chosen ones with what would be approved, and one reason for all."""
    numbers = request.POST.getlist("change")
    if request.POST.get("all"):
        numbers = [str(row.number) for row in waiting_for(person_of(request)).filter(routine=True)[:AT_ONCE]]
    chosen = _chosen(request, numbers)
    if not chosen:
        return _list_page(request, problem="Choose at least one change", status=422)
    return _confirm_page(request, chosen, BulkForm())


@requires(P.CHANGE_APPROVE, fresh=True)
@require_POST
def approve_routine(request: HttpRequest) -> HttpResponse:
    """Approve them, one by one, and say what became of each."""
    chosen = _chosen(request, request.POST.getlist("change"), seen=request.POST)
    form = BulkForm(request.POST)
    if not chosen:
        return _list_page(request, problem="Choose at least one change", status=422)
    if not form.is_valid():
        return _confirm_page(request, chosen, form, status=422)
    at = now()
    outcomes = actions.approve_routine(
        chosen=chosen, by=person_of(request), note=form.cleaned_data["note"], authenticated_at=authenticated_at(request), at=at
    )
    _judge_again(outcomes)
    context = {"outcomes": outcomes, "given": sum(not outcome.why_not for outcome in outcomes)}
    return render(request, "changes/approvals/outcomes.html", context)


def _judge_again(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if not outcome.why_not:
            reassess(change=Change.objects.get(pk=outcome.change.pk), at=now())


def _chosen(request: HttpRequest, numbers: Iterable[str], *, seen: Any = None) -> list[Chosen]:
    """The changes behind these numbers that the reader may see; with ``seen``, what the page had shown of each."""
    found = []
    for number in list(dict.fromkeys(numbers))[:AT_ONCE]:
        wanted = number_in(number, below=16, otherwise=None)
        change = visible(number=wanted, scope=scope_for(request)) if wanted is not None else None
        if change is not None:
            found.append(Chosen(change, _seen(change, seen)))
    return found


def _seen(change: Change, posted: Any) -> Seen:
    if posted is None:
        return Seen(proposals.current_revision(change).binds, proposals.head_for_production(change))
    return Seen(posted.get(f"digest-{change.number}", ""), posted.get(f"head-{change.number}", ""))


def _confirm_page(request: HttpRequest, chosen: list[Chosen], form: BulkForm, *, status: int = 200) -> HttpResponse:
    context = {"chosen": chosen, "form": form, "fresh": is_fresh(request)}
    return render(request, "changes/approvals/confirm.html", context, status=status)
