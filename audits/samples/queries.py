"""Samples of an audit, their items, and what testers said."""

from django.db.models import Count, JSONField, Prefetch, QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404

from audits.engagements.models import Engagement
from audits.populations.models import Population
from audits.samples.models import Mark, Sample, SampleItem
from portal.ui.paging import Page, page_of

ITEMS = 50
"""Of a sample on one page."""
LETTERS = RawSQL("jsonb_path_query_array(audits_sampleitem.sheet, '$.attributes[*].letter')", [], output_field=JSONField())


def samples_of(engagement: Engagement) -> list[Sample]:
    """All of them, newest first, each with its population."""
    rows = engagement.samples.select_related("population", "drawn_by").annotate(rows=Count("items")).order_by("-number")
    return list(rows)


def samples_from(population: Population) -> list[Sample]:
    """Those drawn from one population, newest first."""
    return list(population.samples.select_related("drawn_by").order_by("-number"))


def sample_at(engagement: Engagement, number: int) -> Sample:
    """One by its number. Raises ``Http404``."""
    found = engagement.samples.select_related("population", "engagement", "drawn_by").filter(number=number).first()
    if found is None:
        raise Http404("No such sample.")
    return found


def items_of(sample: Sample) -> list[SampleItem]:
    """Its items in their order with rows, marks and replacements. Two queries, with every sheet."""
    return list(_items(sample).order_by("position"))


def item_at(sample: Sample, position: int) -> SampleItem:
    """One by its position, as those of ``items_of``. Raises ``Http404``. Two queries, with its own sheet alone."""
    found = _items(sample).filter(position=position).first()
    if found is None:
        raise Http404("No such item.")
    return found


def item_page(sample: Sample, *, older_than: str, newer_than: str) -> Page[SampleItem]:
    """A page of its items by position, as those of ``items_of``. Two queries, with the sheets of that page alone."""
    return page_of(_items(sample), by="position", size=ITEMS, older_than=older_than, newer_than=newer_than, ascending=True)


def judged_items(sample: Sample) -> list[SampleItem]:
    """All items with marks and replacements. Of a sheet only the letters, which is what results ask for: two queries."""
    items: list[SampleItem] = [*_items(sample).defer("sheet").annotate(letters=LETTERS).order_by("position")]
    for item in items:
        item.sheet = {"attributes": [{"letter": letter} for letter in vars(item)["letters"] or []]}
    return items


def positions_of(sample: Sample) -> list[int]:
    """The positions of its items, in order."""
    return list(sample.items.order_by("position").values_list("position", flat=True))


def _items(sample: Sample) -> QuerySet[SampleItem]:
    """The sheets of replaced and replacing items stay where they are: they carry what vendors sent."""
    marks = Prefetch("marks", Mark.objects.select_related("by").order_by("at", "pk"))
    rows = sample.items.select_related("row", "replaces__row", "replaced_by", "added_by").prefetch_related(marks)
    return rows.defer("replaces__sheet", "replaced_by__sheet")


def standing(items: list[SampleItem]) -> list[SampleItem]:
    """Those that count: not replaced."""
    return [item for item in items if not hasattr(item, "replaced_by")]
