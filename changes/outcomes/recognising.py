"""Recognises that a change was undone: by a release that went back behind it, or by a pull request that reverts it (P-17).

Sources: GitHub's button writes "Reverts owner/name#17" into the body of the pull request that it opens; ``git revert`` writes
"This reverts commit <sha>." into the message of the commit, and 'Revert "…"' into its subject.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from changes.delivery.models import Environment, PullRequest, Push, Release, Repository
from changes.proposals import queries
from changes.proposals.models import Change, LinkedPullRequest, Undoing
from changes.proposals.moving import ring_for, stream_of
from portal.ledger.actions import append

BUTTON = re.compile(r"^\s*Reverts\s+(?P<repository>[\w.-]+(?:/[\w.-]+)+)?[#!](?P<number>\d{1,9})\b", re.MULTILINE | re.IGNORECASE)
COMMIT = re.compile(r"This reverts commit (?P<sha>[0-9a-f]{7,64})\b", re.IGNORECASE | re.ASCII)
SAID = "reverts commit"
"""Most texts do not say it, and the expression takes ten times as long to find that out."""
SUBJECT = re.compile(r'^\s*Revert "(?P<title>.+)"', re.IGNORECASE)
KEPT = 200
"""Releases of one app that a rollback can skip at once."""
Undone = tuple[Change, Undoing]


def recognise(
    *, repository: Repository, pull_requests: Iterable[PullRequest], releases: Iterable[Release], at: datetime
) -> list[Change]:
    """Note what pull requests and releases of a repository undo, and what has come to its end. Returns the changes concerned.

    Doing it again changes nothing.
    """
    found: dict[int, Change] = {}
    rows = {row.pk: row for row in pull_requests if row.state == PullRequest.State.MERGED and row.merged_at is not None}
    told = _messages(repository, [row.merge_sha for row in rows.values() if row.merge_sha])
    for row in rows.values():
        found.update({change.pk: change for change in _note_revert(row, at, told.get(row.merge_sha, ()))})
    for release in releases:
        found.update({change.pk: change for change in _note_rollback(release, at)})
    waiting = Undoing.objects.filter(kind=Undoing.Kind.REVERT, finished_at=None, pull_request__repository=repository)
    for undoing in waiting.exclude(pull_request__in=rows).select_related("pull_request"):
        if undoing.pull_request is not None:
            found.update({change.pk: change for change in _note_revert(undoing.pull_request, at)})
    return list(found.values())


def _messages(repository: Repository, merges: Iterable[str]) -> dict[str, list[str]]:
    """The messages of the commits that pushes of these merges brought, by merge."""
    found: dict[str, list[str]] = {}
    pushes = Push.objects.filter(repository=repository, after__in=set(merges)).order_by("id")
    for after, commits in pushes.values_list("after", "commits"):
        found.setdefault(after, []).extend(str(commit.get("message") or "") for commit in commits)
    return found


def _note_revert(row: PullRequest, at: datetime, messages: Sequence[str] | None = None) -> list[Change]:
    changes = reverted_by(row, messages) if row.merged_at else []
    for change in changes:
        finished = _reverted_in_production_at(row)
        began = row.merged_at or at
        _note(change, at, kind=Undoing.Kind.REVERT, pull_request=row, started_at=began, finished_at=finished)
    return changes


def _note_rollback(release: Release, at: datetime) -> list[Change]:
    if release.rolls_back_id is None or release.environment != Environment.PRODUCTION:
        return []
    changes = undone_by(release)
    for change in changes:
        began, finished = release.created_at, release.succeeded_at
        _note(change, at, kind=Undoing.Kind.RELEASE, release=release, started_at=began, finished_at=finished)
    return changes


def reverted_by(row: PullRequest, messages: Sequence[str] | None = None) -> list[Change]:
    """The changes whose pull requests ``row`` reverts, as its body, its commits or its title say. Never its own.

    ``messages`` are those of the commits that its merge pushed, where the caller knows them.
    """
    wanted = Q()
    for match in BUTTON.finditer(row.body):
        wanted |= Q(repository__name=match["repository"] or row.repository.name, number=int(match["number"]))
    if messages is None:
        messages = _messages(row.repository, [row.merge_sha]).get(row.merge_sha, ()) if row.merge_sha else ()
    for sha in _reverted_commits([row.body, *messages]):
        wanted |= Q(repository=row.repository) & (Q(merge_sha__startswith=sha) | Q(head_sha__startswith=sha))
    subject = SUBJECT.match(row.title)
    if not (wanted or subject):
        return []
    earlier = PullRequest.objects.filter(state=PullRequest.State.MERGED).exclude(pk=row.pk)
    named = earlier.filter(wanted) if wanted else earlier.none()
    if subject and not named.exists():
        before = earlier.filter(repository=row.repository, title=subject["title"], merged_at__lt=row.merged_at)
        named = earlier.filter(pk__in=before.order_by("-merged_at").values("pk")[:1])
    carried = LinkedPullRequest.objects.filter(pull_request__in=named).exclude(role=LinkedPullRequest.Role.BACK_MERGE)
    return list(Change.objects.filter(pk__in=carried.values("change")).exclude(links__pull_request=row).order_by("id"))


def _reverted_commits(texts: Iterable[str]) -> set[str]:
    """Full or short commits that the texts of a pull request and of the push that merged it name."""
    return {match["sha"].lower() for text in texts if SAID in text.lower() for match in COMMIT.finditer(text)}


def _reverted_in_production_at(row: PullRequest) -> datetime | None:
    """When the first production release after the merge carried the revert."""
    for change in queries.changes_of(row):
        rows = list(queries.linked_pull_requests(change))
        good = queries.releases_of(rows).filter(environment=Environment.PRODUCTION, succeeded_at__gte=row.merged_at)
        first = good.order_by("succeeded_at").values_list("succeeded_at", flat=True).first()
        if first is not None:
            return first
    return None


def undone_by(release: Release) -> list[Change]:
    """The changes that a rollback took out: all that were released between the release it went back to and itself."""
    skipped = _skipped(release)
    commits = {row.commit_sha for row in skipped} - {"", release.commit_sha}
    linked = LinkedPullRequest.objects.filter(
        Q(pull_request__merge_sha__in=commits) | Q(pull_request__head_sha__in=commits),
        pull_request__repository=release.repository,
    )
    carried = linked.exclude(role=LinkedPullRequest.Role.BACK_MERGE)
    return list(Change.objects.filter(pk__in=carried.values("change")).order_by("id"))


def _skipped(release: Release) -> list[Release]:
    """Releases of the same place between the last one with the same content and this rollback, newest first."""
    place = Release.objects.filter(
        repository=release.repository, app=release.app, source=release.source, environment=release.environment
    )
    skipped: list[Release] = []
    for row in place.filter(created_at__lt=release.created_at).order_by("-created_at", "-id")[:KEPT]:
        if release.commit_sha and row.commit_sha == release.commit_sha:
            return skipped
        skipped.append(row)
    return [release.rolls_back] if release.rolls_back else []


@transaction.atomic
def _note(change: Change, at: datetime, *, finished_at: datetime | None, started_at: datetime, **what: object) -> None:
    queries.locked(change.pk)  # before its stream in the ledger, as whoever follows the change takes them
    row, made = Undoing.objects.get_or_create(
        change=change, **what, defaults={"started_at": started_at, "finished_at": finished_at, "at": at}
    )
    news = made or (row.finished_at is None and finished_at is not None)
    if not news:
        return
    if not made:
        row.finished_at = finished_at
        row.save(update_fields=["finished_at"])
    append(
        stream=stream_of(change),
        kind="change.undone" if finished_at else "change.undoing",
        actor="portal",
        fact={
            "by": str(row.release or row.pull_request),
            "started_at": started_at.isoformat(),
            "finished_at": finished_at.isoformat() if finished_at else None,
            "at": at.isoformat(),
        },
        rows=[row],
    )
    ring_for(change)
