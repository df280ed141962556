"""The insights, and the rows behind each of the five numbers."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from audits.controls.catalogue import CONTROLS
from audits.controls.queries import health
from audits.controls.showing import MOST, failures, health_of
from audits.controls.views import engagement_in
from audits.insights import delivery, flow, standing
from audits.insights.period import CHOICES, period_of
from audits.insights.rows import TITLES, count_of, rows_behind
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.ui.clock import time_of

SIZE = 50


@requires(P.INSIGHTS_SEE)
@require_GET
def insights(request: HttpRequest) -> HttpResponse:
    """Every picture, over the weeks that the address asks for."""
    at, engagement = time_of(request), engagement_in(request)
    period = period_of(request, at=at)
    found, weeks = delivery.delivered(period), health(at=at, engagement=engagement)
    shown = [health_of(control, weeks[control.id]) for control in CONTROLS.values() if control.id in weeks]
    failed = failures(weeks)
    context = {
        "period": period,
        "choices": CHOICES,
        "engagement": engagement,
        "numbers": delivery.five(found) if found.deploys or found.leads else [],
        "wide": [delivery.deploys_picture(found), delivery.lead_picture(found)],
        "pictures": [
            delivery.fail_picture(found),
            flow.gates_picture(period),
            standing.emergencies_picture(period),
            standing.exceptions_picture(period.scope, at=at),
            standing.training_picture(at=period.until),
            flow.funnel_picture(period, engagement),
            standing.meetings_picture(period),
        ],
        "health": shown,
        "failures": failed,
        "health_title": _title(len(failed)) if shown else "Control health",
        "drift": standing.drift_table(period.scope),
        "may_control": may(request.user, P.CONTROL_SEE),
        "needs": delivery.NEEDS,
    }
    return render(request, "audits/insights/insights.html", context)


def _title(count: int) -> str:
    if not count:
        return "Every control held in every week"
    more = " or more" if count >= MOST else ""
    return f"{count}{more} weeks of a control did not hold"


@requires(P.INSIGHTS_SEE)
@require_GET
def rows(request: HttpRequest, code: str) -> HttpResponse:
    """What one of the five numbers counts."""
    if code not in TITLES:
        raise Http404("There is no such number.")
    period = period_of(request, at=time_of(request))
    found = delivery.delivered(period)
    asked = request.GET.get("from", "")
    first = max(int(asked) - 1, 0) if asked.isdecimal() and len(asked) < 10 else 0
    total, listed = count_of(found, code), rows_behind(found, code, first=first, size=SIZE)
    number = next(one for one in delivery.five(found) if one.code == code)
    weeks = {"weeks": period.weeks}
    context = {
        "number": number,
        "title": TITLES[code],
        "period": period,
        "rows": listed,
        "total": total,
        "words": f"{first + 1}–{first + len(listed)} of {total}" if listed else "0 rows",
        "older": f"?{urlencode({**weeks, 'from': first + 1 + SIZE})}" if first + SIZE < total else "",
        "newer": f"?{urlencode({**weeks, 'from': max(first + 1 - SIZE, 1)})}" if first else "",
    }
    return render(request, "audits/insights/rows.html", context)
