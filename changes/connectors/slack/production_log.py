"""The log of production changes: one message for what one commit brings to production, edited in place as it moves (P-14).

It is read from the records, so no release is forgotten whichever way it became known. The message's name is the repository with
the commit; a release whose commit is not known has its own. Later versions replace it; what could not be posted while the channel
was closed is posted once when it is open again, after a look whether it is there (``messages``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from changes.connectors.models import Source
from changes.connectors.slack.messages import KIND
from changes.connectors.slack.outside import slack
from changes.delivery.log_models import ReleaseLog
from changes.delivery.models import Environment, Release, Repository
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.gates.deploy import carried_changes
from changes.proposals.models import Change, LinkedPullRequest
from portal.ledger.actions import append
from portal.outbox.actions import enqueue
from portal.outbox.models import Effect
from portal.ui.doorbell import ring

CHANNEL = "changes"
PREFIX = "log:"
BACK = timedelta(days=30)
"""How far back messages are looked at that were posted and are not on record yet."""
SHOWN = 8
"""Releases and changes that a message names."""


def name_of(release: Release) -> str:
    """The key of the message that logs this release."""
    if release.repository is None or not release.commit_sha:
        return f"{PREFIX}release-{release.pk}"
    return f"{PREFIX}{release.repository.key}:{release.commit_sha}"


def keep_log(*, repository: Repository, releases: Iterable[Release], changes: Iterable[Change], at: datetime) -> int:
    """Ask for the messages of releases to production that moved, or whose change moved. Returns how many were asked for."""
    source = slack()
    if source is None:
        return 0
    moved = [release.pk for release in releases]
    merges = LinkedPullRequest.objects.filter(change__in=[change.pk for change in changes], pull_request__repository=repository)
    commits = set(merges.exclude(pull_request__merge_sha="").values_list("pull_request__merge_sha", flat=True))
    wanted = _to_be_logged(source).filter(Q(pk__in=moved) | Q(commit_sha__in=commits), repository=repository)
    names = {name_of(release): release for release in wanted.order_by("created_at", "id")}
    return sum(_keep(name, release, repository, at) for name, release in names.items())


def _to_be_logged(source: Source) -> QuerySet[Release]:
    """Without what was released before Slack was connected: that is history, also when its commit is released again."""
    return _in_production().filter(created_at__gte=source.connected_at)


def _in_production() -> QuerySet[Release]:
    rows = Release.objects.filter(environment=Environment.PRODUCTION).select_related("repository")
    return rows.exclude(state=Release.State.PENDING)


@transaction.atomic
def _keep(name: str, release: Release, repository: Repository, at: datetime) -> bool:
    payload = payload_of(release=release, repository=repository)
    versions = Effect.objects.filter(Q(key=name) | Q(kind=KIND, subject=name)).order_by("-id")
    newest = versions.first()
    if newest is None:
        enqueue(kind=KIND, key=name, payload=payload, at=at)
        return True
    shown = {field: value for field, value in newest.payload.items() if field != "update_of"}
    if shown == payload:
        return False
    enqueue(kind=KIND, key=f"{name}:{versions.count()}", payload={**payload, "update_of": name}, at=at, subject=name)
    return True


def payload_of(*, release: Release, repository: Repository) -> dict[str, Any]:
    """What the message says now."""
    rows = list(_in_production().filter(repository=repository, commit_sha=release.commit_sha).order_by("created_at", "id"))
    together = rows if release.commit_sha else [release]
    changes = list(carried_changes(repository=repository, commit=release.commit_sha)) if release.commit_sha else []
    what = release.commit_sha[:7] or release.app or "something"
    lines = [_line(row) for row in together[:SHOWN]]
    lines += [f"{change}: {change.title} ({change.get_state_display().lower()})" for change in changes[:SHOWN]]
    if not changes:
        lines.append("No change is on record for it.")
    lines += _open(changes)
    path = f"changes/{changes[0].number}" if changes else f"deploys/{release.pk}"
    return {
        "channel": CHANNEL,
        "text": f"{repository.name} {what} to production: {together[-1].get_state_display().lower()}",
        "lines": lines,
        "link": {"text": "Open in Countersign", "url": f"{settings.BASE_URL}/{path}/"},
    }


def _line(row: Release) -> str:
    name = f"{row.app} v{row.version}" if row.app else "GitHub deployment"
    back = ", a rollback" if row.rolls_back_id else ""
    when = f"{row.created_at.astimezone(UTC):%-d %b %H:%M} UTC"
    return f"{name} by {row.actor or 'somebody'} at {when}: {row.get_state_display().lower()}{back}"


def _open(changes: Iterable[Change]) -> list[str]:
    count = ExceptionRecord.objects.filter(change__in=[change.pk for change in changes], state=ExceptionState.OPEN).count()
    return [f"{count} open exception{'s' if count != 1 else ''}."] if count else []


def note_posted(*, at: datetime) -> set[Repository]:
    """Keep as evidence which releases stand in the channel. Returns the repositories whose changes are to be judged again."""
    source = slack()
    if source is None:
        return set()
    posted = Effect.objects.filter(kind=KIND, key__startswith=PREFIX, state=Effect.State.DONE, done_at__gte=at - BACK)
    effects: dict[str, list[Effect]] = {}
    for effect in posted.defer("payload").order_by("done_at", "id"):
        if (effect.result or {}).get("posted"):
            effects.setdefault(effect.subject or effect.key, []).append(effect)
    ends = [name.rpartition(":")[2] for name in effects]
    numbers = [int(end.removeprefix("release-")) for end in ends if end.startswith("release-")]
    rows = _to_be_logged(source).filter(Q(commit_sha__in=[end for end in ends if end]) | Q(pk__in=numbers), log=None)
    noted: set[Repository] = set()
    for row in rows.order_by("id"):
        told = _of(row, effects.get(name_of(row), []))
        if told is not None and _note(row, told, at) and row.repository is not None:
            noted.add(row.repository)
    return noted


def _of(release: Release, versions: Sequence[Effect]) -> Effect | None:
    """The version of a message that first told of a release: a commit that is released again long after has its message anew."""
    since = (effect for effect in versions if effect.done_at is not None and effect.done_at >= release.created_at)
    return next(since, versions[-1] if versions else None)


@transaction.atomic
def _note(release: Release, effect: Effect, at: datetime) -> bool:
    result = effect.result or {}
    place = {"channel": result["channel"], "ts": result["ts"], "permalink": result.get("permalink") or ""}
    row, made = ReleaseLog.objects.get_or_create(release=release, defaults={**place, "posted_at": effect.done_at or at, "at": at})
    if made:
        append(
            stream=f"release:{release.pk}",
            kind="release.logged",
            actor="portal",
            fact={"release": str(release), "permalink": row.permalink, "posted_at": row.posted_at.isoformat()},
            rows=[row],
        )
        Release.objects.filter(pk=release.pk).update(reported_at=at)  # so that its changes are judged again
        ring("deploys")
    return made


@transaction.atomic
def post_again(*, at: datetime) -> int:
    """After the channel was closed: messages of the log that were set aside meanwhile are tried once more. Returns how many."""
    rows = Effect.objects.select_for_update().filter(kind=KIND, key__startswith=PREFIX, state=Effect.State.QUARANTINED)
    keys = list(rows.order_by("id").values_list("key", flat=True))
    if keys:
        Effect.objects.filter(key__in=keys).update(state=Effect.State.WAITING, attempts=0, not_before=at, error="")
        append(stream="outbox", kind="effect.posted_again", actor="portal", fact={"effects": keys, "at": at.isoformat()}, rows=[])
    return len(keys)


@dataclass(frozen=True)
class Day:
    """One day (UTC): releases to production, and how many of them have their message, in time or late."""

    day: date
    releases: int
    logged: int
    late: int
    missing: tuple[Release, ...]


def per_day(*, days: int, at: datetime, within: timedelta) -> list[Day]:
    """Releases to production against messages, newest day first. ``within``: how long after a release its message is in time."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Release.objects.filter(environment=Environment.PRODUCTION, created_at__gte=midnight - timedelta(days=days - 1))
    rows = rows.exclude(state=Release.State.PENDING).annotate(posted_at=F("log__posted_at")).order_by("created_at", "id")
    found: dict[date, list[Any]] = {(midnight - timedelta(days=back)).date(): [] for back in range(days)}
    for row in rows:
        found.setdefault(row.created_at.astimezone(UTC).date(), []).append(row)
    return [_day(day, those, within) for day, those in sorted(found.items(), reverse=True)]


def _day(day: date, rows: list[Any], within: timedelta) -> Day:
    logged = [row for row in rows if row.posted_at is not None]
    late = [row for row in logged if row.posted_at > (row.succeeded_at or row.created_at) + within]
    return Day(day, len(rows), len(logged), len(late), tuple(row for row in rows if row.posted_at is None))
