"""Who had which rights on any day, and what changed between two. Days are UTC."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from changes.entitlements.models import Entitlement, Thing
from portal.policy.clocks import bounds_of, end_of

ORDER = ("thing__source", "thing__key", "account_id", "pk")


@dataclass(frozen=True)
class Differences:
    """What began and what ended in some days, in order. A right that came and went in between stands in both."""

    began: list[Entitlement]
    ended: list[Entitlement]


def rights_now() -> QuerySet[Entitlement]:
    """Every right that is held, as last read."""
    return Entitlement.objects.filter(ended_at=None).select_related("thing").order_by(*ORDER)


def rights_on(*, day: date) -> QuerySet[Entitlement]:
    """Every right that was held at some moment of a day, as far as the readings show."""
    begin, end = bounds_of(day)
    held = Q(ended_at=None) | Q(ended_at__gt=begin)
    rows = Entitlement.objects.filter(held, first_seen_at__lt=end)
    return rows.select_related("thing").order_by(*ORDER)


def differences(*, from_day: date, to_day: date) -> Differences:
    """What changed after ``from_day`` was over, and until ``to_day`` is over."""
    begin, end = end_of(from_day), end_of(to_day)
    rows = Entitlement.objects.select_related("thing")
    return Differences(
        list(rows.filter(first_seen_at__gte=begin, first_seen_at__lt=end).order_by("first_seen_at", "pk")),
        list(rows.filter(ended_at__gte=begin, ended_at__lt=end).order_by("ended_at", "pk")),
    )


def things_of(*, source: str) -> Collection[str]:
    """The keys of everything that was ever read at a source: what is gone there is taken once more, with no rights."""
    return list(Thing.objects.filter(source=source).order_by("key").values_list("key", flat=True))
