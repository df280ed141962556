"""Turn what Fly reports into rows of releases: which commit, which state since when, and whether one undoes another.

Release and commit (docs/connectors/fly.md): the label ``GH_SHA`` of the image that a machine runs, then what the same image
was released as before, then a tag that is a commit; else unknown, which the exceptions page shows. A label is a claim
of whoever built the image; that the commit is on the restricted branch is checked elsewhere, from Git.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from changes.connectors.fly.payloads import MachineReported, ReleaseReported, commit_in_tag, went_back_to
from changes.delivery.models import BranchCommit, PullRequest, Release, Repository
from changes.delivery.releases import find_rollback, same_image

FULL = (40, 64)
"""Characters of a whole SHA-1 or SHA-256."""
RETRIED = 50
"""Releases whose short commit was not known when they were seen, and may be now."""
STEADY = timedelta(days=1)
"""Until then Git may say more of the commits around a release."""
COMPARED = (
    *("repository_id", "version", "environment", "ref", "commit_sha", "image", "state", "actor", "description"),
    *("succeeded_at", "failed_at", "rolls_back_id"),
)


def rows_of(app: str) -> list[Release]:
    """All releases of an app that are on record, oldest version first."""
    rows = Release.objects.filter(source=Release.Source.FLY, app=app).select_related("repository", "rolls_back")
    return list(rows.order_by("version", "id"))


def record(
    *,
    app: str,
    environment: str,
    repository: Repository | None,
    reported: Iterable[ReleaseReported],
    machines: Sequence[MachineReported],
    at: datetime,
) -> list[int]:
    """Write what differs from the record, oldest version first; returns the ids of new and changed rows.

    Recording twice changes nothing. What is known is not forgotten when Fly no longer says it: the commit and the digest of
    an image, and when a release first succeeded or failed.
    """
    rows = {row.vendor_id: row for row in rows_of(app)}
    moved: list[int] = []
    for release in sorted(reported, key=lambda one: (one.version, one.created_at)):
        row = rows.get(release.vendor_id)
        if row is None:
            row = Release(source=Release.Source.FLY, app=app, vendor_id=release.vendor_id, reported_at=at)
            row.created_at = release.created_at
        before = _values(row)
        row.environment, row.repository = environment, repository
        _copy(row, release, at)
        _name_image(row, release, machines)
        _name_commit(row, release, machines, rows.values())
        rows[release.vendor_id] = row
        moved += _save(row, release, before, at, steady=not moved)
    return moved + _retry(rows.values(), without=set(moved), at=at)


def _values(row: Release) -> dict[str, object]:
    return {name: getattr(row, name) for name in COMPARED} if row.pk else {}


def _save(row: Release, release: ReleaseReported, before: dict[str, object], at: datetime, *, steady: bool) -> list[int]:
    """Save a row that differs from the record; then, with its neighbours in place, see whether it goes back.

    ``steady``: nothing before it differs. What is older than a day and does not differ itself goes back to nothing new then.
    """
    if not row.pk:
        row.confirmed_at = at
        row.save()
    elif steady and at - row.created_at > STEADY and _values(row) == before:
        return []
    row.rolls_back = _undone(row, release)
    if _values(row) == before:
        return []
    row.confirmed_at = at
    row.save()
    return [row.pk]


def _copy(row: Release, release: ReleaseReported, at: datetime) -> None:
    row.version, row.state = release.version, release.state
    row.actor, row.description = release.actor, release.description
    row.ref = release.image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    row.vendor_updated_at = release.updated_at
    ended = release.updated_at or (at if row.pk else release.created_at)
    if release.state == Release.State.SUCCEEDED and row.succeeded_at is None:
        row.succeeded_at = ended
    if release.state == Release.State.FAILED and row.failed_at is None:
        row.failed_at = ended
    row.finished_at = min((moment for moment in (row.succeeded_at, row.failed_at) if moment), default=None)


def _running(release: ReleaseReported, machines: Iterable[MachineReported]) -> list[MachineReported]:
    """The machines that run this release, by Fly's own number."""
    return [
        machine for machine in machines if release.vendor_id == machine.release_id or release.version == machine.release_version
    ]


def _name_image(row: Release, release: ReleaseReported, machines: Sequence[MachineReported]) -> None:
    """The image with its digest, as soon as a machine tells it and for ever after."""
    name = release.image.partition("@")[0]
    digests = {machine.digest for machine in _running(release, machines) if machine.digest and machine.image == name}
    if "@" in release.image or not name:
        row.image = release.image
    elif len(digests) == 1:
        row.image = f"{name}@{digests.pop()}"
    elif row.image.partition("@")[0] != name:
        row.image = name


def _name_commit(row: Release, release: ReleaseReported, machines: Sequence[MachineReported], rows: Iterable[Release]) -> None:
    """The commit, from the strongest witness that speaks. Machines that contradict each other say nothing."""
    labelled = {machine.commit for machine in _running(release, machines)} - {""}
    labelled = labelled or {machine.commit for machine in machines if same_image(machine.image, row.image)} - {""}
    if len(labelled) == 1:
        row.commit_sha = full_commit(repository=row.repository, commit=labelled.pop()) or row.commit_sha
    if row.commit_sha:
        return
    earlier = {one.commit_sha for one in rows if one is not row and same_image(one.image, row.image)} - {""}
    if len(earlier) == 1:
        row.commit_sha = earlier.pop()
    elif not labelled:
        row.commit_sha = full_commit(repository=row.repository, commit=commit_in_tag(image=row.image))


def full_commit(*, repository: Repository | None, commit: str) -> str:
    """The whole SHA for a whole or short one, from the commits that are known; empty when none, or several, begin so."""
    if not commit or len(commit) in FULL:
        return commit
    if repository is None:
        return ""
    after = f"{commit}g"  # the next text after all that begin with it: hexadecimal ends with f
    found = set(
        BranchCommit.objects.filter(repository=repository, sha__gte=commit, sha__lt=after).values_list("sha", flat=True)[:3]
    )
    pulls = PullRequest.objects.filter(repository=repository)
    heads = pulls.filter(Q(head_sha__gte=commit, head_sha__lt=after) | Q(merge_sha__gte=commit, merge_sha__lt=after))
    for pair in heads.values_list("head_sha", "merge_sha")[:20]:
        found |= {sha for sha in pair if sha.startswith(commit)}
    return found.pop() if len(found) == 1 else ""


def _undone(row: Release, release: ReleaseReported) -> Release | None:
    """The release that this one undoes: the one before it, when this one goes back behind that."""
    back_to = went_back_to(release=release)
    if back_to is not None:
        earlier = Release.objects.filter(source=row.source, app=row.app, version__lt=release.version, version__gt=back_to)
        before = earlier.order_by("-version", "-id").first()
        if before is not None:
            return before
    return find_rollback(row)


def _retry(rows: Iterable[Release], *, without: set[int], at: datetime) -> list[int]:
    """Releases tagged with a short commit that has become known since."""
    nameless = [row for row in rows if not row.commit_sha and row.pk not in without and commit_in_tag(image=row.image)]
    named: list[int] = []
    for row in nameless[-RETRIED:]:
        row.commit_sha = full_commit(repository=row.repository, commit=commit_in_tag(image=row.image))
        if row.commit_sha:
            row.confirmed_at = at
            row.save(update_fields=["commit_sha", "confirmed_at"])
            named.append(row.pk)
    return named
