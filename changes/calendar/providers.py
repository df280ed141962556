"""Planned windows, freezes and releases as entries of the calendar. Imported where the app is set up."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q, QuerySet

from changes.calendar import entries
from changes.calendar.entries import Entry, Wanted
from changes.calendar.facts import Conflict, Span
from changes.calendar.models import Freeze, PlannedWindow
from changes.calendar.queries import (
    apps_of,
    assets_of,
    freezes,
    freezes_within,
    freezing_of,
    newest_windows,
    span_of,
    standing_windows,
    windows_with_assets,
)
from changes.calendar.scheduling import conflicts_of
from changes.delivery.models import Release
from changes.proposals.queries import changes_by_commit

MOST = 1000
"""Entries of one kind that are read for one page."""
HARD, SOFT = "snowflake", "cloud-snow"


@entries.provider("window")
def windows(wanted: Wanted) -> Iterator[Entry]:
    """Windows that stand, with what conflicts with them; for feeds also those that were cancelled."""
    rows = newest_windows().filter(ends_at__gt=wanted.span.starts_at, starts_at__lt=wanted.span.ends_at)
    if not wanted.cancelled:
        rows = rows.filter(cancelled=False)
    found = list(rows.order_by("starts_at", "id")[:MOST])
    around = _around(found, wanted.span)
    others = [
        other for other in windows_with_assets(standing_windows(span=around)[:MOST]) if _is_seen(other.assets.repositories, wanted)
    ]
    frozen = [freezing_of(row) for row in freezes_within(span=around)]
    apps = apps_of(name for row in found for name in row.change.repository_names)
    for row in found:
        names = row.change.repository_names
        if wanted.shows(environments=[row.environment], repositories=names):
            assets = assets_of(environment=row.environment, repositories=names, apps=apps)
            span = Span(row.starts_at, row.ends_at)
            against = conflicts_of(span=span, assets=assets, windows=others, freezes=frozen, own=row.change.number)
            yield _window(row, span, against)


def _is_seen(repositories: frozenset[str], wanted: Wanted) -> bool:
    """Whether a reader sees changes of these repositories at all: nobody learns of others by a conflict."""
    return wanted.scope is None or bool(wanted.scope & repositories)


def _around(rows: list[PlannedWindow], span: Span) -> Span:
    """The time in which something may conflict with one of these windows."""
    starts = [span.starts_at, *(row.starts_at for row in rows)]
    return Span(min(starts), max([span.ends_at, *(row.ends_at for row in rows)]))


def _window(row: PlannedWindow, span: Span, against: tuple[Conflict, ...]) -> Entry:
    return Entry(
        kind="window",
        span=span,
        title=f"{row.change} {row.change.title}",
        href=f"/changes/{row.change.number}/#schedule",
        uid=f"window-{row.change.number}-{row.environment}",
        changed_at=row.at,
        note=f"Planned for {row.environment} by {row.by.name}",
        state=row.change.state,
        icon="calendar-clock",
        tone="warn" if against else "info",
        conflicts=() if row.cancelled else tuple(map(said, against)),
        sequence=row.number,
        cancelled=row.cancelled,
    )


def said(conflict: Conflict) -> str:
    """A conflict as a sentence."""
    if conflict.kind == "window":
        return f"CHG-{conflict.change} {conflict.title} is planned for the same time and touches {', '.join(conflict.shared)}."
    if conflict.kind == "hard":
        return f"The freeze {conflict.title} holds it until {conflict.span.ends_at:%-d %b %Y %H:%M} UTC."
    return f"The soft freeze {conflict.title} asks to wait until {conflict.span.ends_at:%-d %b %Y %H:%M} UTC."


@entries.provider("freeze")
def frozen_times(wanted: Wanted) -> Iterator[Entry]:
    """Freezes, as long as they held; for feeds also those that were ended before they began."""
    rows = freezes_within(span=wanted.span)
    if wanted.cancelled:
        rows = freezes().filter(ends_at__gt=wanted.span.starts_at, starts_at__lt=wanted.span.ends_at).order_by("starts_at", "id")
    for row in rows[:MOST]:
        everywhere = not row.repositories and not row.apps
        if wanted.shows(environments=row.environments, repositories=_names(row), everywhere=everywhere):
            yield _freeze(row)


def _names(row: Freeze) -> frozenset[str]:
    """Repositories that the freeze names, and those that feed an app that it names."""
    feeding = Release.objects.filter(app__in=row.apps).exclude(repository=None) if row.apps else Release.objects.none()
    return frozenset(row.repositories) | frozenset(feeding.order_by().values_list("repository__name", flat=True).distinct())


def _freeze(row: Freeze) -> Entry:
    hard, span = row.level == Freeze.Level.HARD, span_of(row)
    early = hasattr(row, "early_end")
    never = span.ends_at <= span.starts_at
    of = ", ".join([*row.repositories, *row.apps]) or "everything"
    return Entry(
        kind="freeze",
        span=Span(row.starts_at, row.ends_at) if never else span,
        title=f"{'Freeze' if hard else 'Soft freeze'}: {row.name}",
        href=f"/changes/freezes/#freeze-{row.pk}",
        uid=f"freeze-{row.pk}",
        changed_at=row.early_end.at if early else row.at,
        note=f"{of} in {' and '.join(row.environments)}{', ended early' if early else ''}",
        icon=HARD if hard else SOFT,
        tone="bad" if hard else "warn",
        sequence=1 if early else 0,
        cancelled=never,
    )


@entries.provider("release")
def releases(wanted: Wanted) -> Iterator[Entry]:
    """Releases that happened, with what they carried. One that Fly and the forge both told of stands once."""
    rows = happened().filter(created_at__gte=wanted.span.starts_at, created_at__lt=wanted.span.ends_at)
    found = list(rows.select_related("repository").order_by("created_at", "id")[:MOST])
    carried = changes_by_commit({row.commit_sha for row in found} - {""})
    for row in found:
        if wanted.shows(environments=[row.environment], repositories=[row.repository.name] if row.repository else []):
            yield _release(row, carried.get(row.commit_sha, []))


def happened() -> QuerySet[Release]:
    """Releases, without the forge's deployments of what Fly released to the same place."""
    told_by_fly = Release.objects.filter(
        source=Release.Source.FLY,
        repository=OuterRef("repository"),
        environment=OuterRef("environment"),
        commit_sha=OuterRef("commit_sha"),
    )
    return Release.objects.exclude(Q(Exists(told_by_fly)), source=Release.Source.GITHUB)


def _release(row: Release, changes: list[str]) -> Entry:
    name = f"{row.app} v{row.version}" if row.app else f"{row.repository.name if row.repository else ''} {row.commit_sha[:7]}"
    back = row.rolls_back_id is not None
    carries = ", ".join(changes) or ("goes back to an earlier release" if back else "no change is known")
    ended = row.finished_at or row.created_at
    return Entry(
        kind="release",
        span=Span(row.created_at, max(ended, row.created_at)),
        title=f"{name} to {row.environment}",
        href=f"/changes/{changes[0].removeprefix('CHG-')}/" if changes else f"/deploys/?environment={row.environment}",
        uid=f"release-{row.pk}",
        changed_at=ended,
        note=f"{carries}{', by ' + row.actor if row.actor else ''}",
        state="rolled_back" if back else row.state,
        icon="undo-2" if back else "rocket",
        tone="bad" if back or row.state == Release.State.FAILED else "ok" if row.succeeded_at else "neutral",
    )
