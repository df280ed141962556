"""What became of a release: its state from its steps, and whether it went back to an earlier one (P-17)."""

from changes.delivery.merging import DEPLOY_RANK
from changes.delivery.models import BranchCommit, DeploymentStatus, Push, Release

RELEASES_KEPT = 200
"""How far back an image is looked for; the registry keeps fewer."""
STATES = {
    "success": Release.State.SUCCEEDED,
    "failure": Release.State.FAILED,
    "error": Release.State.FAILED,
    "inactive": Release.State.INACTIVE,
    "in_progress": Release.State.RUNNING,
}


def refresh_release(row: Release) -> None:
    """Work out state and times of a GitHub deployment from its steps and save it."""
    steps = list(
        DeploymentStatus.objects.filter(repository=row.repository, deployment_id=int(row.vendor_id))
        if row.vendor_id.isdecimal()
        else []
    )
    steps.sort(key=lambda step: (step.at, DEPLOY_RANK.get(step.state, 0), step.vendor_id))
    if steps:
        row.state = STATES.get(steps[-1].state, Release.State.PENDING)
    row.succeeded_at = next((step.at for step in steps if step.state == "success"), row.succeeded_at)
    row.failed_at = next((step.at for step in steps if step.state in ("failure", "error")), row.failed_at)
    ended = [moment for moment in (row.succeeded_at, row.failed_at) if moment is not None]
    row.finished_at = min(ended) if ended else None
    row.save()


def find_rollback(row: Release) -> Release | None:
    """The release that ``row`` undoes: the one before it in the same place, when ``row`` goes back behind its commit."""
    if row.source == Release.Source.FLY and (undone := _undone_by_image(row)) is not None:
        return undone
    if not row.commit_sha or row.repository is None:
        return None
    earlier = Release.objects.filter(
        repository=row.repository, app=row.app, source=row.source, environment=row.environment, created_at__lt=row.created_at
    )
    before = earlier.exclude(commit_sha="").order_by("-created_at", "-id").first()
    if before is None or before.commit_sha == row.commit_sha:
        return None
    if earlier.filter(commit_sha=row.commit_sha, succeeded_at__isnull=False).exists():
        return before
    return before if _stands_before(row, before) else None


def _stands_before(row: Release, before: Release) -> bool:
    """Whether the commit of ``row`` was on the branch before the commit of ``before``: by Git, else by the pushes."""
    places = dict(
        BranchCommit.objects.filter(
            repository=row.repository,
            branch=row.repository.prod_branch if row.repository else "",
            sha__in=[row.commit_sha, before.commit_sha],
        ).values_list("sha", "position")
    )
    if len(places) == 2:
        return places[row.commit_sha] < places[before.commit_sha]
    return Push.objects.filter(repository=row.repository, before=row.commit_sha, after=before.commit_sha).exists()


def _undone_by_image(row: Release) -> Release | None:
    """The release before ``row`` when ``row`` brings back an image that ran before it, or when Fly said that it does."""
    earlier = Release.objects.filter(source=row.source, app=row.app, version__lt=row.version).order_by("-version", "-id")
    before = earlier.first()
    if before is None or not row.image or same_image(before.image, row.image):
        return row.rolls_back
    images = earlier.values_list("image", flat=True)[:RELEASES_KEPT]
    return before if any(same_image(image, row.image) for image in images) else row.rolls_back


def same_image(one: str, other: str) -> bool:
    """Whether two image references are the same image: by digest where both have one, else by name and tag."""
    name, _, digest = one.partition("@")
    other_name, _, other_digest = other.partition("@")
    if digest and other_digest:
        return digest == other_digest
    return bool(name) and name == other_name
