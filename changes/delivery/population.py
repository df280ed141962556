"""The population: every first-parent commit of main and prod, read from Git itself (P-02), and who accounts for it.

A commit's first-parent chain never changes, so a commit that is on record brings everything below it: recording walks
from the tip down to the first known commit and adds what is above. ``position`` counts from the root (1, 2, 3 …) along
the chain. A full run and a run of steps end in the same rows.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from changes.delivery import git
from changes.delivery.git import GitCommit
from changes.delivery.models import BranchCommit, Repository

BATCH = 2000


@dataclass(frozen=True)
class Recorded:
    """What one sweep of a branch found: commits new on record, oldest first, and commits that are no longer there."""

    added: tuple[str, ...] = ()
    gone: int = 0
    there: bool = True
    """Whether there is such a branch."""

    @property
    def changed(self) -> bool:
        return bool(self.added or self.gone)


@dataclass(frozen=True)
class Known:
    """A commit of the chain that is on record, and its place; no commit and 0 for the empty start."""

    sha: str | None = None
    position: int = 0


def record_population(*, repository: Repository, branch: str, folder: Path, at: datetime, full: bool = False) -> Recorded:
    """Bring the record of one branch to what the mirror in ``folder`` says as of ``at``.

    Safe to run twice and at the same time. ``full`` compares the whole chain instead of trusting what is on record.
    A branch that does not exist (any more) has no commits: what was on record is then gone.
    """
    with transaction.atomic():
        _one_at_a_time(repository, branch)
        tip = git.tip(folder=folder, branch=branch)
        if tip is None:
            return Recorded(gone=_mark_gone(repository, branch, above=0, at=at), there=False)
        if not full and _newest(repository, branch) == tip:
            return Recorded()
        known = Known() if full else _fork(repository, branch, folder)
        commits = git.first_parent(folder=folder, branch=branch, since_sha=known.sha)
        return _record(repository, branch, commits, known, at)


def _one_at_a_time(repository: Repository, branch: str) -> None:
    """Two sweeps of one branch wait for each other until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"population:{repository.pk}:{branch}"])


def _newest(repository: Repository, branch: str) -> str | None:
    """The commit on record that stands at the end of the chain."""
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, gone_at=None).order_by("-position")
    return rows.values_list("sha", flat=True).first()


def _fork(repository: Repository, branch: str, folder: Path) -> Known:
    """The newest commit of the chain that is on record and was there at the last sweep."""
    shas = git.first_parent_shas(folder=folder, branch=branch)
    size = 8  # the tip is new; most sweeps find little else above what is on record
    while batch := list(islice(shas, size)):
        rows = BranchCommit.objects.filter(repository=repository, branch=branch, sha__in=batch, gone_at=None)
        found = rows.order_by("-position").values_list("sha", "position").first()
        if found is not None:
            return Known(*found)
        size = min(size * 8, BATCH)
    return Known()


def _record(repository: Repository, branch: str, commits: Iterator[GitCommit], known: Known, at: datetime) -> Recorded:
    added: list[str] = []
    gone = 0
    position = known.position
    while batch := list(islice(commits, BATCH)):
        added.extend(_upsert(repository, branch, batch, position, at))
        gone += _replaced(repository, branch, batch, position, at)
        position += len(batch)
    gone += _mark_gone(repository, branch, above=position, at=at)
    return Recorded(tuple(added), gone)


UPSERT = """
INSERT INTO changes_branchcommit AS kept (
    repository_id, branch, sha, parents, position, subject, author_name, author_email, committer_name, committer_email,
    co_authors, committed_at, paths, seen_at
)
SELECT %(repository)s, %(branch)s, r.sha, r.parents, %(position)s + r.place, r.subject, r.author_name, r.author_email,
    r.committer_name, r.committer_email, r.co_authors, r.committed_at, r.paths, %(at)s
FROM json_to_recordset(%(rows)s::json) AS r(
    place bigint, sha text, parents varchar(64)[], subject text, author_name text, author_email text, committer_name text,
    committer_email text, co_authors text[], committed_at timestamptz, paths text[]
)
ORDER BY r.place
ON CONFLICT (repository_id, branch, sha) DO UPDATE SET
    parents = excluded.parents, position = excluded.position, subject = excluded.subject, gone_at = NULL,
    author_name = excluded.author_name, author_email = excluded.author_email, committer_name = excluded.committer_name,
    committer_email = excluded.committer_email, co_authors = excluded.co_authors, committed_at = excluded.committed_at,
    paths = excluded.paths
WHERE kept.gone_at IS NOT NULL
   OR (kept.parents, kept.position, kept.subject, kept.author_name, kept.author_email, kept.committer_name,
       kept.committer_email, kept.co_authors, kept.committed_at, kept.paths)
   IS DISTINCT FROM (excluded.parents, excluded.position, excluded.subject, excluded.author_name, excluded.author_email,
       excluded.committer_name, excluded.committer_email, excluded.co_authors, excluded.committed_at, excluded.paths)
RETURNING sha
"""


def _upsert(repository: Repository, branch: str, commits: list[GitCommit], position: int, at: datetime) -> list[str]:
    """Write commits that follow ``position``; returns those that are new, came back, or were on record wrongly."""
    rows = [_row(place, commit) for place, commit in enumerate(commits, start=1)]
    payload = json.dumps(rows)
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, {"repository": repository.pk, "branch": branch, "position": position, "at": at, "rows": payload})
        return [sha for (sha,) in cursor.fetchall()]


def _row(place: int, commit: GitCommit) -> dict[str, Any]:
    return {**vars(commit), "place": place, "committed_at": commit.committed_at.isoformat()}


def _replaced(repository: Repository, branch: str, commits: Iterable[GitCommit], position: int, at: datetime) -> int:
    """Commits that stood where ``commits`` stand now: somebody rewrote the branch."""
    shas = [commit.sha for commit in commits]
    places = (position + 1, position + len(shas))
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, position__range=places, gone_at=None)
    return rows.exclude(sha__in=shas).update(gone_at=at)


def _mark_gone(repository: Repository, branch: str, *, above: int, at: datetime) -> int:
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, position__gt=above, gone_at=None)
    return rows.update(gone_at=at)


# Who accounts for a commit:
# - a merged pull request into this branch whose merge commit it is (merge, squash, merge queue, the last of a rebase);
# - a push that ends in such a merge commit with one parent: a rebase, whose earlier commits came with it.
# Not counted at all: what the first sweep found and its committer dated before the scope began. A commit seen by a later
# sweep counts whatever date its committer wrote.
# Two questions, because only the number of rows of the first tells PostgreSQL how to answer the second: the first passes
# over the whole branch, touches indexes only, and ends at the first MANY. Where there are more, most are history as a rule (a
# repository that came late): it is then left out first, by reading the branch itself in the order of its places. What is left
# is few: neighbours are put together ("island"), and for each the push is looked up that ends at or after the place next to
# it. Commits that a force push removed are compared with commits that went at the same moment only: at one place there may
# have stood several.
MANY = 1000
BROUGHT = """
EXISTS (
    SELECT FROM changes_pullrequest p
    WHERE p.repository_id = %(repository)s AND p.base_ref = %(branch)s AND p.state = 'merged' AND p.merge_sha = c.sha
)
"""
ASKED = "c.repository_id = %(repository)s AND c.branch = %(branch)s AND (%(all)s OR c.sha = ANY(%(among)s))"
UNMERGED = f"""
WITH unmerged AS MATERIALIZED (SELECT c.sha FROM changes_branchcommit c WHERE {ASKED} AND NOT {BROUGHT})
SELECT sha FROM unmerged LIMIT %(most)s
"""  # noqa: S608  # constants
BEFORE_THE_SCOPE = """
c.committed_at < %(in_scope_from)s AND c.seen_at <= (
    SELECT first.seen_at FROM changes_branchcommit first
    WHERE first.repository_id = %(repository)s AND first.branch = %(branch)s
    ORDER BY first.position, first.seen_at LIMIT 1
)
"""
"""Of a row ``c`` of one branch: the first sweep found it, and its committer dated it before the scope began."""
UNMERGED_SINCE = f"""
WITH counted AS MATERIALIZED (SELECT c.sha FROM changes_branchcommit c WHERE {ASKED} AND NOT ({BEFORE_THE_SCOPE}))
SELECT c.sha FROM counted c WHERE NOT {BROUGHT}
"""  # noqa: S608  # constants
UNCOVERED = f"""
WITH left_over AS MATERIALIZED (
    SELECT c.id, c.position, c.gone_at, c.position - row_number() OVER (PARTITION BY c.gone_at ORDER BY c.position) AS island
    FROM changes_branchcommit c
    WHERE c.repository_id = %(repository)s AND c.branch = %(branch)s AND c.sha = ANY(%(unmerged)s) AND NOT ({BEFORE_THE_SCOPE})
), islands AS MATERIALIZED (
    SELECT gone_at, island, max(position) AS high FROM left_over GROUP BY gone_at, island
), rebased AS MATERIALIZED (
    SELECT i.gone_at, i.island, pushed.low
    FROM islands i CROSS JOIN LATERAL (
        SELECT before.position AS low, cardinality(after.parents) AS parents, after.sha
        FROM changes_branchcommit after
        JOIN changes_push u ON u.repository_id = %(repository)s AND u.branch = %(branch)s AND u.after = after.sha
        JOIN changes_branchcommit before
          ON before.repository_id = %(repository)s AND before.branch = %(branch)s AND before.sha = u.before
        WHERE after.repository_id = %(repository)s AND after.branch = %(branch)s AND NOT u.forced
          AND after.position > i.high AND after.position <= i.high + %(reach)s AND after.gone_at IS NOT DISTINCT FROM i.gone_at
        ORDER BY after.position, u.id LIMIT 1
    ) pushed
    WHERE pushed.parents = 1 AND EXISTS (
        SELECT FROM changes_pullrequest p
        WHERE p.repository_id = %(repository)s AND p.base_ref = %(branch)s AND p.state = 'merged' AND p.merge_sha = pushed.sha
    )
)
SELECT c.* FROM changes_branchcommit c JOIN left_over l ON l.id = c.id
LEFT JOIN rebased r ON r.gone_at IS NOT DISTINCT FROM l.gone_at AND r.island = l.island
WHERE r.low IS NULL OR l.position <= r.low
ORDER BY c.position, c.id
"""  # noqa: S608  # two constants
REACH = 1000
"""How many commits one push of a merge queue may bring; beyond it a rebase is not recognised, which is seen, not hidden."""


def _unmerged(values: dict[str, Any]) -> list[str]:
    """The commits that no pull request brought as its merge commit; of a branch with many of them without its history.

    Both sides stand in an index in the order of their sha, so PostgreSQL passes over the two side by side: a million in a
    quarter of a second, with no memory to speak of. (Given room for a hash table it takes that instead, three times as slow.)
    """
    with connection.cursor() as cursor:
        cursor.execute(UNMERGED, {**values, "most": MANY + 1})
        found = [sha for (sha,) in cursor.fetchall()]
        if len(found) <= MANY:
            return found
        cursor.execute(UNMERGED_SINCE, values)
        return [sha for (sha,) in cursor.fetchall()]


def uncovered_commits(*, repository: Repository, branch: str, among: Collection[str] | None = None) -> list[BranchCommit]:
    """Commits of a branch since the repository's scope began for which no pull request accounts, oldest first.

    ``among`` limits the question to these commits (after a sweep: the added ones). Commits that a force push removed
    are asked about too: they were on the branch.
    """
    place: dict[str, Any] = {"repository": repository.pk, "branch": branch, "in_scope_from": repository.in_scope_from}
    unmerged = _unmerged({**place, "all": among is None, "among": list(among or ())})
    if not unmerged:
        return []
    values = {**place, "unmerged": unmerged, "reach": REACH}
    return list(BranchCommit.objects.raw(UNCOVERED, values))
