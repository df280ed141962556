"""Giving a job up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from audits.engagements.queries import engagement_in
from audits.jobs import actions
from audits.jobs.models import Job
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.clock import time_of


@requires(P.OWN_ACCOUNT)
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one up: one's own, or as whoever opens audits. An auditor's are those of the own audit."""
    rows, own = Job.objects.select_related("asked_by"), engagement_in(request)
    job = get_object_or_404(rows if own is None else rows.filter(engagement=own), pk=pk)
    actions.cancel(job=job, by=person_of(request), at=time_of(request))
    messages.success(request, f"Cancelled: {job.title}.")
    return redirect("exports")
