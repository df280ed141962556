"""Which merge commits of main and prod hold something that nobody reviewed: a fact kept with each of them (P-02, P-03).

A sweep compares what is new, the newest first, for some seconds; the next sweep goes on. A commit never changes, so what came out
stands. What could not be compared is tried again after a day: the machine may have been busy, or its git too old.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from changes.delivery.merge_content import Compared, compare
from changes.delivery.models import BY_HAND, UNCOMPARED, BranchCommit, MergeContent, Repository
from changes.delivery.population import BEFORE_THE_SCOPE

SECONDS = 2.0
"""A sweep of one repository begins no further comparison after this: many repositories share the time of one task."""
AGAIN = timedelta(days=1)
HISTORY = f"UPDATE changes_branchcommit c SET merge_content = 'before' WHERE c.id = ANY(%(ids)s) AND {BEFORE_THE_SCOPE}"  # noqa: S608  # two constants


def compare_merges(
    *, repository: Repository, folder: Path, at: datetime, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
) -> int:
    """Compare merge commits with what Git makes of their parents, from the mirror in ``folder``; ``seconds`` limits the sweep.

    Returns how many were found to be written by hand.
    """
    _set_history_aside(repository)
    ends_at, found = clock() + seconds, 0
    with TemporaryDirectory() as scratch:
        for sha, parents in _due(repository, at):
            if clock() >= ends_at:
                break
            compared = compare(folder=folder, sha=sha, parents=parents, scratch=Path(scratch))
            found += _keep(repository, sha, compared, at)
    return found


def uncompared(rows: QuerySet[BranchCommit]) -> QuerySet[BranchCommit]:
    """The merge commits among ``rows`` of which nobody can tell whether they hold something of their own."""
    return rows.filter(parents__len__gt=1, merge_content__in=UNCOMPARED)


def _set_history_aside(repository: Repository) -> None:
    new = uncompared(BranchCommit.objects.filter(repository=repository)).filter(compared_at=None)
    old: dict[str, list[int]] = {}
    for pk, branch in new.filter(committed_at__lt=repository.in_scope_from).values_list("pk", "branch"):
        old.setdefault(branch, []).append(pk)
    with connection.cursor() as cursor:
        for branch, ids in old.items():
            values: dict[str, Any] = {
                "repository": repository.pk,
                "branch": branch,
                "ids": ids,
                "in_scope_from": repository.in_scope_from,
            }
            cursor.execute(HISTORY, values)


def _due(repository: Repository, at: datetime) -> list[tuple[str, list[str]]]:
    """Commits and their parents: those that were never compared, the newest first; then those to be tried again."""
    rows = uncompared(BranchCommit.objects.filter(repository=repository))
    fresh = rows.filter(merge_content="").order_by("-committed_at", "-id").values_list("sha", "parents")
    again = rows.filter(merge_content=MergeContent.UNKNOWN, compared_at__lte=at - AGAIN).order_by("compared_at", "id")
    both = (*fresh, *again.values_list("sha", "parents"))
    return list({sha: (sha, parents) for sha, parents in both}.values())


def _keep(repository: Repository, sha: str, compared: Compared, at: datetime) -> int:
    """On both branches, where it stands on both. Returns 1 for one that was written by hand."""
    rows = uncompared(BranchCommit.objects.filter(repository=repository, sha=sha))
    rows.update(
        merge_content=compared.content, merge_paths=list(compared.paths) or None, merge_why=compared.why[:500], compared_at=at
    )
    return int(compared.content in BY_HAND)
