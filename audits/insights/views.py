"""The insights, and the rows behind each of the five numbers."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audits.controls.catalogue import CONTROLS
from audits.controls.paging import SIZE, first_of, pager
from audits.controls.queries import health
from audits.controls.showing import MOST, failures, health_of
from audits.engagements.queries import engagement_in
from audits.insights import delivery, flow, standing
from audits.insights.period import CHOICES, period_of
from audits.insights.rows import TITLES, count_of, rows_behind
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.home import loading
from portal.ui.clock import time_of


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
        "loading": loading.said(request),
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
    first = first_of(request)
    total, listed = count_of(found, code), rows_behind(found, code, first=first, size=SIZE)
    number = next(one for one in delivery.five(found) if one.code == code)
    context = {
        "number": number,
        "title": TITLES[code],
        "period": period,
        "rows": listed,
        "total": total,
        **pager(request, first=first, shown=len(listed), count=total),
    }
    return render(request, "audits/insights/rows.html", context)
