"""The page of one population: is it complete, then its rows, and the form that draws from it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.queries import engagement_for
from audits.populations.models import Population
from audits.populations.queries import population_at
from audits.populations.views import TAB, about, rows_on_page
from audits.samples.actions import draw
from audits.samples.forms import DrawForm
from audits.samples.queries import samples_from
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.answers import done, page, status_of
from portal.ui.clock import time_of


@requires(P.AUDIT_SEE)
@require_safe
def population(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Is it complete, then the rows."""
    return _page(request, population_at(engagement_for(request, pk), number))


@requires(P.AUDIT_WORK)
@require_POST
def draw_one(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Draw a sample from it."""
    row = population_at(engagement_for(request, pk), number)
    form = DrawForm(request.POST, population=row)
    made = done(form, lambda: draw(population=row, by=person_of(request), at=time_of(request), **form.wish()))
    if made is None:
        return _page(request, row, form)
    seed = f" with the seed {made.seed}" if made.seed else ""
    messages.success(request, f"Drew {made.size} rows{seed}.")
    return redirect("audit-sample", pk=pk, number=made.number)


def _page(request: HttpRequest, row: Population, form: DrawForm | None = None) -> HttpResponse:
    context = {**frame(request, row.engagement, tab=TAB), **about(row), **rows_on_page(request, row), "samples": samples_from(row)}
    if context["may_work"] and row.count:
        context["form"] = form or DrawForm(population=row)
    return page(request, "audits/populations/population.html", context, piece="poprows", status=status_of(form))
