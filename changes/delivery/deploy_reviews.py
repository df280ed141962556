"""Reviews of deployments at the forge: who let a run into a guarded environment, or kept it out, and when."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction

from changes.delivery.deploy_review_models import UNTOLD, DeploymentReview
from changes.delivery.facts import DeploymentReviewReported
from changes.delivery.models import Release, Repository


@transaction.atomic
def record_review(*, repository: Repository, fact: DeploymentReviewReported, at: datetime) -> list[DeploymentReview]:
    """Keep what a delivery told, once for each environment. One that the list has shown already gets its attempt and its time."""
    return [_told(repository, fact, environment, at) for environment in fact.environments]


def _told(repository: Repository, fact: DeploymentReviewReported, environment: str, at: datetime) -> DeploymentReview:
    key = {"repository": repository, "run": fact.run, "environment": environment, "state": fact.state, "uid": fact.uid}
    shown = DeploymentReview.objects.select_for_update().filter(**key, attempt=UNTOLD).first()
    known = DeploymentReview.objects.filter(**key, attempt=fact.attempt).first()
    if known is not None:
        return known
    moment = fact.happened_at or at
    if shown is None:
        given = {"login": fact.login or "", "commit_sha": fact.commit_sha, "comment": fact.comment}
        more = {"reviewers": list(fact.reviewers), "at": moment, "reported_at": at}
        return DeploymentReview.objects.get_or_create(**key, attempt=fact.attempt, defaults=given | more)[0]
    shown.attempt, shown.at, shown.reviewers = fact.attempt, min(shown.at, moment), list(fact.reviewers)
    shown.commit_sha = shown.commit_sha or fact.commit_sha
    shown.save(update_fields=["attempt", "at", "reviewers", "commit_sha"])
    return shown


@transaction.atomic
def confirm_reviews(
    *, repository: Repository, run: int, commit_sha: str, listed: Iterable[DeploymentReviewReported], at: datetime
) -> int:
    """Take the whole list of a run: what was told is confirmed, what no delivery has told is made up for. Returns how many it has.

    ``commit_sha`` is that of the deployment, where it is known. The list tells neither attempts nor times.
    """
    count = 0
    for fact in listed:
        for environment in fact.environments:
            count += 1
            key = {"repository": repository, "run": run, "environment": environment, "state": fact.state, "uid": fact.uid}
            rows = DeploymentReview.objects.filter(**key)
            if rows.filter(confirmed_at=None).update(confirmed_at=at) or rows.exists():
                continue
            given = {"login": fact.login or "", "comment": fact.comment, "commit_sha": commit_sha or _commit_of(repository, run)}
            moments = {"at": at, "reported_at": at, "confirmed_at": at}
            DeploymentReview.objects.get_or_create(**key, attempt=UNTOLD, defaults=given | moments)
    return count


def _commit_of(repository: Repository, run: int) -> str:
    """The commit of a run, as another of its reviews told it."""
    rows = DeploymentReview.objects.filter(repository=repository, run=run).exclude(commit_sha="")
    return rows.values_list("commit_sha", flat=True).first() or ""


def reviews_of(releases: Collection[Release]) -> list[DeploymentReview]:
    """The reviews that let these releases through, or kept them out: of the same commit, into the same environment. One query."""
    places = {(row.repository_id, row.commit_sha, row.environment.lower()) for row in releases if row.commit_sha}
    if not places:
        return []
    rows = DeploymentReview.objects.filter(
        repository__in={place[0] for place in places}, commit_sha__in={place[1] for place in places}
    )
    found = rows.order_by("at", "id")
    return [row for row in found if (row.repository_id, row.commit_sha, row.environment.lower()) in places]
