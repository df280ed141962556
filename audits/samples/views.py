"""Samples of an audit: the list, one sample, and the sheet of one item with the testers' marks."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from audits.engagements.frame import frame
from audits.engagements.queries import engagement_for
from audits.populations.kinds import KINDS
from audits.populations.views import about
from audits.samples import queries
from audits.samples.actions import mark, replace
from audits.samples.drawing import rank
from audits.samples.forms import MarkForm, ReplaceForm
from audits.samples.models import Mark, Sample, SampleItem
from audits.samples.results import WHOLE, result_of, tested
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.answers import done, status_of
from portal.ui.clock import time_of
from portal.ui.paging import asked_in, links

TAB = "audit-samples"
SIDES = Mark.Side.choices


@requires(P.AUDIT_SEE)
@require_safe
def samples(request: HttpRequest, pk: int) -> HttpResponse:
    """All samples, newest first."""
    engagement = engagement_for(request, pk)
    rows = [(row, KINDS[row.population.kind]) for row in queries.samples_of(engagement)]
    return render(request, "audits/samples/list.html", {**frame(request, engagement, tab=TAB), "rows": rows})


@requires(P.AUDIT_SEE)
@require_safe
def sample(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """What was drawn and how, a page of items with their attributes, what both sides found, and the whole population beside."""
    row, at = queries.sample_at(engagement_for(request, pk), number), asked_in(request)
    found = queries.item_page(row, older_than=at.older, newer_than=at.newer)
    items = found.rows
    context = {
        **frame(request, row.engagement, tab=TAB),
        **about(row.population),
        "sample": row,
        "items": [(item, [tested(item, side=side) for side, _ in SIDES]) for item in items],
        "attributes": items[0].sheet["attributes"] if items else [],
        **links(found, {}),
        "shown": f"{items[0].position} to {items[-1].position}" if items else "",
        "results": results_of(row, queries.judged_items(row)),
        "outcomes": row.population.sheet.get("columns", {}).get("outcome", {}),
    }
    return render(request, "audits/samples/sample.html", context)


@requires(P.AUDIT_SEE)
@require_safe
def item(request: HttpRequest, pk: int, number: int, position: int) -> HttpResponse:
    """The sheet of one item."""
    row = queries.sample_at(engagement_for(request, pk), number)
    return _item(request, row, position)


@requires(P.AUDIT_WORK)
@require_POST
def mark_item(request: HttpRequest, pk: int, number: int, position: int) -> HttpResponse:
    """Keep a mark, and go on to the next item where the whole of this one was meant."""
    row = queries.sample_at(engagement_for(request, pk), number)
    found = queries.item_at(row, position)
    form = MarkForm(request.POST, item=found)
    made = done(form, lambda: mark(item=found, by=person_of(request), at=time_of(request), **form.cleaned_data))
    if made is None:
        return _item(request, row, position, form=form)
    messages.success(request, f"Marked {found.row.key}: {made.get_outcome_display().lower()}.")
    _, following = _neighbours(queries.positions_of(row), position)
    return redirect(_address(row, following if following and made.letter == WHOLE else position))


@requires(P.AUDIT_WORK)
@require_POST
def replace_item(request: HttpRequest, pk: int, number: int, position: int) -> HttpResponse:
    """Put the next row in the place of one that cannot be tested."""
    row = queries.sample_at(engagement_for(request, pk), number)
    found = queries.item_at(row, position)
    form = ReplaceForm(request.POST)
    made = done(form, lambda: replace(item=found, by=person_of(request), at=time_of(request), **form.cleaned_data))
    if made is None:
        return _item(request, row, position, replacing=form)
    messages.success(request, f"{made.row.key} takes the place of {found.row.key}.")
    return redirect(_address(row, made.position))


def results_of(row: Sample, items: list[SampleItem]) -> list[tuple[str, Any]]:
    """Each side by name with its result."""
    counted = queries.standing(items)
    return [(label, result_of(counted, side=side, population=row.population.count)) for side, label in SIDES]


def _item(
    request: HttpRequest, row: Sample, position: int, *, form: MarkForm | None = None, replacing: ReplaceForm | None = None
) -> HttpResponse:
    found, positions = queries.item_at(row, position), queries.positions_of(row)
    before, following = _neighbours(positions, position)
    context = frame(request, row.engagement, tab=TAB)
    open_now = context["may_work"] and not hasattr(found, "replaced_by")
    context |= {
        "sample": row,
        "item": found,
        "kind": KINDS[row.population.kind],
        "before": _address(row, before) if before else "",
        "following": _address(row, following) if following else "",
        "count": len(positions),
        "attributes": [(one, _said(found, one["letter"])) for one in found.sheet["attributes"]],
        "whole": _said(found, WHOLE),
        "form": (form or MarkForm(item=found)) if open_now else None,
        "replacing": (replacing or ReplaceForm()) if open_now else None,
        "rank": rank(seed=row.seed, key=found.row.key) if row.seed else "",
    }
    return render(request, "audits/samples/item.html", context, status=status_of(form or replacing))


def _said(found: SampleItem, letter: str) -> list[Mark]:
    """What both sides say about a letter, the newest of each."""
    marks = {mark.side: mark for mark in found.marks.all() if mark.letter == letter}
    return [marks[side] for side, _ in SIDES if side in marks]


def _neighbours(known: list[int], position: int) -> tuple[int, int]:
    """The positions before and after; 0 where there is none."""
    place = known.index(position)
    return known[place - 1] if place else 0, known[place + 1] if place + 1 < len(known) else 0


def _address(row: Sample, position: int) -> str:
    return reverse("audit-sample-item", args=[row.engagement_id, row.number, position])
