"""Which connected sources belong to the systems of a scope. Records know a source by its name; ``portal`` is the portal itself."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from changes.connectors.models import Source
from changes.forges import FORGES
from portal.access.scope import Scope

SYSTEMS = dict.fromkeys(FORGES, "git")
"""Kinds of sources that are called otherwise as a system; the others are called the same."""
PORTAL = "portal"
Row = TypeVar("Row", bound=Model)


def names_in(scope: Scope) -> frozenset[str] | None:
    """The names of sources whose records may be shown; None means all. At most one query."""
    if scope.systems is None:
        return None
    kinds = Source.objects.values_list("name", "kind")
    found = {name for name, kind in kinds if scope.covers_system(system=SYSTEMS.get(kind, kind))}
    return frozenset(found | ({PORTAL} if scope.covers_system(system=PORTAL) else set()))


def in_scope(rows: QuerySet[Row], scope: Scope, *, by: str = "source") -> QuerySet[Row]:
    """Of these rows those of the scope's systems. ``by`` is the field with the source's name."""
    names = names_in(scope)
    return rows if names is None else rows.filter(**{f"{by}__in": sorted(names)})


def offered(names: list[str], scope: Scope) -> list[str]:
    """Of these names those that may be shown, for filters."""
    seen = names_in(scope)
    return [name for name in names if seen is None or name in seen]
