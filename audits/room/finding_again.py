"""Audits, requests and findings in the palette."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import HttpRequest

from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_in
from portal.access.may import may
from portal.access.permissions import P
from portal.ui import palette

SHORTEST = 3
PARTS = (("requests", "Requests", "message-square-text"), ("findings", "Findings", "clipboard-check"))
LABELS = " ".join(["audit", *(path for path, _, _ in PARTS)])


@palette.provider
def audits_called(request: HttpRequest, words: str) -> Iterator[palette.Hit]:
    """Audits by their name, and their requests and findings by that word; the newest first."""
    asked = words.lower().split()
    if not asked or len(asked[0]) < SHORTEST or not may(request.user, P.AUDIT_SEE):
        return
    for row in _named(request, [word for word in asked if word not in LABELS])[: palette.MOST]:
        address = f"/audits/{row.pk}/"
        if all(word in f"audit {row.name}".lower() for word in asked):
            yield palette.Hit("clipboard-check", row.name, address, "Audit")
        for path, label, icon in PARTS:
            if all(word in f"{path} {row.name}".lower() for word in asked):
                yield palette.Hit(icon, f"{label} of {row.name}", f"{address}{path}/", "Audit")


def _named(request: HttpRequest, words: list[str]) -> QuerySet[Engagement]:
    own, rows = engagement_in(request), Engagement.objects.order_by("-created_at", "-pk")
    if own is not None:
        rows = rows.filter(pk=own.pk)
    for word in words:
        rows = rows.filter(name__icontains=word)
    return rows
