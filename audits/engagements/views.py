"""Engagements of auditors, and what was read in them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audits.engagements import actions, queries
from audits.engagements.forms import EngagementForm
from audits.engagements.frame import frame
from audits.engagements.models import Admission, Engagement
from audits.engagements.preview import begin
from audits.engagements.preview import end as stop
from portal.access.forms import ConfirmForm
from portal.access.guards import requires
from portal.access.may import holders_of, holders_of_role
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.ui.answers import done, status_of

PAGE = 100


@requires(P.ENGAGEMENT_MAKE, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def prepare(request: HttpRequest) -> HttpResponse:
    """Prepare an engagement for another person to confirm."""
    form = EngagementForm(request.POST if request.method == "POST" else None, people=_people())
    if done(form, lambda: actions.open_engagement(wish=form.wish(), by=person_of(request), at=now())) is None:
        return render(request, "audits/engagements/prepare.html", {"form": form}, status=status_of(form))
    messages.success(request, "Prepared. Another person confirms it within 72 hours.")
    return redirect("audits")


@requires(P.ENGAGEMENT_MAKE, fresh=True)
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the auditors in, exactly as it was read."""
    engagement = get_object_or_404(Engagement, pk=pk)
    form = ConfirmForm(request.POST)
    digest = form.cleaned_data["digest"] if form.is_valid() else ""
    actions.confirm_engagement(engagement=engagement, digest=digest, by=person_of(request), at=now())
    messages.success(request, "Confirmed. It opens on the first day.")
    return redirect("audit", pk=pk)


@requires(P.ENGAGEMENT_MAKE)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an engagement at once."""
    actions.end_engagement(engagement=get_object_or_404(Engagement, pk=pk), by=person_of(request), at=now())
    messages.success(request, "Ended. The auditor's next request is refused.")
    return redirect("audit", pk=pk)


@requires(P.ENGAGEMENT_MAKE)
@require_POST
def end_admission(request: HttpRequest, pk: int, admission: int) -> HttpResponse:
    """One auditor leaves before the others."""
    leaving = get_object_or_404(Admission.objects.select_related("engagement"), pk=admission, engagement=pk)
    actions.end_admission(admission=leaving, by=person_of(request), at=now())
    messages.success(request, "Ended. Their next request is refused.")
    return redirect("audit", pk=pk)


@requires(P.READ_LOG_SEE)
@require_POST
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Look with the auditors' eyes from now on."""
    engagement = get_object_or_404(Engagement, pk=pk)
    actions.note_preview(engagement=engagement, begins=True, by=person_of(request), at=now())
    begin(request, engagement)
    return redirect("audit", pk=pk)


@requires(P.OWN_ACCOUNT)
@require_POST
def end_preview(request: HttpRequest) -> HttpResponse:
    """See with one's own eyes again."""
    pk = stop(request)
    engagement = Engagement.objects.filter(pk=pk).first() if pk is not None else None
    if engagement is None:
        return redirect("/")
    actions.note_preview(engagement=engagement, begins=False, by=person_of(request), at=now())
    messages.success(request, "The preview is over.")
    return redirect("audit", pk=pk)


@requires(P.READ_LOG_SEE)
@require_GET
def read_log(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read in one engagement, newest first."""
    engagement = get_object_or_404(Engagement, pk=pk)
    raw = request.GET.get("before", "")
    before = number_in(raw, below=18, otherwise=None)
    rows = queries.readings(engagement, before=before, limit=PAGE + 1)
    older = rows[PAGE - 1].pk if len(rows) > PAGE else None
    context = {**frame(request, engagement, tab=""), "rows": rows[:PAGE], "older": f"?before={older}" if older else ""}
    return render(request, "audits/engagements/read_log.html", context)


def _people() -> list[User]:
    """Who may be invited: auditors, and for internal audits whoever works in audits."""
    at = now()
    testers = holders_of(P.AUDIT_WORK, at=at)
    return list({user.pk: user for user in [*holders_of_role(Role.AUDITOR, at=at), *testers]}.values())
