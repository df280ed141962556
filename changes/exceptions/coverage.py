"""Whether a pull request brought a commit, and whether a commit was ever on a branch, by all that is known."""

from collections.abc import Collection

from django.db.models import Q

from changes.delivery.models import BranchCommit, PullRequest, Push, Repository


def covered_by_pull_requests(repository: Repository, pushes: Collection[Push]) -> set[tuple[str, str]]:
    """Branch and last commit of those of these pushes whose last commit is what a pull request into that branch was merged as.

    The commits before it came with it: a merge, a squash, the commits of a rebase, or a merge queue's group.
    A push by which a branch only caught up with an already covered commit is covered too.
    """
    if not pushes:
        return set()
    merged = PullRequest.objects.filter(
        repository=repository, state=PullRequest.State.MERGED, merge_sha__in=[push.after for push in pushes]
    )
    return set(merged.values_list("base_ref", "merge_sha"))


def known_on_branch(repository: Repository, branch: str, sha: str) -> bool:
    """Whether ``sha`` (full or short) is or was on ``branch``: by Git, by a merged pull request, or by a push."""
    if BranchCommit.objects.filter(repository=repository, branch=branch, sha__startswith=sha).exists():
        return True
    if PullRequest.objects.filter(repository=repository, base_ref=branch, merge_sha__startswith=sha).exists():
        return True
    pushed = Push.objects.filter(repository=repository, branch=branch)
    return pushed.filter(Q(after__startswith=sha) | Q(before__startswith=sha)).exists()
