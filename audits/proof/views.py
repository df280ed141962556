"""The ledger for people to read, its signed checkpoints, its verification, and the check of one printed record."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from audits.engagements.queries import engagement_in
from audits.proof.lookup import found_under
from changes.desk.timeline import names_of
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.ledger.queries import anchor_states, latest_checkpoints, latest_checks, latest_entries, latest_guards, seal_lag
from portal.numbers import number_in

PAGE = 50
LATE = 120
"""Seconds that an entry may wait for its seal before the page says that something is wrong."""


@requires(P.LEDGER_SEE)
@require_GET
def ledger(request: HttpRequest) -> HttpResponse:
    """Newest entries first, with the seal and the last verifications."""
    asked = request.GET.get("before", "")
    before = number_in(asked, below=19, otherwise=None)
    entries = latest_entries(limit=PAGE + 1, before=before)
    lag = seal_lag(at=now())
    names = names_of(entry.actor for entry in entries)
    context = {
        "lines": [(entry, names.get(entry.actor, entry.actor)) for entry in entries[:PAGE]],
        "older": f"?before={entries[PAGE - 1].id}" if len(entries) > PAGE else "",
        "newer": "?" if before is not None else "",
        "checkpoints": latest_checkpoints(limit=5),
        "checks": latest_checks(limit=5),
        "anchors": anchor_states(),
        "guards": latest_guards(),
        "lag": lag,
        "late": lag.age.total_seconds() > LATE,
        "may_verify": may(request.user, P.LEDGER_VERIFY) and engagement_in(request) is None,
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"audits/proof/ledger.html{part}", context)


@requires(P.LEDGER_SEE)
@require_GET
def check_record(request: HttpRequest, digest: str) -> HttpResponse:
    """Whether a digest on a printed record belongs to something in the portal."""
    found = found_under(digest, scope=scope_for(request))
    return render(request, "audits/proof/record.html", {"digest": digest, "found": found}, status=200 if found else 404)
