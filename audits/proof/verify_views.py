"""Verification in the reader's sight: asked for, watched while it runs, read when it is done; and a short check that only reads."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from audits.engagements.queries import engagement_in
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ledger import asked, quick
from portal.ledger.models import LedgerVerification
from portal.ledger.places import places
from portal.ledger.progress import STEPS, share_of
from portal.ledger.queries import latest_checks
from portal.ui.remaining import words_left

SHOWN = 20
PROBLEMS = 50
ENOUGH = 286
"""htmx asks no more after this status."""


@requires(P.LEDGER_VERIFY)
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Start a verification (POST), or see what runs and what the last ones found."""
    if request.method == "POST":
        job = asked.ask(by=person_of(request).pk, at=now())
        return redirect("ledger-verification", pk=job.pk)
    running = LedgerVerification.objects.filter(finished_at=None).order_by("id").first()
    context = {"running": running, "checks": latest_checks(limit=SHOWN), "may_verify": _may_start(request), "steps": STEPS.values()}
    return render(request, "audits/proof/verify.html", context)


@requires(P.LEDGER_VERIFY)
@require_GET
def verification(request: HttpRequest, pk: int) -> HttpResponse:
    """One verification: its progress, or its result with the first broken place."""
    job = get_object_or_404(LedgerVerification.objects.select_related("asked_by", "check_kept"), pk=pk)
    context = {"job": job, **_progress(job, now()), **_result(job), "may_verify": _may_start(request)}
    asks_again = bool(request.headers.get("HX-Request")) and not request.headers.get("HX-Boosted")
    part = "#state" if asks_again else ""
    status = ENOUGH if asks_again and job.finished_at else 200
    return render(request, f"audits/proof/verification.html{part}", context, status=status)


@requires(P.LEDGER_VERIFY)
@require_GET
def quick_check(request: HttpRequest) -> HttpResponse:
    """The newest entries and checkpoints, checked while the page is made. Writes nothing."""
    return render(request, "audits/proof/quick.html", {"found": quick.look(where=places())})


def _may_start(request: HttpRequest) -> bool:
    return may(request.user, P.LEDGER_VERIFY) and engagement_in(request) is None


def _progress(job: LedgerVerification, at: datetime) -> dict[str, Any]:
    """The steps with their counts, the share, entries a second, and the time that is left."""
    share = share_of(checked=job.progress, entries=job.entries)
    spent = (at - job.started_at).total_seconds() if job.started_at else 0.0
    left = "" if job.finished_at else words_left(began=job.started_at, moved=at, share=share, at=at)
    steps = [(words, job.progress.get(step, 0), job.progress.get(step, -1) >= job.entries) for step, words in STEPS.items()]
    checked = max(job.progress.values(), default=0)
    return {"steps": steps, "percent": round(100 * share), "pace": round(checked / spent) if spent >= 1 else 0, "left": left}


def _result(job: LedgerVerification) -> dict[str, Any]:
    check = job.check_kept
    if check is None:
        return {"check": None}
    pace = round(check.entries / check.seconds) if check.seconds else 0
    return {
        "check": check,
        "final_pace": pace,
        "problems": check.problems[:PROBLEMS],
        "more": max(0, len(check.problems) - PROBLEMS),
    }
