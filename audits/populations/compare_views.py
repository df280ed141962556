"""Read a population again and compare: at once when it is small, by a worker when it is large, and what workers found."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.queries import engagement_for
from audits.jobs.showing import card_of, moved
from audits.populations.compared_later import ask_to_compare, comparisons_under_way, is_large, rows_to_read
from audits.populations.comparing import Comparison, compare
from audits.populations.models import Population, SecondReading
from audits.populations.queries import population_at
from audits.populations.views import TAB, about
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.clock import time_of

SHOWN = 20
"""Second readings that the page lists."""


@requires(P.AUDIT_SEE)
@require_safe
def compare_now(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Read the same once more, in front of the reader; a large one is offered to a worker, with what came of it before."""
    row, at = population_at(engagement_for(request, pk), number), time_of(request)
    card = card_of(request, comparisons_under_way(row), again=reverse("compare-population", args=[pk, number]))
    if (progress := moved(request, card)) is not None:
        return progress
    rows = rows_to_read(population=row, at=at)
    if not is_large(rows):
        return _answer(request, row, compare(population=row, at=at))
    earlier = [(one, Comparison.kept(found=one.found, at=one.read_at)) for one in _readings(row)[:SHOWN]]
    context = {**frame(request, row.engagement, tab=TAB), **about(row), **card, "rows_now": rows, "earlier": earlier}
    return render(request, "audits/populations/compare_later.html", context)


@requires(P.AUDIT_SEE)
@require_POST
def compare_later(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Leave it to a worker."""
    row, at = population_at(engagement_for(request, pk), number), time_of(request)
    job = ask_to_compare(population=row, rows=rows_to_read(population=row, at=at), by=person_of(request), at=at)
    messages.success(request, f"{job.total} rows are being read again. You can leave this page: you are told when it is done.")
    return redirect("compare-population", pk=pk, number=number)


@requires(P.AUDIT_SEE)
@require_safe
def second_reading(request: HttpRequest, pk: int, number: int, reading: int) -> HttpResponse:
    """What a worker found."""
    row = population_at(engagement_for(request, pk), number)
    kept = get_object_or_404(_readings(row), pk=reading)
    return _answer(request, row, Comparison.kept(found=kept.found, at=kept.read_at), kept)


def _readings(row: Population) -> QuerySet[SecondReading]:
    """Of a person the name alone: auditors' role reads no more."""
    return row.second_readings.select_related("read_by").only("read_at", "read_by__name", "found").order_by("-pk")


def _answer(request: HttpRequest, row: Population, found: Comparison, kept: SecondReading | None = None) -> HttpResponse:
    context = {**frame(request, row.engagement, tab=TAB), **about(row), "found": found, "kept": kept}
    return render(request, "audits/populations/compare.html", context)
