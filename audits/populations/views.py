"""Populations of an audit: the list with the form that freezes, one with its sheet in front, the file."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.models import Engagement
from audits.engagements.queries import engagement_for, engagement_in, scope_of
from audits.jobs.models import Job
from audits.jobs.queries import under_way
from audits.jobs.showing import card_of, moved
from audits.populations import queries
from audits.populations.actions import Wish, ask_to_freeze
from audits.populations.csv_file import file_of
from audits.populations.facts import Kind
from audits.populations.forms import FreezeForm
from audits.populations.kinds import KINDS
from audits.populations.models import Population
from audits.populations.scoping import covers, kinds_in
from changes.desk.csv_file import answer_with
from portal.access.guards import requires
from portal.access.models import User
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.replica import read_with
from portal.replica_pages import written_in
from portal.ui.answers import done, status_of
from portal.ui.clock import time_of
from portal.ui.paging import asked_in, links, page_of

TAB = "audit-populations"


@requires(P.AUDIT_SEE)
@require_safe
def populations(request: HttpRequest, pk: int) -> HttpResponse:
    """All populations; with ``?kind=`` the form that freezes one."""
    engagement = engagement_for(request, pk)
    kind = KINDS.get(request.GET.get("kind", ""))
    if kind is None or not covers(scope_of(engagement), kind):
        return _list(request, engagement)
    return _list(request, engagement, kind, FreezeForm(kind=kind, engagement=engagement, at=time_of(request)))


@requires(P.AUDIT_WORK)
@require_POST
def freeze_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze the rows of one kind."""
    engagement, at = engagement_for(request, pk), time_of(request)
    kind = KINDS.get(request.POST.get("kind", ""))
    if kind is None:
        return _list(request, engagement, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    form = FreezeForm(request.POST, kind=kind, engagement=engagement, at=at)
    made = done(form, lambda: _freeze(engagement, kind, form, by=person_of(request), at=at))
    if made is None:
        return _list(request, engagement, kind, form)
    if isinstance(made, Job):
        messages.success(request, f"{made.total} rows are being frozen. You can leave this page: you are told when it is done.")
        return redirect("audit-populations", pk=pk)
    messages.success(request, f"Frozen: {made.count} rows. Nothing changes them any more.")
    return redirect("audit-population", pk=pk, number=made.number)


def _freeze(engagement: Engagement, kind: Kind, form: FreezeForm, *, by: User, at: datetime) -> Population | Job:
    return ask_to_freeze(wish=Wish(engagement, kind.code, *form.window(), form.filters()), by=by, at=at)


@requires(P.AUDIT_SEE)
@require_safe
def as_file(request: HttpRequest, pk: int, number: int) -> StreamingHttpResponse:
    """The rows as CSV."""
    engagement = engagement_for(request, pk)
    row = queries.population_at(engagement, number)
    reader, at = person_of(request).name, time_of(request)
    file = read_with(lambda _: file_of(population=row, reader=reader, at=at), since=written_in(request))
    name = f"audit-{engagement.pk}-population-{row.number}-{row.kind}.csv"
    return answer_with(request, file, name=name, whole=engagement_in(request) is not None)


def about(row: Population) -> dict[str, Any]:
    """What every page about a population shows."""
    kind = KINDS[row.kind]
    filters = [(kind.column(name).label, value) for name, value in sorted(row.filters.items())]
    completeness = row.sheet.get("completeness", {})
    matrix = [*completeness.get("forward", []), *completeness.get("backward", [])]
    parts = {"completeness": completeness, "matrix": matrix}
    return {"population": row, "kind": kind, "sheet": row.sheet, "narrowed": filters, **parts}


def rows_on_page(request: HttpRequest, row: Population) -> dict[str, Any]:
    """The page of rows that the address asks for, and the filters that it may have."""
    kind, told = KINDS[row.kind], row.sheet.get("columns", {})
    chosen = {name: request.GET.get(name, "") for name in kind.filters}
    kept = {name: value for name, value in chosen.items() if value}
    at = asked_in(request)
    rows = queries.rows_of(row, kept)
    found = page_of(rows, by="position", older_than=at.older, newer_than=at.newer, ascending=True)
    offered = [(name, kind.column(name).label, told.get(name, {}), chosen[name]) for name in kind.filters]
    return {
        **links(found, kept),
        "rows": [queries.shown(one, kind) for one in found.rows],
        "first": found.rows[0].position if found.rows else 0,
        "last": found.rows[-1].position if found.rows else 0,
        "headings": [kind.column(name).label for name in kind.shown],
        "kept": kept,
        "offered": [(name, label, _options(label, values), value) for name, label, values, value in offered if len(values) > 1],
    }


def _options(label: str, values: dict[str, int]) -> list[tuple[str, str]]:
    return [("", f"{label}: all"), *((value, f"{value}, {count}") for value, count in values.items() if value)]


def _list(
    request: HttpRequest,
    engagement: Engagement,
    kind: Kind | None = None,
    form: FreezeForm | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = frame(request, engagement, tab=TAB)
    rows = [(row, KINDS[row.kind]) for row in queries.populations_of(engagement)]
    context |= {"rows": rows, "kinds": kinds_in(scope_of(engagement)), "kind": kind, "form": form}
    jobs, again = under_way(kind=Job.Kind.POPULATION, engagement=engagement), reverse(TAB, args=[engagement.pk])
    context |= card_of(request, jobs, again=again)
    return moved(request, context) or render(request, "audits/populations/list.html", context, status=max(status, status_of(form)))
