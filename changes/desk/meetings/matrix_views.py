"""Decisions against changes: every large change with the decisions about it, and how it stood when it was merged (P-01)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from changes.desk.meetings.decisions_page import FOR
from changes.meetings.models import Decision
from changes.proposals.listing import Wanted, matching
from changes.proposals.models import Category, Change, Size
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.ui.answers import page
from portal.ui.paging import links, page_of

MATRIX = "changes/meetings/matrix.html"
CHOICES = [("", "All large changes"), ("bare", "Without a decision"), ("late", "Merged without one")]


@dataclass(frozen=True)
class Row:
    """One change with its decisions, oldest first, and what that comes to in one word."""

    change: Change
    decisions: list[Decision]
    stands: str
    """decided | late (merged, and none for it stood then) | emergency (needs none before) | waiting (not merged, none stands)"""


@requires(P.MEETING_SEE)
@require_GET
def matrix(request: HttpRequest) -> HttpResponse:
    """Large changes, and others that were decided on, newest first."""
    asked = {"show": request.GET.get("show", "").strip()[:10]}
    rows = _filtered(matching(wanted=Wanted(), scope=scope_for(request)), asked["show"])
    rows = rows.prefetch_related(Prefetch("decisions", queryset=Decision.objects.select_related("lapse").order_by("number")))
    found = page_of(rows, by="opened_at", older_than=request.GET.get("older", ""), newer_than=request.GET.get("newer", ""))
    context = {"rows": [row_of(each) for each in found.rows], **links(found, asked), "asked": asked, "choices": CHOICES}
    return page(request, MATRIX, context, piece="rows")


def row_of(change: Change) -> Row:
    """How the change stands towards its decisions. Reads what was fetched with it."""
    decisions = list(change.decisions.all())
    if any(_counts(each, change.merged_at) for each in decisions):
        return Row(change, decisions, "decided")
    if declared(change):
        return Row(change, decisions, "emergency")
    return Row(change, decisions, "waiting" if change.merged_at is None else "late")


def declared(change: Change) -> bool:
    """Whether somebody declared it an emergency: then the meeting looks back at it instead (P-22)."""
    return change.category == Category.EMERGENCY and not change.undeclared


def _counts(decision: Decision, merged_at: datetime | None) -> bool:
    """Whether it is for the change, and stood at its merge; before a merge, whether it stands now."""
    if decision.outcome not in FOR:
        return False
    lapse = getattr(decision, "lapse", None)
    if merged_at is None:
        return lapse is None
    return decision.at <= merged_at and (lapse is None or lapse.at > merged_at)


def _filtered(rows: QuerySet[Change], show: str) -> QuerySet[Change]:
    about = Decision.objects.filter(change=OuterRef("pk"))
    if show == "bare":
        return rows.filter(size=Size.LARGE).exclude(Exists(about))
    if show == "late":
        stood = about.filter(Q(lapse=None) | Q(lapse__at__gt=OuterRef("merged_at")), outcome__in=FOR, at__lte=OuterRef("merged_at"))
        excused = Q(category=Category.EMERGENCY, undeclared=False)
        return rows.filter(size=Size.LARGE, merged_at__isnull=False).exclude(excused).exclude(Exists(stood))
    return rows.filter(Q(size=Size.LARGE) | Q(Exists(about)))
