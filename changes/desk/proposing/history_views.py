"""The history of a proposal's text: every revision, and what differs between any two."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from changes.desk.answering import asked_for
from changes.desk.proposing.history import compared, lines_of
from changes.proposals.material import rule_in_words
from portal.access.guards import requires
from portal.access.permissions import P
from portal.ui.answers import page

VIEWS = ("inline", "side")


@requires(P.CHANGE_SEE)
@require_GET
def history(request: HttpRequest, number: int) -> HttpResponse:
    """All revisions. ``from`` and ``to`` are the numbers that are compared, ``view`` is inline or side."""
    change = asked_for(request, number)
    lines = lines_of(change)
    view = request.GET.get("view", "")
    whole = request.GET.get("whole") == "1"
    found = compared(lines, before=request.GET.get("from", ""), after=request.GET.get("to", ""), whole=whole)
    context = {
        "change": change,
        "lines": lines,
        "compared": found,
        "view": view if view in VIEWS else VIEWS[0],
        "views": [("inline", "Inline"), ("side", "Side by side")],
        "numbers": [(str(line.revision.number), f"Revision {line.revision.number}") for line in lines],
        "whole": whole,
        "skipped": bool(found and any(piece.skipped for section in found.sections for piece in section.pieces)),
        "rule": rule_in_words(),
    }
    return page(request, "changes/proposals/history.html", context, piece="diff")
