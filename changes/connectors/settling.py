"""Waits until the picture of a repository stands still, then looks: promotions, findings, verdicts.

Deliveries arrive out of order. A finding that the next delivery would refute helps nobody, so the detectors run once a
repository has been quiet for some seconds, and at the latest after a minute of movement.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from changes.connectors.models import Delivery, Reading, Settling
from changes.connectors.slack.production_log import keep_log
from changes.delivery.models import PullRequest, Push, Release, Repository
from changes.delivery.releases import find_rollback
from changes.delivery.rule_models import RuleEvent
from changes.emergencies.bypasses import settle_emergencies
from changes.emergencies.pushed import follow_pushes
from changes.emergencies.reminding import tell_threads
from changes.exceptions import detect
from changes.exceptions.actions import Found, reconcile, reconcile_population
from changes.exceptions.merges import about_merges
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.exceptions.rule_edits import match_rules
from changes.exceptions.waived import find_waivers
from changes.gates.actions import freeze, reassess_all
from changes.gates.models import Verdict
from changes.outcomes.recognising import recognise
from changes.proposals.following import join_all
from changes.proposals.known import Known
from changes.proposals.models import Change
from changes.proposals.queries import locking
from changes.proposals.refreshing import refresh_all
from portal.policy.in_force import parameters_at
from portal.rows import as_json, reload_rows, sending

QUIET = timedelta(seconds=4)
LATEST = timedelta(seconds=60)
SLICE = 100
"""Pull requests that are settled in one transaction, with all changes that they carry, at some 10 ms each: a flood holds no lock
for a minute, and ends before any time limit."""
RUN = timedelta(seconds=30)
"""A run begins no further slice after this; Celery's hard limit is 60 seconds."""
HELD = timedelta(minutes=5)
"""How long a subject waits for its reading at most."""
UPSERT = """
INSERT INTO changes_settling (repository_id, quiet_after, since) VALUES (%s, %s, %s)
ON CONFLICT (repository_id) DO UPDATE SET quiet_after = greatest(changes_settling.quiet_after, EXCLUDED.quiet_after),
    since = least(changes_settling.since, EXCLUDED.since)
"""
FILL = """
UPDATE changes_pullrequest row SET paths = told.paths FROM json_to_recordset(%s) AS told (id bigint, paths text[])
WHERE row.id = told.id AND row.paths IS NULL
"""


def touch(*, repository: Repository, at: datetime, since: datetime | None = None) -> None:
    """Note that something about ``repository`` has moved at ``at``, and for the first time at ``since`` when that was earlier."""
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [repository.pk, at + QUIET, since or at])


def settle_due(*, now: Callable[[], datetime]) -> int:
    """Settle every repository that has been quiet long enough. Returns how many were settled, slices counted singly."""
    at = now()
    ends_at = at + RUN
    due = Settling.objects.filter(Q(quiet_after__lte=at) | Q(since__lte=at - LATEST)).order_by("quiet_after", "id")
    settled = 0
    for pk in list(due.values_list("pk", flat=True)):
        while (moment := now()) < ends_at and settle_one(pk=pk, at=moment):
            settled += 1
    return settled


def settle_one(*, pk: int, at: datetime) -> int:
    """Settle one repository in one transaction. Returns 1, or 0 when it moves again or another worker has it.

    After a flood it is one slice of what moved, oldest first; the rest stays due.
    """
    with transaction.atomic():
        row = Settling.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
        if row is None:
            return 0
        repository = Repository.objects.get(pk=row.repository_id)
        if row.since > at - LATEST and _still_moving(repository, at):
            Settling.objects.filter(pk=pk).update(quiet_after=at + timedelta(seconds=1))
            return 0
        until = _end_of_slice(repository, row.since)
        if until is None:
            Settling.objects.filter(pk=pk).delete()
        else:
            Settling.objects.filter(pk=pk).update(since=until, quiet_after=at)
        settle(repository=repository, since=row.since, until=until, at=at)
    return 1


def _end_of_slice(repository: Repository, since: datetime) -> datetime | None:
    """When the first pull request behind the slice was touched; None when everything that moved fits into one."""
    moved = PullRequest.objects.filter(repository=repository, touched_at__gte=since).order_by("touched_at")
    last = moved.values_list("touched_at", flat=True)[SLICE : SLICE + 1].first()
    if last is None or last > since:
        return last
    # What was read at one moment is settled together; what was touched later waits for its own slice.
    return moved.filter(touched_at__gt=last).values_list("touched_at", flat=True).first()


def _still_moving(repository: Repository, at: datetime) -> bool:
    """Deliveries wait, or something has not been read again for the first time yet."""
    waiting = Delivery.objects.filter(state=Delivery.State.NEW, received_at__lte=at).exists()
    return waiting or bool(_unread(repository, at))


def _unread(repository: Repository, at: datetime) -> set[str]:
    """What has been hinted at and not been read yet, while its source answers: no finding is drawn from it so far."""
    rows = Reading.objects.filter(
        repository=repository, done_at=None, attempts=0, source__paused_at=None, source__failures=0, wanted_at__gte=at - HELD
    )
    return set(rows.values_list("subject", flat=True))


def subjects_of(row: PullRequest) -> set[str]:
    """The readings that tell of a pull request."""
    return {f"{what}:{row.number}" for what in ("pull_request", "files")} | {
        f"{what}:{row.head_sha}" for what in ("checks", "statuses")
    }


def settle(*, repository: Repository, since: datetime, at: datetime, until: datetime | None = None) -> None:
    """Look at everything about ``repository`` that moved from ``since`` on, and before ``until`` if that is given.

    Running it twice changes nothing.
    """
    reported = within("reported_at", since, until)
    releases = list(Release.objects.filter(reported, repository=repository).order_by("created_at", "id"))
    _mark_rollbacks(repository, releases)
    rows = _rows(repository, releases, within("touched_at", since, until))
    _fill_paths(repository, rows)
    changes = {change.pk: change for change in join_all(pull_requests=rows, at=at, settled=True)}
    known = Known(at=at)
    # Once each, however many of its pull requests moved: work and promotions are joined by now.
    refresh_all(changes=list(changes.values()), known=known)
    undone = recognise(repository=repository, pull_requests=rows, releases=releases, at=at)
    refresh_all(changes=undone, known=known)
    changes |= {change.pk: change for change in undone}
    # As they stand now; they stay locked from here on, so that what is read for all of them still holds when it is written.
    reload_rows(list(changes.values()), of=locking().select_related("requester"))
    reassess_all(changes=list(changes.values()), at=at)
    unread = _unread(repository, at)
    read = [row for row in rows if not subjects_of(row) & unread]
    waiting = {row.pk for row in rows} - {row.pk for row in read}
    held = set(Change.objects.filter(links__pull_request__in=waiting).values_list("pk", flat=True))
    judged = [change for change in changes.values() if change.pk not in held]
    _find(repository, read, releases, judged, reported, at)
    settle_emergencies(repository=repository, at=at)
    for change in _merged(judged, repository):
        _freeze(change, repository, at)
    follow_pushes(repository=repository, commits=commits_of(releases), at=at)
    tell_threads(changes=[change.pk for change in judged], at=at)
    keep_log(repository=repository, releases=releases, changes=judged, at=at)


def _mark_rollbacks(repository: Repository, releases: list[Release]) -> None:
    """Later releases of the same place are looked at again: an earlier one may only just have become known."""
    if not releases:
        return
    oldest = min(row.created_at for row in releases)
    for row in Release.objects.filter(repository=repository, created_at__gte=oldest).order_by("created_at", "id"):
        undoes = find_rollback(row)
        if (undoes.pk if undoes else None) != row.rolls_back_id:
            row.rolls_back = undoes
            row.save(update_fields=["rolls_back"])


def within(field: str, since: datetime, until: datetime | None) -> Q:
    """The moment in ``field`` is ``since`` or later, and before ``until`` if that is given."""
    from_then = Q(**{f"{field}__gte": since})
    return from_then if until is None else from_then & Q(**{f"{field}__lt": until})


def commits_of(releases: list[Release]) -> set[str]:
    """The commits that these releases put into an environment, or took out."""
    commits = {row.commit_sha for row in releases} | {row.rolls_back.commit_sha for row in releases if row.rolls_back}
    return commits - {""}


def _rows(repository: Repository, releases: list[Release], touched: Q) -> list[PullRequest]:
    """Pull requests that moved, and those whose commits a release has put into (or taken out of) an environment."""
    commits = commits_of(releases)
    moved = touched | Q(merge_sha__in=commits) | Q(head_sha__in=commits)
    return list(PullRequest.objects.filter(moved, repository=repository).order_by("opened_at", "number"))


def _fill_paths(repository: Repository, rows: list[PullRequest]) -> None:
    """Paths of merged pull requests that the API has not told: those of the push that merged them."""
    unread = {row.merge_sha: row for row in rows if row.paths is None and row.state == PullRequest.State.MERGED and row.merge_sha}
    told: dict[int, list[str]] = {}
    for push in Push.objects.filter(repository=repository, after__in=unread).order_by("id"):
        paths = sorted({path for commit in push.commits for path in commit.get("paths", [])})
        if paths:
            told.setdefault(unread[push.after].pk, paths)
    if told:
        with sending() as cursor:
            cursor.execute(FILL, [as_json([{"id": pk, "paths": paths} for pk, paths in told.items()])])


def _find(
    repository: Repository, rows: list[PullRequest], releases: list[Release], changes: list[Change], reported: Q, at: datetime
) -> None:
    judged = PullRequest.objects.defer("body").select_related("repository").prefetch_related("reviews")
    read = judged.in_bulk([row.pk for row in rows])
    whole = [read[row.pk] for row in rows]
    pushes = Push.objects.filter(reported, repository=repository)
    merges = {row.merge_sha for row in rows if row.merge_sha}
    pushes = Push.objects.filter(Q(pk__in=pushes.values("pk")) | Q(repository=repository, after__in=merges)).order_by(
        "pushed_at", "id"
    )
    events = list(RuleEvent.objects.filter(reported, repository=repository).select_related("match", "repository").order_by("id"))
    match_rules(events=events, at=at)
    unread = _unread(repository, at)
    looks = [
        *detect.about_pull_requests(rows=whole, parameters=parameters_at(at)),
        *detect.about_pushes(repository=repository, pushes=[push for push in pushes if f"commit:{push.after}" not in unread]),
        *detect.about_rules(repository=repository, events=events),
        *detect.about_releases(repository=repository, releases=_releases_to_judge(repository, at)),
    ]
    if repository.approved_by == Repository.ApprovedBy.PORTAL:
        looks += detect.about_approval(changes=changes)
    _reconcile(repository, looks, at)
    find_waivers(changes=changes, at=at)
    if repository.mirrored_at is not None:
        reconcile_population(repository=repository, found=list(detect.about_population(repository=repository)), at=at)
        _reconcile(repository, [about_merges(repository=repository)], at)


def _releases_to_judge(repository: Repository, at: datetime) -> list[Release]:
    """Releases that nobody has looked at since their last report, and those with an open finding.

    A commit that is not known yet may only not have been fetched yet: such a release waits for the next mirror.
    """
    doubted = ExceptionRecord.objects.filter(repository=repository, kind="unknown_release", state=ExceptionState.OPEN)
    keys = [record.evidence.get("release_id") for record in doubted]
    fresh = Q(judged_at=None) | Q(judged_at__lt=F("reported_at")) | Q(pk__in=[key for key in keys if key])
    rows = list(Release.objects.filter(fresh, repository=repository).order_by("created_at", "id"))
    waiting = [row for row in rows if detect.is_unknown(repository, row) and _mirror_is_behind(repository, row)]
    if waiting:
        Repository.objects.filter(pk=repository.pk).update(mirror_wanted_at=at)
        touch(repository=repository, at=at)
    judged = [row for row in rows if row not in waiting]
    Release.objects.filter(pk__in=[row.pk for row in judged]).update(judged_at=at)
    return judged


def _mirror_is_behind(repository: Repository, row: Release) -> bool:
    """Whether a working mirror has not been fetched since this release became known."""
    mirrored = repository.mirrored_at
    return mirrored is not None and not repository.mirror_error and mirrored < row.reported_at


def _reconcile(repository: Repository, looks: list[tuple[str, list[Found]]], at: datetime) -> None:
    found = [item for _, items in looks for item in items]
    reconcile(repository=repository, found=found, looked_at=[prefix for prefix, _ in looks], at=at)


def _merged(changes: list[Change], repository: Repository) -> list[Change]:
    """Those of these changes that were merged to production."""
    into_prod = PullRequest.objects.filter(state=PullRequest.State.MERGED, base_ref=repository.prod_branch, repository=repository)
    merged = into_prod.filter(links__change__in=[change.pk for change in changes]).values_list("links__change", flat=True)
    there = set(merged)
    return [change for change in changes if change.pk in there]


def _freeze(change: Change, repository: Repository, at: datetime) -> None:
    """Freeze the verdict of the merge to production, and that of the release."""
    merged = PullRequest.objects.filter(
        links__change=change, state=PullRequest.State.MERGED, base_ref=repository.prod_branch, repository=repository
    ).order_by("merged_at", "id")
    for row in merged:
        before = [f"{name}#{row.number}" for name in repository.former_names]
        freeze(change=change, moment=Verdict.Moment.MERGE, subject=str(row), at=at, known_as=before)
        released = Release.objects.filter(repository=repository, environment="production", commit_sha=row.merge_sha)
        for release in released.exclude(succeeded_at=None).exclude(commit_sha="").order_by("id"):
            freeze(change=change, moment=Verdict.Moment.RELEASE, subject=str(release), at=at)
