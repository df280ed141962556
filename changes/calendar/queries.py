"""What is asked about the calendar: windows and freezes as they stand, and which apps a repository feeds."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from changes.calendar.facts import Assets, Freezing, Span, Window
from changes.calendar.models import CalendarFeed, Freeze, FreezeOverride, OverrideAnswer, PlannedWindow
from changes.delivery.models import Release
from changes.proposals.models import Change
from portal.access.models import User

Apps = dict[str, frozenset[str]]
"""The apps that a repository feeds, by its name."""


def newest_windows() -> QuerySet[PlannedWindow]:
    """The row that counts of each change and environment, cancelled or not."""
    later = PlannedWindow.objects.filter(
        change=OuterRef("change"), environment=OuterRef("environment"), number__gt=OuterRef("number")
    )
    return PlannedWindow.objects.filter(~Exists(later)).select_related("change", "by")


def standing_windows(*, span: Span) -> QuerySet[PlannedWindow]:
    """Windows that stand and reach into ``span``, earliest first."""
    found = newest_windows().filter(cancelled=False, ends_at__gt=span.starts_at, starts_at__lt=span.ends_at)
    return found.order_by("starts_at", "id")


def freezes() -> QuerySet[Any]:
    """All freezes with their end as it stands (``until``, which the model itself does not have)."""
    until = Coalesce("early_end__ends_at", "ends_at", output_field=DateTimeField())
    return Freeze.objects.annotate(until=until).select_related("by", "early_end")


def freezes_within(*, span: Span) -> QuerySet[Freeze]:
    """Freezes that reach into ``span``, earliest first. One that was ended before it began reaches nowhere."""
    found = freezes().filter(until__gt=span.starts_at, starts_at__lt=span.ends_at)
    return found.filter(until__gt=F("starts_at")).order_by("starts_at", "id")


def freezing_of(row: Freeze) -> Freezing:
    """A row of ``freezes`` as a value."""
    return Freezing(
        pk=row.pk,
        name=row.name,
        hard=row.level == Freeze.Level.HARD,
        span=span_of(row),
        environments=frozenset(row.environments),
        repositories=frozenset(row.repositories),
        apps=frozenset(row.apps),
    )


def span_of(row: Freeze) -> Span:
    """When a row of ``freezes`` is in force."""
    until: datetime = vars(row)["until"]
    return Span(row.starts_at, until)


def apps_of(repositories: Iterable[str]) -> Apps:
    """Which apps the releases of these repositories went to. One query."""
    names = set(repositories)
    rows = Release.objects.filter(repository__name__in=names).exclude(app="") if names else Release.objects.none()
    found: dict[str, set[str]] = {}
    for name, app in rows.order_by().values_list("repository__name", "app").distinct():
        found.setdefault(name, set()).add(app)
    return {name: frozenset(apps) for name, apps in found.items()}


def assets_of(*, environment: str, repositories: Iterable[str], apps: Apps) -> Assets:
    """What a change of these repositories touches in one environment."""
    names = frozenset(repositories)
    return Assets(environment, names, frozenset(app for name in names for app in apps.get(name, ())))


def windows_with_assets(rows: Iterable[PlannedWindow]) -> list[Window]:
    """Windows as values, with what they touch. One query for all of their apps."""
    found = list(rows)
    apps = apps_of(name for row in found for name in row.change.repository_names)
    return [
        Window(
            change=row.change.number,
            title=row.change.title,
            span=Span(row.starts_at, row.ends_at),
            assets=assets_of(environment=row.environment, repositories=row.change.repository_names, apps=apps),
        )
        for row in found
    ]


def confirmed_overrides(change: Change) -> QuerySet[FreezeOverride]:
    """Overrides of this change that two people gave, with both of them."""
    found = FreezeOverride.objects.filter(change=change, answer__verdict=OverrideAnswer.Verdict.YES)
    return found.select_related("proposed_by", "answer__by").order_by("id")


def waiting_overrides(*, at: datetime) -> QuerySet[FreezeOverride]:
    """Overrides that wait for a second person."""
    found = FreezeOverride.objects.filter(answer=None, expires_at__gt=at)
    return found.select_related("change", "freeze", "proposed_by").order_by("expires_at", "id")


def freezes_over(*, repositories: Iterable[str], span: Span) -> list[tuple[Freezing, frozenset[str]]]:
    """Freezes in ``span`` that cover some of these repositories or their apps, each with the names of those.

    Whether the environment is covered is left to the caller. Asks for apps only when some freeze names apps.
    """
    names = frozenset(repositories)
    found = [freezing_of(row) for row in freezes_within(span=span)]
    apps = apps_of(names) if any(freeze.apps for freeze in found) else {}
    covered = [(freeze, frozenset(name for name in names if _covers(freeze, name, apps))) for freeze in found]
    return [(freeze, those) for freeze, those in covered if those]


def _covers(freeze: Freezing, repository: str, apps: Apps) -> bool:
    return freeze.everywhere or repository in freeze.repositories or bool(freeze.apps & apps.get(repository, frozenset()))


def feeds_of(user: User) -> QuerySet[CalendarFeed]:
    """A person's feeds, newest first."""
    return CalendarFeed.objects.filter(user=user).order_by("-made_at", "-id")


def changes_under(*, freeze: Freezing) -> QuerySet[Change]:
    """Open changes that a freeze may hold, by their repositories; those without any repository are not held by anything yet."""
    rows = Change.objects.filter(state__in=("draft", "proposed", "approved")).exclude(repository_names=[])
    if freeze.everywhere:
        return rows.order_by("id")
    feeding = Release.objects.filter(app__in=freeze.apps).exclude(repository=None).values_list("repository__name", flat=True)
    names = freeze.repositories | set(feeding.distinct())
    return rows.filter(repository_names__overlap=sorted(names)).order_by("id")
