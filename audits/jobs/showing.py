"""Jobs on the pages that ask for them: a card that htmx keeps up to date while one is under way."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from audits.jobs.models import Job
from portal.access.may import may
from portal.access.permissions import P


def card_of(request: HttpRequest, jobs: Iterable[Job], *, again: str) -> dict[str, Any]:
    """The context of ``audits/jobs/card.html``. ``again`` is the address of the page."""
    return {"jobs": list(jobs), "again": again, "may_end_jobs": may(request.user, P.ENGAGEMENT_MAKE)}


def moved(request: HttpRequest, card: dict[str, Any]) -> HttpResponse | None:
    """What htmx gets that asks how far it is: the rows, and the whole page once nothing is under way. None for everybody else."""
    headers = request.headers
    if headers.get("HX-Request") != "true" or headers.get("HX-Target") != "jobs":
        return None
    if not card["jobs"]:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "audits/jobs/progress.html", card)
