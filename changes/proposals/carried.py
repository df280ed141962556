"""Which changes a promotion brings to production, and which a back merge brings back to main.

Git itself answers where a mirror has been read; otherwise the merges to main that the forge reported do.
"""

from typing import Any

from django.db.models import QuerySet

from changes.delivery.models import BranchCommit, PullRequest
from changes.proposals.models import Change, LinkedPullRequest


def carried_by(promotion: PullRequest) -> QuerySet[Change]:
    """The changes whose merge to main is part of ``promotion``: after the promotion before it, up to its head."""
    merges = PullRequest.objects.filter(
        repository=promotion.repository,
        base_ref=promotion.repository.main_branch,
        state=PullRequest.State.MERGED,
    )
    merges = merges.filter(pk__in=_up_to_head(promotion, merges))
    before = _carried_before(promotion)
    return (
        Change.objects.filter(links__pull_request__in=merges, links__role=LinkedPullRequest.Role.WORK)
        .exclude(pk__in=before)
        .distinct()
        .order_by("id")
    )


def _up_to_head(promotion: PullRequest, merges: QuerySet[PullRequest]) -> QuerySet[PullRequest]:
    main = BranchCommit.objects.filter(repository=promotion.repository, branch=promotion.repository.main_branch)
    head = main.filter(sha=promotion.head_sha).values_list("position", flat=True).first()
    if head is not None:
        reached = main.filter(position__lte=head).values("sha")
        return merges.filter(merge_sha__in=reached)
    last = merges.filter(merge_sha=promotion.head_sha).first()
    if last is None or last.merged_at is None:
        return merges.none()
    return merges.filter(merged_at__lte=last.merged_at)


def _carried_before(promotion: PullRequest) -> QuerySet[LinkedPullRequest, Any]:
    """Changes that an earlier, merged promotion of the same repository already took."""
    earlier = LinkedPullRequest.objects.filter(
        role=LinkedPullRequest.Role.PROMOTION,
        pull_request__repository=promotion.repository,
        pull_request__state=PullRequest.State.MERGED,
    ).exclude(pull_request=promotion)
    if promotion.merged_at is not None:
        earlier = earlier.filter(pull_request__merged_at__lt=promotion.merged_at)
    return earlier.values("change")


def brought_back(back_merge: PullRequest) -> QuerySet[Change]:
    """The changes whose merge to prod is the head of ``back_merge``."""
    merges = PullRequest.objects.filter(
        repository=back_merge.repository,
        base_ref=back_merge.repository.prod_branch,
        merge_sha=back_merge.head_sha,
        state=PullRequest.State.MERGED,
    )
    links = LinkedPullRequest.objects.filter(pull_request__in=merges).exclude(role=LinkedPullRequest.Role.JOINED)
    return Change.objects.filter(pk__in=links.values("change")).order_by("id")
