"""What is asked about how it went."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from changes.delivery.models import Environment, Release
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.outcomes.models import DeployMark, RollbackDrill
from changes.outcomes.policy import ONE_DEPLOY, next_drill_due
from changes.proposals import queries as proposals
from changes.proposals.classification import has_migration
from changes.proposals.models import Change, Undoing
from portal.access.scope import Scope


def troubles_of(change: Change) -> list[str]:
    """What the records hold against "it went well", each in words; empty when nothing went wrong."""
    releases = list(proposals.releases_of(list(proposals.linked_pull_requests(change))))
    found = [f"{row} failed" for row in releases if row.environment == Environment.PRODUCTION and row.state == Release.State.FAILED]
    marks = DeployMark.objects.filter(release__in=releases, what=DeployMark.What.FAILED, withdrawn_at=None).select_related(
        "release"
    )
    found += [f"{mark.release} is marked as failed" for mark in marks.order_by("id")]
    undoings = told_once(change.undoings.select_related("release", "pull_request")).order_by("id")
    found += [f"it was undone by {row.release or row.pull_request}" for row in undoings]
    open_ones = ExceptionRecord.objects.filter(change=change).exclude(state__in=(ExceptionState.CLEARED, ExceptionState.FILTERED))
    found += [record.sentence.rstrip(".") for record in open_ones.order_by("id")]
    return found


def has_migration_in(change: Change) -> bool:
    """Whether a database migration is among the paths that are known."""
    paths = [path for row in proposals.linked_pull_requests(change) for path in row.paths or ()]
    return bool(has_migration(paths))


def earlier_releases(change: Change) -> list[Release]:
    """Releases to production that a rollback of the change can go back to: those that succeeded before its own, newest first."""
    own = proposals.releases_of(list(proposals.linked_pull_requests(change))).filter(environment=Environment.PRODUCTION)
    first = own.order_by("created_at").first()
    if first is None or first.repository is None:
        return []
    place = Release.objects.filter(repository=first.repository, environment=Environment.PRODUCTION, succeeded_at__isnull=False)
    return list(place.filter(created_at__lt=first.created_at).order_by("-created_at", "-id")[:20])


def apps_in_production() -> list[str]:
    """Names of the apps that were ever released to production, and of repositories without an app, in alphabetical order."""
    return sorted(_first_releases())


def undoings(scope: Scope) -> QuerySet[Undoing]:
    """Rollbacks that happened, newest first, inside what a request may see."""
    rows = Undoing.objects.select_related("change", "release", "release__repository", "pull_request", "pull_request__repository")
    if scope.repositories is not None:
        rows = rows.filter(change__repository_names__overlap=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(started_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(started_at__lt=scope.window_to)
    return told_once(rows).order_by("-started_at", "-id")


def told_once(rows: QuerySet[Undoing]) -> QuerySet[Undoing]:
    """Without those by a deployment at the forge where the release at Fly that carried it out undid the same change."""
    began = OuterRef("started_at")
    carried_out = Undoing.objects.filter(
        change=OuterRef("change"),
        release__source=Release.Source.FLY,
        release__commit_sha=OuterRef("release__commit_sha"),
        started_at__gte=began - ONE_DEPLOY,
        started_at__lte=began + ONE_DEPLOY,
    )
    return rows.filter(Q(kind=Undoing.Kind.REVERT) | Q(release__source=Release.Source.FLY) | ~Exists(carried_out))


@dataclass(frozen=True)
class DrillClock:
    """When an app proved last that it can go back, and when it has to next."""

    app: str
    last: datetime | None
    due_at: datetime
    overdue: bool


def drill_clocks(*, at: datetime, every: timedelta) -> list[DrillClock]:
    """One line for each app in production, the longest due first. A real rollback that succeeded proves it as well."""
    first = _first_releases()
    proved = _last_proofs()
    lines = [_clock(app, first[app], proved.get(app), every, at) for app in first]
    return sorted(lines, key=lambda line: (line.due_at, line.app))


def _clock(app: str, first: datetime, last: datetime | None, every: timedelta, at: datetime) -> DrillClock:
    due = next_drill_due(last=last, first_release=first, every=every)
    return DrillClock(app=app, last=last, due_at=due, overdue=due < at)


def _first_releases() -> dict[str, datetime]:
    """By app; a deployment at GitHub names none, and counts for its repository only where no release of that names one."""
    known = Release.objects.filter(environment=Environment.PRODUCTION).order_by().values("app", "repository__name")
    rows = list(known.annotate(first=Min("created_at")))
    have_apps = {row["repository__name"] for row in rows if row["app"]}
    own = [row for row in rows if row["app"] or row["repository__name"] not in have_apps]
    return _by_name((row["app"] or row["repository__name"], row["first"]) for row in own)


def _last_proofs() -> dict[str, datetime]:
    drills = RollbackDrill.objects.filter(outcome=RollbackDrill.Outcome.WORKED).order_by().values("app")
    real = Release.objects.filter(environment=Environment.PRODUCTION, rolls_back__isnull=False, succeeded_at__isnull=False)
    done = real.order_by().values("app", "repository__name").annotate(last=Max("succeeded_at"))
    pairs = [(row["app"], row["last"]) for row in drills.annotate(last=Max("began_at"))]
    pairs += [(row["app"] or row["repository__name"], row["last"]) for row in done]
    found: dict[str, datetime] = {}
    for app, last in pairs:
        found[app] = max(found.get(app, last), last)
    return found


def _by_name(pairs: Iterable[tuple[str | None, datetime]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for app, moment in pairs:
        if app:
            found[app] = min(found.get(app, moment), moment)
    return found
