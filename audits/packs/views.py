"""Evidence packs of an audit: ask for one, see how far it is, give it up, take it along."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_for, engagement_in
from audits.packs import actions, queries
from audits.packs.download import answer_with
from audits.packs.models import Pack
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ledger import keys
from portal.ledger.places import places
from portal.policy.refusal import Refused
from portal.ui.clock import time_of
from portal.ui.errors import Problem, answer

GONE = Problem(
    410,
    "This evidence pack is not offered any more",
    "It was cancelled or not built, its fourteen days are over, or a text was redacted since. What it held is still frozen.",
    "Ask for another one on the audit's page of packs.",
)
NOT_YET = Problem(
    409, "This evidence pack is still being built", "A file is offered only when it is whole.", "Wait until it is ready."
)


@requires(P.AUDIT_SEE)
@require_safe
def packs(request: HttpRequest, pk: int) -> HttpResponse:
    """All packs, newest first; htmx asks for the part that moves while one is being built."""
    return _page(request, engagement_for(request, pk))


@requires(P.AUDIT_WORK)
@require_POST
def build(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a pack of what is frozen now."""
    engagement = engagement_for(request, pk)
    try:
        pack = actions.ask(engagement=engagement, by=person_of(request), at=time_of(request))
    except Refused as refusal:
        return _page(request, engagement, refused=refusal.words)
    messages.success(request, f"Evidence pack {pack.number} is being built. You are told when it is ready.")
    return redirect("audit-packs", pk=pk)


@requires(P.AUDIT_WORK)
@require_POST
def cancel(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Give a pack up."""
    pack = _pack(engagement_for(request, pk), number)
    actions.cancel(pack=pack, by=person_of(request), at=time_of(request))
    messages.success(request, f"Evidence pack {pack.number} is cancelled.")
    return redirect("audit-packs", pk=pk)


@requires(P.AUDIT_SEE)
@require_safe
def file(request: HttpRequest, pk: int, number: int) -> HttpResponseBase:
    """The file, or a part of it."""
    pack, at = _pack(engagement_for(request, pk), number), time_of(request)
    if not queries.is_offered(pack, at=at):
        return answer(request, NOT_YET if pack.state == Pack.State.WAITING and not queries.is_given_up(pack) else GONE)
    found = answer_with(request, pack)
    sent = request.method == "GET" and found.status_code in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)
    if sent and engagement_in(request) is None:
        begins = found.status_code == HTTPStatus.OK or found["Content-Range"].startswith("bytes 0-")
        actions.note_taken(pack=pack, by=person_of(request), at=at, begins=begins)
    return found


def _pack(engagement: Engagement, number: int) -> Pack:
    pack = queries.packs_of(engagement).filter(number=number).first()
    if pack is None:
        raise Http404("There is no such evidence pack.")
    return pack


def _page(request: HttpRequest, engagement: Engagement, *, refused: str = "") -> HttpResponse:
    at, shown = time_of(request), frame(request, engagement, tab="audit-packs")
    rows = list(queries.packs_of(engagement)[:50])
    moving = any(row.state == Pack.State.WAITING for row in rows)
    may_end = may(request.user, P.ENGAGEMENT_MAKE)
    context: dict[str, Any] = {
        **shown,
        "rows": [(row, _word(row), queries.is_offered(row, at=at), _may_cancel(row, request, may_end)) for row in rows],
        "moving": moving,
        "refused": refused,
        "keys": [key.text() for key in keys.public_keys(where=places())],
        "frozen": engagement.populations.count(),
        "mine": queries.waiting_for(person_of(request)),
    }
    if request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted") and not refused:
        if not moving:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "audits/packs/rows.html", context)
    return render(request, "audits/packs/packs.html", context, status=422 if refused else 200)


def _word(row: Pack) -> str:
    given_up = queries.is_given_up(row) and row.state in (Pack.State.WAITING, Pack.State.READY)
    return "Cancelled" if given_up else row.get_state_display()


def _may_cancel(row: Pack, request: HttpRequest, may_end: bool) -> bool:
    open_still = row.state in (Pack.State.WAITING, Pack.State.READY) and not queries.is_given_up(row)
    return open_still and (row.asked_by_id == person_of(request).pk or may_end)
