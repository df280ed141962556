"""Deploys: every release of Fly and every deployment of the forge, with the changes that it carried."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from changes.delivery.models import Environment, Release
from changes.proposals.queries import changes_by_commit
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.ui.paging import page_of

PAGE = 50


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
    rows = Release.objects.select_related("repository", "rolls_back")
    if environment in Environment.values:
        rows = rows.filter(environment=environment)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    if scope.window_from is not None and scope.window_to is not None:
        rows = rows.filter(created_at__gte=scope.window_from, created_at__lt=scope.window_to)
    page = page_of(
        rows, by="created_at", size=PAGE, older_than=request.GET.get("older", ""), newer_than=request.GET.get("newer", "")
    )
    kept = {"environment": environment} if environment else {}
    context = {
        "lines": _lines(page.rows),
        "environment": environment,
        "options": [("", "All"), *Environment.choices],
        "older": f"?{urlencode({**kept, 'older': page.older})}" if page.older else "",
        "newer": f"?{urlencode({**kept, 'newer': page.newer})}" if page.newer else "",
    }
    part = "#rows" if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted") else ""
    return render(request, f"changes/delivery/deploys.html{part}", context)


def _lines(rows: list[Release]) -> list[Line]:
    commits = {row.commit_sha for row in rows} | {row.rolls_back.commit_sha for row in rows if row.rolls_back}
    carried = changes_by_commit(commits - {""})
    return [
        Line(row, carried.get(row.commit_sha, []), carried.get(row.rolls_back.commit_sha, []) if row.rolls_back else [])
        for row in rows
    ]
