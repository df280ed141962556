"""Short lists that hang on a change and come with the first query of its page, as arrays of JSON objects.

A panel names the lists that it needs; the page asks as often for a change with many entries as for one with none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject


@dataclass(frozen=True)
class Listing:
    """``rows`` gives the rows of the change behind the reference, in their order; ``columns`` are paths as in ``values()``.

    Times arrive as ISO text in UTC.
    """

    rows: Callable[[OuterRef], QuerySet[Any]]
    columns: tuple[str, ...]
    personal: bool = False
    """From a table that auditors do not read: for them the list is empty, and is not asked for."""


def listed(rows: QuerySet[Any], columns: tuple[str, ...]) -> ArraySubquery:
    """``rows`` as one array of JSON objects; a column ``by__name`` becomes the key ``by__name``."""
    return ArraySubquery(rows.values(line=JSONObject(**{name: F(name) for name in columns})))


def annotations(listings: Mapping[str, Listing], *, here: OuterRef) -> dict[str, ArraySubquery]:
    """What a query about the change behind ``here`` has to be annotated with; the names get the ending ``_here``."""
    return {f"{name}_here": listed(listing.rows(here), listing.columns) for name, listing in listings.items()}
