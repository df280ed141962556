"""Deploys: every release of Fly and every deployment of the forge, with the changes that it carried."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from changes.delivery.deploy_reviews import reviews_of
from changes.delivery.models import Environment, Release
from changes.outcomes import actions
from changes.outcomes.dora import numbers_between
from changes.outcomes.forms import MarkForm
from changes.outcomes.models import DeployMark
from changes.proposals.queries import changes_by_commit
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.ui.answers import page, wants_piece
from portal.ui.paging import listed

NUMBERS_OVER = timedelta(days=90)


@dataclass(frozen=True)
class Line:
    """A release and the numbers of its changes."""

    release: Release
    changes: list[str]
    undoes: list[str]


@requires(P.RELEASE_SEE)
@require_GET
def deploys(request: HttpRequest) -> HttpResponse:
    """Newest first; ``environment`` filters."""
    environment = request.GET.get("environment", "")
    scope = scope_for(request)
    rows = _visible(scope)
    if environment in Environment.values:
        rows = rows.filter(environment=environment)
    kept = {"environment": environment}
    context = listed(request, rows, by="created_at", kept=kept) | {
        "environment": environment,
        "options": [("", "All"), *Environment.choices],
    }
    context["lines"] = _lines(context["rows"])
    if not wants_piece(request):
        until = min(scope.window_to, now()) if scope.window_to else now()
        context["numbers"] = numbers_between(since=until - NUMBERS_OVER, until=until, scope=scope)
    return page(request, "changes/delivery/deploys.html", context, piece="rows")


def _visible(scope: Scope) -> QuerySet[Release]:
    rows = Release.objects.select_related("repository", "rolls_back")
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    if scope.window_from is not None and scope.window_to is not None:
        rows = rows.filter(created_at__gte=scope.window_from, created_at__lt=scope.window_to)
    return rows


@requires(P.RELEASE_SEE)
@require_GET
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """One release: its facts, its changes, and what people said about it."""
    row = _found(request, pk)
    return _release_page(request, row, MarkForm(failures=_failures(row)))


@requires(P.DRILL_RECORD)
@require_POST
def mark_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that it failed, or which failure it fixed."""
    row = _found(request, pk)
    form = MarkForm(request.POST, failures=_failures(row))
    if form.is_valid():
        given = form.cleaned_data
        resolves = form.failures.get(given["resolves"])
        try:
            actions.mark_deploy(
                release=row, what=given["what"], note=given["note"], resolves=resolves, by=person_of(request), at=now()
            )
        except Refused as refusal:
            form.add_error(None, refusal.words)
        else:
            messages.success(request, "The mark is recorded.")
            return redirect("release", pk=pk)
    return _release_page(request, row, form, status=422)


@requires(P.DRILL_RECORD)
@require_POST
def withdraw_mark(request: HttpRequest, pk: int, mark_pk: int) -> HttpResponse:
    """Take a mark back."""
    mark = get_object_or_404(DeployMark, pk=mark_pk, release=_found(request, pk))
    actions.withdraw_mark(mark=mark, by=person_of(request), at=now())
    messages.success(request, "The mark is taken back; it stays on record.")
    return redirect("release", pk=pk)


def _found(request: HttpRequest, pk: int) -> Release:
    row = _visible(scope_for(request)).filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no release {pk}, or it is outside of what you may see.")
    return row


def _failures(row: Release) -> list[DeployMark]:
    """Standing failures of the same repository before it that nothing has fixed."""
    fixes = DeployMark.objects.filter(resolves=OuterRef("pk"), withdrawn_at=None)
    marks = DeployMark.objects.filter(what=DeployMark.What.FAILED, withdrawn_at=None, release__repository=row.repository)
    open_ones = marks.filter(~Exists(fixes), release__created_at__lt=row.created_at)
    return list(open_ones.select_related("release").order_by("-at")[:20])


def _release_page(request: HttpRequest, row: Release, form: MarkForm, *, status: int = 200) -> HttpResponse:
    context = {
        "release": row,
        "form": form,
        "changes": changes_by_commit({row.commit_sha}).get(row.commit_sha, []) if row.commit_sha else [],
        "reviews": reviews_of([row]),
        "marks": row.marks.select_related("by", "withdrawn_by", "resolves__release").order_by("-at", "-id"),
        "may_mark": row.environment == Environment.PRODUCTION and may(request.user, P.DRILL_RECORD),
        "may_classify": may(request.user, P.CHANGE_CLASSIFY),
    }
    return render(request, "changes/delivery/release.html", context, status=status)


def _lines(rows: list[Release]) -> list[Line]:
    commits = {row.commit_sha for row in rows} | {row.rolls_back.commit_sha for row in rows if row.rolls_back}
    carried = changes_by_commit(commits - {""})
    return [
        Line(row, carried.get(row.commit_sha, []), carried.get(row.rolls_back.commit_sha, []) if row.rolls_back else [])
        for row in rows
    ]
