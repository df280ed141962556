"""Record what a vendor said: one idempotent door for webhooks and for readings of the API.

Order and repetition do not matter (see ``merging``). ``confirmed`` says that the API itself was read; ``at`` is when the
portal learned it (UTC). Each function returns the row, or None where there is nothing to keep.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from changes.delivery.branch_names import present_name
from changes.delivery.facts import (
    CheckReported,
    DeploymentReported,
    DeploymentStatusReported,
    MergeGroupReported,
    PullRequestReported,
    PushReported,
    RepositoryFact,
    ReviewReported,
    RuleEventReported,
)
from changes.delivery.models import (
    BranchCommit,
    Check,
    DeploymentStatus,
    MergeGroup,
    PullRequest,
    Push,
    Release,
    Repository,
    Review,
)
from changes.delivery.releases import refresh_release
from changes.delivery.rule_models import RuleEvent
from changes.delivery.taking import (
    is_renamed,
    known_as,
    new_push,
    take_check,
    take_pull_request,
    take_review,
    unread_pull_request,
    values_of,
)

SAME_PUSH = timedelta(minutes=10)
"""How far the two clocks of one forge may be apart that tell of the same forced push."""
COMMITS = 1000
"""Commits of one push that are kept."""


def recognise(*, forge: str, fact: RepositoryFact) -> Repository | None:
    """The repository in scope that a payload names, with what it says of number and name taken over."""
    known = find_repository(forge=forge, fact=fact)
    if known is not None:
        take_over_names(repository=known, fact=fact)
    return known


def find_repository(*, forge: str, fact: RepositoryFact) -> Repository | None:
    """The repository in scope that a payload names: by the vendor's number, else by name. Changes nothing."""
    wanted = Q(name__iexact=fact.name)
    if fact.vendor_id is not None:
        wanted |= Q(vendor_id=fact.vendor_id)
    if fact.previous_name:
        wanted |= Q(name__iexact=fact.previous_name)
    return known_as(rows=Repository.objects.filter(wanted, forge=forge, in_scope_until=None).order_by("id"), fact=fact)


def take_over_names(*, repository: Repository, fact: RepositoryFact, at_present: bool = False) -> None:
    """Note the vendor's number where it was not known, and follow a rename. Only for payloads whose signature was checked.

    ``at_present``: the API was asked just now, so that the name is no older one, even if it was given before.
    """
    if repository.vendor_id is None and fact.vendor_id is not None:
        Repository.objects.filter(pk=repository.pk, vendor_id=None).update(vendor_id=fact.vendor_id)
        repository.vendor_id = fact.vendor_id
    if is_renamed(repository=repository, fact=fact, at_present=at_present):
        _rename(repository, fact.name)


def _rename(known: Repository, name: str) -> None:
    taken = Repository.objects.filter(forge=known.forge, name=name).exclude(pk=known.pk).exists()
    if not taken:
        known.former_names, known.renamed_from = [*known.former_names, known.name], known.name
        known.name = name
        known.save(update_fields=["name", "former_names"])


@transaction.atomic
def record_pull_request(*, repository: Repository, fact: PullRequestReported, at: datetime, confirmed: bool) -> PullRequest:
    """Merge one version of a pull request into what is known."""
    row = _pull_request_row(repository, fact.number, at)
    row.save(update_fields=take_pull_request(row=row, fact=fact, at=at, confirmed=confirmed))
    return row


def _pull_request_row(repository: Repository, number: int, at: datetime) -> PullRequest:
    """The row under its lock; made when there is none."""
    rows = PullRequest.objects.select_for_update(of=("self",)).select_related("repository")
    known = rows.filter(repository=repository, number=number).first()
    if known is not None:
        return known
    unread = unread_pull_request(repository=repository, number=number, at=at)
    PullRequest.objects.bulk_create([unread], ignore_conflicts=True)
    return rows.get(repository=repository, number=number)


@transaction.atomic
def record_review(*, repository: Repository, fact: ReviewReported, at: datetime, confirmed: bool) -> Review:
    """Merge one version of a review. A dismissal is final; otherwise the later word of the vendor stands."""
    pull_request = _pull_request_row(repository, fact.pull_request_number, at)
    known = Review.objects.filter(pull_request=pull_request, vendor_id=fact.vendor_id).first()
    row = take_review(row=known, pull_request=pull_request, fact=fact, at=at, confirmed=confirmed)
    row.save()
    PullRequest.objects.filter(pk=pull_request.pk).update(touched_at=at)
    return row


@transaction.atomic
def record_check(*, repository: Repository, fact: CheckReported, at: datetime, confirmed: bool) -> Check:
    """Merge one version of a check run, suite or commit status; a finished one never goes back to running."""
    known = Check.objects.select_for_update().filter(repository=repository, source=fact.source, vendor_id=fact.vendor_id).first()
    row = take_check(row=known, repository=repository, fact=fact, at=at, confirmed=confirmed)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return record_check(repository=repository, fact=fact, at=at, confirmed=confirmed)
    PullRequest.objects.filter(repository=repository, head_sha=fact.head_sha).update(touched_at=at)
    for group in MergeGroup.objects.filter(repository=repository, head_sha=fact.head_sha):
        queued(group).update(touched_at=at)
    return row


@transaction.atomic
def record_push(*, repository: Repository, fact: PushReported, at: datetime) -> Push | None:
    """Keep a push to main or prod; pushes to other branches are no fact of the policy."""
    row = new_push(repository=repository, fact=fact, at=at)
    if row is None:
        return None
    same: dict[str, Any] = {"repository": repository, "branch": row.branch, "before": row.before, "after": row.after}
    known = Push.objects.filter(**same).first() if fact.pushed_at is None else None
    if known is None:
        same["pushed_at"] = row.pushed_at
        names = [field.name for field in Push._meta.concrete_fields if not field.primary_key and field.name not in same]
        known, _ = Push.objects.get_or_create(**same, defaults={name: getattr(row, name) for name in names})
    return known


@transaction.atomic
def record_merge_group(*, repository: Repository, fact: MergeGroupReported, at: datetime) -> MergeGroup:
    """Keep one head of a merge queue. What the queue is done with never comes back: a new try is a new commit."""
    gone = fact.action == "destroyed"
    values = {"head_ref": fact.head_ref, "base_ref": fact.base_ref, "base_sha": fact.base_sha, "numbers": list(fact.numbers)}
    row, _ = MergeGroup.objects.get_or_create(repository=repository, head_sha=fact.head_sha, defaults={**values, "reported_at": at})
    row.reported_at = at
    row.state = MergeGroup.State.GONE if gone else row.state
    row.save(update_fields=["reported_at", "state"])
    queued(row).update(touched_at=at)
    return row


def queued(group: MergeGroup) -> QuerySet[PullRequest]:
    """The pull requests that a head of a merge queue tries."""
    return PullRequest.objects.filter(repository_id=group.repository_id, number__in=group.numbers)


@transaction.atomic
def record_activity(*, repository: Repository, fact: PushReported, at: datetime) -> Push | None:
    """A push as the forge lists it afterwards: the one that a delivery told is confirmed by it, a lost one is made up for.

    Returns the row when there was something to learn; None for other branches, for what was there before the scope
    began, and for what is known and confirmed. The list names no commits: those that Git has shown are taken.
    """
    fact = _named_now(repository, fact)
    if fact.branch not in (repository.main_branch, repository.prod_branch) or fact.pushed_at is None:
        return None
    if fact.pushed_at < repository.in_scope_from:
        return None
    same = Push.objects.filter(repository=repository, branch=fact.branch, before=fact.before, after=fact.after)
    if fact.forced:  # to and fro, the same two ends may be pushed more than once
        same = same.filter(pushed_at__range=(fact.pushed_at - SAME_PUSH, fact.pushed_at + SAME_PUSH))
    known = same.order_by("id").first()
    if known is None:
        known = record_push(repository=repository, fact=replace(fact, commits=_commits_between(repository, fact)), at=at)
    if known is None or known.confirmed_at is not None:
        return None
    known.confirmed_at = known.reported_at = at
    known.save(update_fields=["confirmed_at", "reported_at"])
    return known


def _named_now(repository: Repository, fact: PushReported) -> PushReported:
    return replace(fact, branch=present_name(repository=repository, name=fact.branch, at=fact.pushed_at))


def _commits_between(repository: Repository, fact: PushReported) -> tuple[dict[str, Any], ...]:
    """What Git has shown between the two ends of a push, oldest first; nothing when it has not shown both."""
    rows = BranchCommit.objects.filter(repository=repository, branch=fact.branch)
    ends = dict(rows.filter(sha__in=[fact.before, fact.after]).values_list("sha", "position"))
    if fact.before not in ends or fact.after not in ends:
        return ()
    found = rows.filter(position__gt=ends[fact.before], position__lte=ends[fact.after], gone_at=None).order_by("position")
    return tuple(
        {"sha": row.sha, "message": row.subject, "author_login": "", "author_email": row.author_email, "paths": row.paths}
        for row in found[:COMMITS]
    )


@transaction.atomic
def record_deployment(*, repository: Repository, fact: DeploymentReported, at: datetime, confirmed: bool) -> Release:
    """Keep a GitHub deployment as a release of its commit; its state comes from its statuses."""
    values = values_of(fact, without=frozenset({"vendor_id"}))
    values = {name: "" if value is None and name in ("actor", "description") else value for name, value in values.items()}
    row, _ = Release.objects.get_or_create(
        source=Release.Source.GITHUB,
        app="",
        vendor_id=fact.vendor_id,
        defaults={**values, "repository": repository, "state": Release.State.PENDING, "reported_at": at},
    )
    row = Release.objects.select_for_update().get(pk=row.pk)
    row.reported_at = at
    if confirmed:
        row.confirmed_at = at
    refresh_release(row)
    return row


@transaction.atomic
def record_deployment_status(
    *, repository: Repository, fact: DeploymentStatusReported, at: datetime, confirmed: bool
) -> DeploymentStatus:
    """Keep one step of a deployment, and bring its release up to date when that is known already."""
    row, made = DeploymentStatus.objects.get_or_create(
        repository=repository,
        vendor_id=fact.vendor_id,
        defaults={
            "deployment_id": fact.deployment_id,
            "state": fact.state,
            "at": fact.at,
            "vendor_updated_at": fact.vendor_updated_at,
            "reported_at": at,
            "confirmed_at": at if confirmed else None,
        },
    )
    if confirmed and not made and row.confirmed_at is None:
        row.confirmed_at = at
        row.save(update_fields=["confirmed_at"])
    release = (
        Release.objects.select_for_update().filter(source=Release.Source.GITHUB, app="", vendor_id=str(fact.deployment_id)).first()
    )
    if release is not None:
        release.reported_at = at
        refresh_release(release)
    return row


@transaction.atomic
def record_rule_event(*, repository: Repository, fact: RuleEventReported, key: str, at: datetime) -> RuleEvent:
    """Keep an edit of rules or access; ``key`` is the digest of the delivery, so that a replay adds nothing."""
    values = values_of(fact)
    values["actor_login"] = values["actor_login"] or ""
    values["happened_at"] = values["happened_at"] or at
    row, _ = RuleEvent.objects.get_or_create(delivery_key=key, defaults={**values, "repository": repository, "reported_at": at})
    return row
