"""Pages of delegations: who stands in for whom, a new one, its end."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.approvals import actions, queries
from changes.approvals.forms import DelegationForm
from changes.approvals.models import Delegation
from portal.access.guards import requires
from portal.access.may import holders_of, may, roles_of
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused

SHOWN = 100


@requires(P.CHANGE_SEE)
@require_GET
def delegations(request: HttpRequest) -> HttpResponse:
    """In force, coming, and past, newest first."""
    reader, at = person_of(request), now()
    rows = list(
        Delegation.objects.select_related("absent", "delegate", "made_by", "ended_by").order_by("-starts_at", "-id")[:SHOWN]
    )
    chair = Role.CHAIR in roles_of(reader)
    groups = [("In force", "in_force"), ("Coming", "coming"), ("Past", "past")]
    context = {
        "groups": [(title, [_line(row, chair, reader.pk) for row in rows if _phase(row, at) == name]) for title, name in groups],
        "may_make": may(reader, P.APPROVAL_DELEGATE),
    }
    return render(request, "changes/approvals/delegations.html", context)


def _phase(row: Delegation, at: datetime) -> str:
    if row.ended_at is not None or row.ends_at <= at:
        return "past"
    return "coming" if row.starts_at > at else "in_force"


def _line(row: Delegation, chair: bool, reader: int) -> dict[str, object]:
    return {"row": row, "last_day": queries.last_day(row), "may_end": chair or reader in (row.absent_id, row.delegate_id)}


@requires(P.APPROVAL_DELEGATE)
@require_http_methods(["GET", "POST"])
def new_delegation(request: HttpRequest) -> HttpResponse:
    """Hand one's approvals over; the chair also those of somebody who cannot do it."""
    reader, at = person_of(request), now()
    people = holders_of(P.CHANGE_APPROVE, at=at)
    data = request.POST if request.method == "POST" else None
    form = DelegationForm(data, approvers=people, by=reader, for_others=Role.CHAIR in roles_of(reader))
    if data is not None and form.is_valid() and _made(request, form, at):
        return redirect("delegations")
    return render(request, "changes/approvals/delegation_new.html", {"form": form}, status=422 if data is not None else 200)


def _made(request: HttpRequest, form: DelegationForm, at: datetime) -> bool:
    try:
        row = actions.delegate(by=person_of(request), at=at, **form.delegation(at=at))
    except Refused as refusal:
        form.add_error(None, refusal.words)
        return False
    last = f"{queries.last_day(row):%-d %B}"
    messages.success(request, f"{row.delegate.name} stands in for {row.absent.name} until {last}.")
    return True


@requires(P.APPROVAL_DELEGATE)
@require_POST
def end_delegation(request: HttpRequest, pk: int) -> HttpResponse:
    """End it now, or take it back before it begins."""
    row = actions.end_delegation(delegation=get_object_or_404(Delegation, pk=pk), by=person_of(request), at=now())
    messages.success(request, f"{row.delegate.name} no longer stands in for {row.absent.name}.")
    return redirect("delegations")
