"""Letting somebody into an audit that is confirmed already: proposed by one person, confirmed or turned down by another."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from audits.engagements import additions
from audits.engagements.forms import AdditionForm
from audits.engagements.frame import frame
from audits.engagements.models import AdmissionProposal, Engagement
from audits.engagements.taking_part import people_for
from portal.access.forms import ConfirmForm
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.answers import done, status_of
from portal.ui.clock import time_of


@requires(P.ENGAGEMENT_MAKE, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def add_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose somebody for an engagement that goes on."""
    engagement, at = get_object_or_404(Engagement, pk=pk), time_of(request)
    sent = request.POST if request.method == "POST" else None
    form = AdditionForm(sent, people=people_for(engagement.kind, at=at), engagement=engagement)
    made = done(form, lambda: _propose(engagement, form, request))
    if made is None:
        context = {**frame(request, engagement, tab=""), "form": form}
        return render(request, "audits/engagements/add_person.html", context, status=status_of(form))
    messages.success(request, f"Proposed: {made.person.name}. Another person confirms it within 72 hours.")
    return redirect("audit", pk=pk)


def _propose(engagement: Engagement, form: AdditionForm, request: HttpRequest) -> AdmissionProposal:
    wish = {"invited": form.invited(), "reason": form.cleaned_data["reason"]}
    return additions.propose_admission(engagement=engagement, **wish, by=person_of(request), at=time_of(request))


@requires(P.ENGAGEMENT_MAKE, fresh=True)
@require_POST
def confirm_person(request: HttpRequest, pk: int, proposal: int) -> HttpResponse:
    """Let them in from now on, exactly as it was read."""
    form = ConfirmForm(request.POST)
    digest = form.cleaned_data["digest"] if form.is_valid() else ""
    found = _proposal(pk, proposal)
    additions.confirm_admission(proposal=found, digest=digest, by=person_of(request), at=time_of(request))
    messages.success(request, f"{found.person.name} is in this audit from now on.")
    return redirect("audit", pk=pk)


@requires(P.ENGAGEMENT_MAKE)
@require_POST
def withdraw_person(request: HttpRequest, pk: int, proposal: int) -> HttpResponse:
    """Take a proposal back, or turn somebody else's down."""
    additions.withdraw_admission(proposal=_proposal(pk, proposal), by=person_of(request), at=time_of(request))
    messages.success(request, "Taken back. Nobody was let in.")
    return redirect("audit", pk=pk)


def _proposal(pk: int, number: int) -> AdmissionProposal:
    rows = AdmissionProposal.objects.select_related("engagement", "person")
    return get_object_or_404(rows, pk=number, engagement=pk)
