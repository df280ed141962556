"""Read the releases of the apps in scope from Fly and record them as confirmed facts (P-08, P-12, P-17).

A run asks each app for its newest releases and goes back until it meets one that is known. Machines, which say what
commit an image was built from, are asked about only when something is new, three apps a run: Fly allows one request a second
for each kind, and a worker does not sleep. What is left over is asked for by the next run.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from changes.connectors.errors import Invalid, NotFound, NotJson, Passing, Permanent
from changes.connectors.fly import recording
from changes.connectors.fly.client import Fly
from changes.connectors.fly.payloads import MachineReported, ReleaseReported
from changes.connectors.models import Source
from changes.connectors.settling import touch
from changes.delivery.models import Release, Repository

MACHINE_QUESTIONS = 3
TURN = timedelta(seconds=15)
"""Each turn another app is asked first, so that none is always left over."""
WORTH_ASKING = timedelta(minutes=15)
"""So long after a release was first seen its machines are asked for the commit; later its image is gone or has no label."""
STUCK = timedelta(days=1)
"""A release that runs longer than this is not waited for."""
OPEN = (Release.State.PENDING, Release.State.RUNNING)


@dataclass(frozen=True)
class App:
    """An app in scope. ``repository`` is None when no repository of that name is in scope."""

    name: str
    environment: str
    repository: Repository | None


@dataclass
class Questions:
    """How many questions about machines a run still has."""

    left: int = MACHINE_QUESTIONS

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def sync_releases(*, source: Source, at: datetime, among: Collection[str] | None = None) -> list[int]:
    """Record the releases of every app in ``source.settings["apps"]`` as of ``at``; returns ids of new and changed ones.

    With ``among`` only those of these names are asked about.

    An app that cannot be read does not stop the others: they are read first, then ``Permanent`` names it. ``Passing``
    ends the run at once. What was recorded before an error stays, and its repositories are marked as moved.
    """
    fly, questions = Fly(source=source), Questions()
    moved: list[int] = []
    problems: list[str] = []
    try:
        for app in _in_turn([app for app in apps_of(source) if among is None or app.name in among], at):
            fly.unusable.clear()
            try:
                moved += _sync(fly, app, questions, since=_since(source, app), at=at)
                problems += [f"{app.name}: a release cannot be used: {one}" for one in fly.unusable]
            except (NotFound, NotJson, Invalid) as problem:
                problems.append(f"{app.name}: {problem}")
        if problems:
            raise Permanent("; ".join(problems))
    except (Passing, Permanent):
        _mark(moved, at)
        raise
    return moved


def apps_of(source: Source) -> list[App]:
    """The apps in scope, in alphabetical order. A repository is found by name, or by what was recorded before a rename."""
    listed = source.settings.get("apps", {})
    return [App(name, str(one["environment"]), _repository(name, str(one["repository"]))) for name, one in sorted(listed.items())]


def _repository(app: str, name: str) -> Repository | None:
    found = Repository.objects.filter(name__iexact=name, in_scope_until=None).order_by("id").first()
    if found is not None:
        return found
    before = Release.objects.filter(source=Release.Source.FLY, app=app).exclude(repository=None)
    row = before.select_related("repository").order_by("-created_at", "-id").first()
    return row.repository if row is not None else None


def _in_turn(apps: Sequence[App], at: datetime) -> list[App]:
    if not apps:
        return []
    first = int(at.timestamp() // TURN.total_seconds()) % len(apps)
    return [*apps[first:], *apps[:first]]


def _since(source: Source, app: App) -> datetime:
    """Releases before this moment are history, which nobody has to explain."""
    return min(source.connected_at, app.repository.in_scope_from) if app.repository else source.connected_at


def _sync(fly: Fly, app: App, questions: Questions, *, since: datetime, at: datetime) -> list[int]:
    """Read one app, outside of any transaction, then record it in one."""
    known = {row.vendor_id: row for row in recording.rows_of(app.name)}
    reported = _collect(fly.releases(app=app.name), known, since=since, at=at)
    machines: list[MachineReported] = []
    if _worth_asking(reported, known, at) and questions.take():
        machines = fly.machines(app=app.name)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"fly:{app.name}"])
        return recording.record(
            app=app.name,
            environment=app.environment,
            repository=app.repository,
            reported=reported,
            machines=machines,
            at=at,
        )


def _collect(
    pages: Iterable[list[ReleaseReported]], known: dict[str, Release], *, since: datetime, at: datetime
) -> list[ReleaseReported]:
    """Releases from the newest back to one that is known, but past every known one that may still be running."""
    running = {key for key, row in known.items() if row.state in OPEN and at - row.created_at < STUCK}
    found: list[ReleaseReported] = []
    for page in pages:
        found += page
        running -= {release.vendor_id for release in page}
        last = page[-1] if page else None
        if last is None or last.created_at < since or (last.vendor_id in known and not running):
            break
    return found


def _worth_asking(reported: Iterable[ReleaseReported], known: dict[str, Release], at: datetime) -> bool:
    """Whether the machines could say something that is not on record."""
    for release in reported:
        row = known.get(release.vendor_id)
        if row is None or row.state != release.state:
            return True
        seen_at = row.confirmed_at or row.reported_at
        if not row.commit_sha and at - seen_at < WORTH_ASKING:
            return True
    return False


def _mark(moved: Iterable[int], at: datetime) -> None:
    for repository in Repository.objects.filter(releases__in=moved).distinct():
        touch(repository=repository, at=at)
