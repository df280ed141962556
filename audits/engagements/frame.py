"""The frame of every page of one audit: its banner and its tabs. Templates extend ``audits/engagements/frame.html``."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from audits.engagements.models import Engagement
from audits.engagements.queries import is_open, scope_of
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
"""Names of addresses ``/audits/<pk>/…``, with their words. One that does not exist is left out."""


def frame(request: HttpRequest, engagement: Engagement, *, tab: str) -> dict[str, Any]:
    """The context that the frame needs. ``tab`` is the name of the open tab's address.

    ``may_work`` says whether the reader may ask, draw, mark and find here now.
    """
    known = ((address_of(name, engagement), words) for name, words in TABS)
    sees = may(request.user, P.AUDIT_SEE)
    return {
        "engagement": engagement,
        "scope": scope_of(engagement),
        "is_open": is_open(engagement, at=time_of(request)),
        "may_work": may(request.user, P.AUDIT_WORK) and is_open(engagement, at=time_of(request)),
        "sees_audit": sees,
        "auditor_reads": getattr(request, "auditor", None) is not None,
        "tabs": [(address, words) for address, words in known if address] if sees else [],
        "tab": address_of(tab, engagement),
    }


def address_of(name: str, engagement: Engagement) -> str:
    """The address of one part; empty while there is none by this name."""
    try:
        return reverse(name, args=[engagement.pk])
    except NoReverseMatch:
        return ""
