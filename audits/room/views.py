"""The room: all audits, and one of them with what is going on in it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from audits.engagements import additions, queries
from audits.engagements.frame import frame
from audits.engagements.models import Engagement, System
from audits.findings.lifecycle import State as Found
from audits.findings.queries import findings_of
from audits.requests.lifecycle import State as Asked
from audits.requests.queries import requests_of
from audits.samples.models import Sample
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.ui.clock import time_of


@requires(P.AUDIT_SEE)
@require_safe
def audits(request: HttpRequest) -> HttpResponse:
    """All audits, newest first; an auditor's own one."""
    own = queries.engagement_in(request)
    rows = [row for row in queries.engagements() if own is None or row.pk == own.pk]
    context = {"engagements": rows, "at": time_of(request), "may_make": may(request.user, P.ENGAGEMENT_MAKE)}
    return render(request, "audits/room/audits.html", context)


@requires(P.AUDIT_SEE)
@require_safe
def audit(request: HttpRequest, pk: int) -> HttpResponse:
    """Period, scope, people and progress of one audit."""
    engagement = queries.engagement_for(request, pk)
    asked, found = requests_of(engagement), findings_of(engagement)
    people = engagement.admissions.select_related("person", "ended_by", "added_by", "seconded_by").order_by("pk")
    context = {
        **frame(request, engagement, tab="audit"),
        "people": people,
        "proposed": additions.waiting_in(engagement, at=time_of(request)) if engagement.confirmed_at else [],
        "people_title": "Auditors" if engagement.kind == Engagement.Kind.EXTERNAL else "Testers",
        "systems": [System(code).label for code in engagement.systems],
        "requests": [row for row in asked if vars(row)["state"] != Asked.CLOSED],
        "findings": [row for row in found if vars(row)["state"] != Found.CLOSED],
        "progress": _progress(engagement, requests=len(asked), findings=len(found)),
        "may_make": may(request.user, P.ENGAGEMENT_MAKE),
        "may_preview": may(request.user, P.READ_LOG_SEE),
        "read": queries.pages_read(engagement) if may(request.user, P.READ_LOG_SEE) else None,
    }
    return render(request, "audits/room/audit.html", context)


def _progress(engagement: Engagement, *, requests: int, findings: int) -> list[tuple[str, int, str]]:
    """What has been done so far: words, number, and where it stands."""
    samples = Sample.objects.filter(population__engagement=engagement).count()
    counted = (
        ("Populations frozen", engagement.populations.count(), "audit-populations"),
        ("Samples drawn", samples, "audit-samples"),
        ("Requests", requests, "audit-requests"),
        ("Findings", findings, "audit-findings"),
    )
    return [(words, number, reverse(name, args=[engagement.pk])) for words, number, name in counted]
