"""Engagements of auditors, and what was read in them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from audits.engagements import actions, queries
from audits.engagements.forms import EngagementForm
from audits.engagements.models import Engagement
from portal.access.forms import ConfirmForm
from portal.access.guards import requires
from portal.access.may import holders_of_role, may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.signed_in import person_of

PAGE = 100


@requires(P.ENGAGEMENT_MAKE)
@require_GET
def engagements(request: HttpRequest) -> HttpResponse:
    """All engagements, and the form for a new one."""
    return _list(request)


@requires(P.ENGAGEMENT_MAKE, fresh=True)
@require_POST
def prepare(request: HttpRequest) -> HttpResponse:
    """Prepare an engagement for another person to confirm."""
    form = EngagementForm(request.POST, auditors=_auditors())
    if not form.is_valid():
        return _list(request, form=form, status=422)
    actions.open_engagement(**form.wish(), by=person_of(request), at=timezone.now())
    messages.success(request, "Prepared. Another person confirms it within 72 hours.")
    return redirect("engagements")


@requires(P.ENGAGEMENT_MAKE, fresh=True)
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the auditor in, exactly as it was read."""
    engagement = get_object_or_404(Engagement, pk=pk)
    form = ConfirmForm(request.POST)
    digest = form.cleaned_data["digest"] if form.is_valid() else ""
    actions.confirm_engagement(engagement=engagement, digest=digest, by=person_of(request), at=timezone.now())
    messages.success(request, "Confirmed. The auditor may read from the first day on.")
    return redirect("engagements")


@requires(P.ENGAGEMENT_MAKE)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an engagement at once."""
    actions.end_engagement(engagement=get_object_or_404(Engagement, pk=pk), by=person_of(request), at=timezone.now())
    messages.success(request, "Ended. The auditor's next request is refused.")
    return redirect("engagements")


@requires(P.READ_LOG_SEE)
@require_GET
def read_log(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read in one engagement, newest first."""
    engagement = get_object_or_404(Engagement.objects.select_related("auditor"), pk=pk)
    raw = request.GET.get("before", "")
    before = int(raw) if raw.isdecimal() and len(raw) < 18 else None
    rows = queries.readings(engagement, before=before, limit=PAGE + 1)
    older = rows[PAGE - 1].pk if len(rows) > PAGE else None
    context = {"engagement": engagement, "rows": rows[:PAGE], "older": f"?before={older}" if older else ""}
    return render(request, "audits/engagements/read_log.html", context)


def _auditors() -> list[User]:
    return list(holders_of_role(Role.AUDITOR, at=timezone.now()))


def _list(request: HttpRequest, *, form: EngagementForm | None = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    context: dict[str, Any] = {
        "engagements": queries.engagements(),
        "form": form or EngagementForm(auditors=_auditors()),
        "may_see_log": may(request.user, P.READ_LOG_SEE),
        "at": now,
    }
    return render(request, "audits/engagements/engagements.html", context, status=status)
