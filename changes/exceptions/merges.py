"""Merges that hold what neither of their sides has, or that resolved conflicts themselves: nobody reviewed that (P-03).

Conflicts that were resolved on the branch of the pull request came before the review, and stand on no first-parent line.
"""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from changes.delivery.models import BY_HAND, BranchCommit, MergeContent, PullRequest, Repository
from changes.delivery.population import uncovered_commits
from changes.exceptions.actions import Found
from changes.exceptions.detect import answering, evidence_of
from changes.proposals.queries import changes_of

KIND = "merge_with_own_content"
NAMED = 3
"""How many files the sentence names."""


def about_merges(*, repository: Repository) -> tuple[str, list[Found]]:
    """The key prefix of all of them, and what stands for each such merge of main and prod, once.

    One that stands on both answers on main, where it came from. One that no pull request brought is a push as a whole.
    """
    rows = _where_they_came_from(repository)
    pushed = {
        commit.sha
        for branch, shas in _by_branch(rows).items()
        for commit in uncovered_commits(repository=repository, branch=branch, among=shas)
    }
    brought = _brought(repository, rows)
    found = [_found(repository, row, brought.get((row.branch, row.sha))) for row in rows if row.sha not in pushed]
    return f"{repository.key}:merge:", found


def key_of(repository_key: str, sha: str) -> str:
    """What the exception about a merge commit is called, without its kind."""
    return f"{repository_key}:merge:{sha}"


def _where_they_came_from(repository: Repository) -> list[BranchCommit]:
    """One row for each commit: that of main, where there is one. What main had before the scope began is history on prod too. What
    was found on a branch that was main or prod before another took its place stands."""
    main, prod = repository.main_branch, repository.prod_branch
    flagged = BranchCommit.objects.filter(repository=repository, merge_content__in=BY_HAND).order_by("committed_at", "id")
    here = BranchCommit.objects.filter(repository=repository, sha=OuterRef("sha"))
    from_main = flagged.filter(branch=main)
    from_prod = flagged.filter(~Exists(here.filter(branch=main)), branch=prod)
    from_others = flagged.filter(~Exists(here.filter(branch__in=(main, prod)))).exclude(branch__in=(main, prod))
    return [*from_main, *from_prod, *from_others]


def _by_branch(rows: Iterable[BranchCommit]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.branch, []).append(row.sha)
    return found


def _brought(repository: Repository, rows: Iterable[BranchCommit]) -> dict[tuple[str, str], PullRequest]:
    """By branch and commit, the pull request that was merged as it; the oldest, if there are several."""
    merged = PullRequest.objects.filter(
        repository=repository, state=PullRequest.State.MERGED, merge_sha__in=[row.sha for row in rows]
    )
    return {(one.base_ref, one.merge_sha): one for one in merged.select_related("repository").order_by("-number")}


def _found(repository: Repository, row: BranchCommit, brought: PullRequest | None) -> Found:
    evidence = {"branch": row.branch, "commit": row.sha, "content": row.merge_content, "files": row.merge_paths or []}
    return Found(
        kind=KIND,
        subject=f"#{brought.number}" if brought else f"{row.branch}:{row.sha[:12]}",
        key=f"{key_of(repository.key, row.sha)}:{KIND}",
        sentence=_sentence(row, brought),
        happened_at=(brought.merged_at if brought else None) or min(row.committed_at, row.seen_at),
        confirmed=True,
        change=answering(list(changes_of(brought))) if brought else None,
        evidence=evidence | (evidence_of(brought) if brought else {"committer": row.committer_name}),
    )


def _sentence(row: BranchCommit, brought: PullRequest | None) -> str:
    who = (brought.merged_by_login if brought else row.committer_name) or "Somebody"
    what = f"#{brought.number} to {row.branch} as {row.sha[:7]}" if brought else f"{row.sha[:7]} into {row.branch}"
    files = _files(row.merge_paths or [])
    if row.merge_content == MergeContent.RESOLVED:
        return f"{who} merged {what} and resolved its conflicts in the merge itself{files}: nobody reviewed that."
    return f"{who} merged {what}, and the merge is not what Git makes of the two sides{files}: nobody reviewed the difference."


def _files(paths: list[str]) -> str:
    named = ", ".join(paths[:NAMED])
    more = " and more" if len(paths) > NAMED else ""
    return f" ({named}{more})" if named else ""
