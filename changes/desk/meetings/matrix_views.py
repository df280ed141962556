"""Decisions against changes: every large change with the decisions about it, and how it stood when it was merged (P-01)."""

from django.db.models import Case, CharField, Exists, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from changes.desk.meetings.decisions_page import FOR
from changes.meetings.models import Decision
from changes.proposals.listing import Wanted, matching
from changes.proposals.models import DECLARED, Change, Size
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.ui.answers import page
from portal.ui.paging import links, page_of

MATRIX = "changes/meetings/matrix.html"
CHOICES = [("", "All large changes"), ("bare", "Without a decision"), ("late", "Merged without one")]


@requires(P.MEETING_SEE)
@require_GET
def matrix(request: HttpRequest) -> HttpResponse:
    """Large changes, and others that were decided on, newest first."""
    asked = {"show": request.GET.get("show", "").strip()[:10]}
    rows = shown(with_standing(matching(wanted=Wanted(), scope=scope_for(request))), asked["show"])
    rows = rows.prefetch_related(Prefetch("decisions", queryset=Decision.objects.select_related("lapse").order_by("number")))
    found = page_of(rows, by="opened_at", older_than=request.GET.get("older", ""), newer_than=request.GET.get("newer", ""))
    context = {"rows": found.rows, **links(found, asked), "asked": asked, "choices": CHOICES}
    return page(request, MATRIX, context, piece="rows")


def with_standing(rows: QuerySet[Change]) -> QuerySet[Change]:
    """Each change with what its decisions come to, as ``stands``: decided, late, emergency or waiting.

    ``decided``: one for the change stood at its first merge; before a merge, one stands now. ``late``: merged, and none stood
    then. ``emergency``: somebody declared it, so that the meeting looks back at it instead (P-22). ``waiting``: none stands yet.
    """
    held = Decision.objects.filter(change=OuterRef("pk"), outcome__in=FOR)
    stands_now = held.filter(lapse=None)
    merged = OuterRef("merged_at")
    stood_then = held.filter(Q(lapse=None) | Q(lapse__at__gt=merged), at__lte=merged)
    decided = Q(Exists(stands_now), merged_at=None) | Q(Exists(stood_then), merged_at__isnull=False)
    words = Case(
        When(decided, then=Value("decided")),
        When(DECLARED, then=Value("emergency")),
        When(merged_at=None, then=Value("waiting")),
        default=Value("late"),
        output_field=CharField(),
    )
    return rows.annotate(about=Exists(Decision.objects.filter(change=OuterRef("pk"))), stands=words)


def shown(rows: QuerySet[Change], show: str) -> QuerySet[Change]:
    """Those of a choice; everything that is large or was decided on for none."""
    if show == "bare":
        return rows.filter(Q(size=Size.LARGE, about=False))
    if show == "late":
        return rows.filter(Q(size=Size.LARGE, stands="late"))
    return rows.filter(Q(size=Size.LARGE) | Q(about=True))
