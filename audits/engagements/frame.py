"""The frame of every page of one audit: its banner and its tabs. Templates extend ``audits/engagements/frame.html``."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_in, is_open
from portal.access.may import may
from portal.access.permissions import P
from portal.ui.clock import time_of

TABS = (
    ("audit", "Overview"),
    ("audit-populations", "Populations"),
    ("audit-samples", "Samples"),
    ("audit-requests", "Requests"),
    ("audit-findings", "Findings"),
    ("audit-packs", "Packs"),
)
"""Names of addresses ``/audits/<pk>/…``, with their words."""


def frame(request: HttpRequest, engagement: Engagement, *, tab: str) -> dict[str, Any]:
    """The context that the frame needs. ``tab`` is the name of the open tab's address, or empty.

    ``may_work`` says whether the reader may ask, draw, mark and find here now.
    """
    sees, is_running = may(request.user, P.AUDIT_SEE), is_open(engagement, at=time_of(request))
    return {
        "engagement": engagement,
        "is_open": is_running,
        "may_work": may(request.user, P.AUDIT_WORK) and is_running,
        "sees_audit": sees,
        "auditor_reads": engagement_in(request) is not None,
        "tabs": [(reverse(name, args=[engagement.pk]), words) for name, words in TABS] if sees else [],
        "tab": reverse(tab, args=[engagement.pk]) if tab else "",
    }
