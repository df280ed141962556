"""The desk of the architecture team: what oversight needs on one page, and every number opens its rows (P-30)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from changes.desk.oversight import clocks
from changes.desk.oversight.trends import emergency_rate, trends
from changes.meetings.queries import coming_meetings
from changes.policies.queries import waiting
from portal.access.guards import requires
from portal.access.permissions import P
from portal.ui.clock import time_of


@requires(P.OVERSIGHT_SEE)
@require_GET
def oversight(request: HttpRequest) -> HttpResponse:
    """The page."""
    at = time_of(request)
    following = coming_meetings(at=at).first()
    context = {
        "numbers": [
            clocks.waiting_decisions(),
            clocks.unjudged(),
            clocks.overdue_exceptions(at=at),
            *clocks.overdue_reviews(at=at),
            clocks.open_conditions(at=at),
            clocks.waivers(at=at),
            *clocks.promises(at=at),
        ],
        "ages": clocks.exceptions_by_age(at=at),
        "holders": clocks.holders(),
        "trends": trends(at=at),
        "rate": emergency_rate(at=at),
        "meeting": following,
        "version": waiting(),
    }
    return render(request, "changes/oversight/oversight.html", context)
