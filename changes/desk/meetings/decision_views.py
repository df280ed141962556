"""The log of decisions, one decision with its votes and its text, and its file. Written votes stand beside them."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from changes.approvals import queries as approvals
from changes.approvals.models import Condition
from changes.desk.meetings.decisions_page import conditions_of, inside_decisions, lines, standing_of, state_of
from changes.desk.meetings.shapes import reader_of
from changes.meetings import adr, written
from changes.meetings.exporting import exported, facts_of
from changes.meetings.models import Decision
from changes.policies.points import version_of
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.numbers import number_in
from portal.ui.answers import page
from portal.ui.clock import time_of
from portal.ui.paging import links, page_of

LOG, ONE = "changes/meetings/decisions.html", "changes/meetings/decision.html"
JOINED = ("item", "meeting", "change", "by", "lapse", "supersedes")


@requires(P.MEETING_SEE)
@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """All decisions, newest first. The row names the decision and its change: read one way or the other."""
    at, asked = time_of(request), _asked(request)
    rows = _filtered(inside_decisions(Decision.objects.select_related(*JOINED), scope_for(request)), asked)
    found = page_of(rows, by="at", older_than=request.GET.get("older", ""), newer_than=request.GET.get("newer", ""))
    open_votes = list(written.running()) if reader_of(request) is not None else []
    context = {
        "rows": lines(found.rows, at=at),
        **links(found, asked),
        "asked": asked,
        "filtered": any(asked.values()),
        "outcomes": [("", "Any outcome"), *Decision.Outcome.choices],
        "open_votes": open_votes,
        "undecided": list(written.undecided()) if reader_of(request) is not None else [],
        "may_ask": reader_of(request) is not None and may(request.user, P.MEETING_LEAD),
    }
    return page(request, LOG, context, piece="rows")


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").strip()[:200] for name in ("outcome", "change", "q")}


def _filtered(rows: QuerySet[Decision], asked: dict[str, str]) -> QuerySet[Decision]:
    if asked["outcome"] in Decision.Outcome.values:
        rows = rows.filter(outcome=asked["outcome"])
    if asked["change"]:
        number = number_in(asked["change"].upper().removeprefix("CHG-"), below=10, otherwise=None)
        rows = rows.filter(change__number=number) if number is not None else rows.none()
    if asked["q"]:
        words = asked["q"].replace("\x00", "")
        rows = rows.filter(Q(item__title__icontains=words) | Q(reason__icontains=words))
    return rows


@requires(P.MEETING_SEE)
@require_GET
def decision(request: HttpRequest, number: int) -> HttpResponse:
    """One decision: what, why, who voted how, on which text, with which conditions, and what became of it."""
    row, at = asked_decision(request, number), time_of(request)
    state, ended = standing_of(row, at=at)
    return page(request, ONE, {"row": row, "state": state, "ended": ended, **_around(row)})


def _around(row: Decision) -> dict[str, Any]:
    conditions = conditions_of(row, approvals.with_steps(Condition.objects.filter(change=row.change_id, approval=None)))
    return {
        "conditions": [(each, state_of(each)) for each in conditions],
        "votes": [(word, row.tally.get(word, [])) for word in ("yes", "no", "abstained", "recused", "silent")] if row.tally else [],
        "ballot_votes": list(row.ballot.votes.select_related("person").order_by("id")) if row.ballot is not None else [],
        "later": row.superseded_by.order_by("number").first(),
        "version": version_of(row.item.key),
        "effect": exported(row),
        "file_name": adr.name_of(row.number, row.item.title),
    }


@requires(P.MEETING_SEE)
@require_GET
def decision_file(request: HttpRequest, number: int) -> HttpResponse:
    """The decision as the file that stands in Git: an architecture decision record."""
    row = asked_decision(request, number)
    response = HttpResponse(adr.markdown(facts_of(row)), content_type="text/markdown; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{adr.name_of(row.number, row.item.title)}"'
    return response


def asked_decision(request: HttpRequest, number: int) -> Decision:
    """The decision that the address names. 404 when there is none, or none inside what this request may see."""
    rows = inside_decisions(Decision.objects.select_related(*JOINED, "ballot", "revision"), scope_for(request))
    row = rows.filter(number=number).first() if number < 2**31 else None
    if row is None:
        raise Http404(f"There is no decision {number}, or it is outside of what you may see.")
    return row
