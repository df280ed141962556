"""What the readings of each source vouch for in a window: minutes, outages, back-fill, deliveries missed."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from changes.completeness.facts import Coverage, Hole, covering
from changes.completeness.window import Window
from changes.connectors.in_scope import in_scope, names_in
from changes.connectors.models import Source
from changes.connectors.outage_models import SourceOutage
from changes.connectors.wellbeing import DELIVERING
from changes.delivery.models import Repository

Kind = SourceOutage.Kind
DARK = (Kind.UNREADABLE, Kind.UNREAD)
"""Holes in which nothing was read; missed deliveries are counted, since reading makes up for them."""
MIRRORED = ("git",)
"""The system that mirrors are of."""


def holes_of(*, window: Window) -> tuple[Hole, ...]:
    """Outages and missed deliveries that touch the window, oldest first. Sources and mirrors outside of the scope are left out."""
    rows = SourceOutage.objects.exclude(kind=Kind.START).filter(began_at__lt=window.until)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=window.since)).select_related("source", "repository")
    if window.repositories is not None:
        rows = rows.filter(Q(repository=None) | Q(repository__name__in=window.repositories))
    names = names_in(window.scope)
    if names is not None:
        rows = rows.filter(Q(source__name__in=sorted(names)) | (Q(source=None) if window.covers(MIRRORED) else Q()))
    return tuple(_hole(row) for row in rows.order_by("began_at", "id"))


def name_of(row: SourceOutage) -> str:
    """The source, or the mirror, that an outage is of."""
    return row.source.name if row.source is not None else f"git {row.repository}"


def _hole(row: SourceOutage) -> Hole:
    return Hole(
        id=row.pk,
        source=name_of(row),
        kind=row.kind,
        began=row.began_at,
        ended=row.ended_at,
        filled=row.filled_at,
        why=row.why,
        missed=tuple(str(one) for one in row.missed),
    )


def coverage_of(*, window: Window, holes: Iterable[Hole]) -> tuple[Coverage, ...]:
    """One for each source that is connected and each mirror; those in scope."""
    first = _first_readings()
    found = [
        _coverage(source.name, source.kind, source.kind in DELIVERING, source.covered_until, first, window, holes)
        for source in in_scope(Source.objects.order_by("name"), window.scope, by="name")
    ]
    mirrors = Repository.objects.exclude(clone_url="").filter(Q(in_scope_until=None) | Q(in_scope_until__gt=window.since))
    if window.repositories is not None:
        mirrors = mirrors.filter(name__in=window.repositories)
    if not window.covers(MIRRORED):
        mirrors = mirrors.none()
    return (
        *found,
        *(_coverage(f"git {row}", "git", False, row.mirrored_at, first, window, holes) for row in mirrors.order_by("name")),
    )


def _first_readings() -> dict[str, datetime]:
    """When each was read well for the first time: the end of the hole before it."""
    rows = SourceOutage.objects.filter(kind=Kind.START).select_related("source", "repository").order_by("-ended_at")
    return {name_of(row): row.ended_at for row in rows if row.ended_at is not None}


def _coverage(
    name: str, kind: str, listens: bool, last: datetime | None, first: dict[str, datetime], window: Window, holes: Iterable[Hole]
) -> Coverage:
    ours = [hole for hole in holes if hole.source == name]
    dark = [hole for hole in ours if hole.kind in DARK]
    began = first.get(name)
    minutes, covered, outage, filled = covering(since=window.since, until=window.until, first=began, last=last, holes=dark)
    missed = sum(len(hole.missed) for hole in ours if hole.kind == Kind.WEBHOOKS and window.since <= hole.began)
    return Coverage(name, kind, listens, minutes, covered, outage, filled, minutes - covered - outage, missed, began, last)
