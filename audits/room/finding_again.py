"""Audits, requests and findings in the palette."""

from collections.abc import Iterator

from django.http import HttpRequest

from audits.engagements.queries import engagements
from portal.access.may import may
from portal.access.permissions import P
from portal.ui import palette

SHORTEST = 3
PARTS = (("requests", "Requests", "message-square-text"), ("findings", "Findings", "clipboard-check"))


@palette.provider
def audits_called(request: HttpRequest, words: str) -> Iterator[palette.Hit]:
    """Audits by their name, and their requests and findings by that word."""
    asked = words.lower().split()
    if not asked or len(asked[0]) < SHORTEST or not may(request.user, P.AUDIT_SEE):
        return
    own = getattr(request, "auditor", None)
    for row in engagements()[: palette.MOST]:
        if own is not None and own.pk != row.pk:
            continue
        address = f"/audits/{row.pk}/"
        if all(word in f"audit {row.name}".lower() for word in asked):
            yield palette.Hit("clipboard-check", row.name, address, "Audit")
        for path, label, icon in PARTS:
            if all(word in f"{path} {row.name}".lower() for word in asked):
                yield palette.Hit(icon, f"{label} of {row.name}", f"{address}{path}/", "Audit")
