"""W7: production commits against pull requests, all of them and only the newest; and a long Git history, counted by Git itself."""

import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from changes.delivery.models import BranchCommit, Repository
from changes.delivery.population import record_population, uncovered_commits
from changes.desk.bench.completing import complete
from changes.desk.bench.figures import Line, median, ms

FULL_SECONDS, STEP_MS = 0.5, 5.0
NEW = 50
SETTLE_TRIES = 10
LONE_EACH = 10_000
"""One commit in so many has no pull request."""
COMMITS = """
INSERT INTO changes_branchcommit (repository_id, branch, sha, parents, position, subject, committed_at, seen_at)
SELECT %(repository)s, 'prod', md5('c' || n) || '00000000', ARRAY[md5('c' || (n - 1)) || '00000000'], n, 'Work ' || n,
    %(at)s - make_interval(secs => %(many)s - n), %(at)s
FROM generate_series(1, %(many)s) AS n
"""
PULLS = """
INSERT INTO changes_pullrequest (
    repository_id, number, title, state, head_ref, head_sha, base_ref, merge_sha, merged_at, opened_at, reported_at, touched_at
)
SELECT %(repository)s, n, 'Work ' || n, 'merged', 'b' || n, md5('h' || n) || '00000000', 'prod', md5('c' || n) || '00000000',
    %(at)s - make_interval(secs => %(many)s - n), %(at)s - interval '90 days', %(at)s, %(at)s
FROM generate_series(1, %(many)s) AS n WHERE n %% %(lone)s <> 0
"""
SCOPE = timedelta(days=3650)


def measure(
    *, url: str, many: int, history: int, rounds: int, folder: Path, at: datetime, say: Callable[[str], None]
) -> Iterator[Line]:
    """``many`` commits with their pull requests by SQL, then a real history of ``history`` commits. ``url`` is the owner's."""
    say(f"Filling {many:,} commits and their pull requests …")
    repository = _fill(url, many, at)
    took = [_timed(repository, None, many // LONE_EACH) for _ in range(5)]
    yield Line(f"W7 anti-join of {many:,} commits", f"p50 {ms(median(took))}", "", median(took), "s", FULL_SECONDS)
    newest = BranchCommit.objects.filter(repository=repository, branch="prod").order_by("-position").values_list("sha", flat=True)
    shas = list(newest[:NEW])
    few = [_timed(repository, shas, None) for _ in range(rounds)]
    yield Line(f"W7 the newest {NEW} commits", f"p50 {ms(median(few))}", "", median(few) * 1000, "ms", STEP_MS)
    yield from _history(folder / "history.git", history, at)


def _fill(url: str, many: int, at: datetime) -> Repository:
    repository, _ = Repository.objects.get_or_create(name="northwind/large", defaults={"in_scope_from": at - SCOPE})
    if BranchCommit.objects.filter(repository=repository).count() == many:
        return repository
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        for table in ("changes_branchcommit", "changes_pullrequest"):
            connection.execute(f"DELETE FROM {table} WHERE repository_id = %s", [repository.pk])  # noqa: S608 (names are ours)
        for statement in (COMMITS, PULLS):
            values = {"repository": repository.pk, "at": at, "many": many, "lone": LONE_EACH}
            connection.execute(complete(statement, connection), values)
        connection.commit()
        connection.autocommit = True
        for table in ("changes_branchcommit", "changes_pullrequest"):
            _settle(connection, table)
    return repository


def _settle(connection: psycopg.Connection[Any], table: str) -> None:
    """As autovacuum leaves a table to which rows are only added: every page known to be visible to all, so that an index answers
    alone. One VACUUM is kept from it by anybody's older snapshot, autovacuum's own among them."""
    for _ in range(SETTLE_TRIES):
        connection.execute(f"VACUUM (ANALYZE) {table}")
        found = connection.execute("SELECT relallvisible >= relpages FROM pg_class WHERE oid = %s::regclass", [table]).fetchone()
        if found == (True,):
            return
        time.sleep(1)


def _timed(repository: Repository, among: list[str] | None, wanted: int | None) -> float:
    began = time.perf_counter()
    found = uncovered_commits(repository=repository, branch="prod", among=among)
    took = time.perf_counter() - began
    if wanted is not None and len(found) != wanted:
        raise RuntimeError(f"{len(found)} commits without a pull request, and there are {wanted}")
    return took


def _history(folder: Path, many: int, at: datetime) -> Iterator[Line]:
    """A first sweep, a second one that finds nothing, and the same numbers as ``git rev-list`` has."""
    _commit(folder, many)
    repository, _ = Repository.objects.get_or_create(name="northwind/history", defaults={"in_scope_from": at - SCOPE})
    BranchCommit.objects.filter(repository=repository).delete()
    began = time.perf_counter()
    record_population(repository=repository, branch="main", folder=folder, at=at)
    first = time.perf_counter() - began
    began = time.perf_counter()
    again = record_population(repository=repository, branch="main", folder=folder, at=at)
    second = time.perf_counter() - began
    counted = int(_git(folder, "rev-list", "--first-parent", "--count", "main"))
    recorded = BranchCommit.objects.filter(repository=repository, branch="main", gone_at=None).count()
    if (recorded, again.changed) != (counted, False):
        raise RuntimeError(f"git rev-list counts {counted} commits, and {recorded} are on record")
    words = f"{first:.1f} s, nothing new {ms(second)}; {recorded:,} on record, {counted:,} by git rev-list"
    yield Line(f"W7 Git history of {many:,} commits", words, "", float(abs(recorded - counted)), "off", 0.0)


def _commit(folder: Path, many: int) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    begin = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    parts = [
        f"commit refs/heads/main\ncommitter Ann <ann@northwind.example> {begin + n * 60} +0000\ndata <<END\nWork {n}\nEND\n"
        f"M 100644 inline f{n % 50}\ndata <<END\n{n}\nEND\n"
        for n in range(many)
    ]
    _git(folder, "fast-import", "--quiet", "--force", feed="\n".join(parts))


def _git(folder: Path, *arguments: str, feed: str | None = None) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, input=feed, capture_output=True, text=True, check=True)
    return done.stdout.strip()
