"""Records a large history whole, by the way that a worker takes, compares every row with Git, and prints what it took.

    folder=$(mktemp -d); COUNTERSIGN_TEST_HISTORY=FOLDER python -m portal.runtime.around --data $folder \\
        manage.py shell -c 'from tests.changes.connectors.git.whole import measure; measure()'

``measure(by_hand=True)`` is for a copy that lacks some files, from which nobody can fetch: the mirror has its objects from
the beginning, as if somebody had fetched it by hand. Each step runs in a process of its own, forked as a worker's are, so that
its peak of memory is its own.
"""

import json
import os
import resource
import time
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.utils.timezone import now

from changes.completeness.queries import sheet_of
from changes.connectors.git.mirror import folder_of
from changes.connectors.polling import mirror_due
from changes.connectors.settling import settle_due
from changes.delivery.models import BranchCommit, PullRequest, Repository
from changes.delivery.population import uncovered_commits
from changes.exceptions.models import ExceptionRecord
from portal.access.scope import EVERYTHING
from tests.changes.connectors.git import histories
from tests.changes.delivery.workshop import Workshop

NEW = 50
LONE = 10_000
"""One commit in so many gets no pull request, as in W7."""
SETTLED = timedelta(minutes=2)
SIZES = """
SELECT pg_size_pretty(pg_table_size('changes_branchcommit')), pg_size_pretty(pg_indexes_size('changes_branchcommit')),
    pg_size_pretty(pg_total_relation_size('changes_branchcommit'))
"""
PULLS = """
INSERT INTO changes_pullrequest (
    repository_id, number, title, body, state, draft, author_login, author_is_bot, head_ref, head_sha, base_ref, labels,
    merged_by_login, merge_sha, head_is_fork, clocks, commit_people, merged_at, opened_at, reported_at, touched_at
)
SELECT %(repository)s, position, 'Work ' || position, '', 'merged', false, 'ann', false, 'b' || position, md5(sha) || '00000000',
    'main', '{}', 'bob', sha, false, '{}', '[]', committed_at, committed_at, %(at)s, '2020-01-01'
FROM changes_branchcommit WHERE repository_id = %(repository)s AND branch = 'main' AND position %% %(lone)s <> 0
"""


def measure(by_hand=False):
    """All steps, one after the other; raises where a number differs."""
    settings.GIT_PROTOCOLS = ["file"]
    call_command("migrate", verbosity=0)
    forge = Path(settings.DATA_DIR) / "forge.git"
    assert histories.real(forge), "COUNTERSIGN_TEST_HISTORY names no whole repository"
    web = Repository.objects.create(name="northwind/large", clone_url=f"file://{forge}", in_scope_from=now())
    print(f"{len(histories.rev_list(forge, 'main')):,} commits", flush=True)
    if by_hand:
        mirror = Workshop(folder_of(web))
        (mirror.folder / "objects" / "info" / "alternates").write_text((forge / "objects" / "info" / "alternates").read_text())
    apart("first sweep", sweep)
    compare(web, forge)
    ask("after the first sweep")
    apart("detectors, all of it history", settle)
    apart("asked, all of it history", lambda: len(uncovered(web)))
    apart("a sheet of all time", sheet)
    apart("nothing new", sweep)
    more(forge, NEW)
    apart(f"{NEW} new commits", sweep)
    compare(web, forge)
    apart(f"detectors, {NEW} new", settle)
    assert ExceptionRecord.objects.filter(kind="direct_push").count() == NEW
    newest = list(of(web, "main").values_list("sha", flat=True)[:NEW])
    assert apart(f"asked about the {NEW}", lambda: len(uncovered(web, newest))) == NEW
    assert apart("asked about all", lambda: len(uncovered(web))) == NEW
    Repository.objects.update(in_scope_from=datetime(1970, 1, 1).astimezone())
    web.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute(PULLS, {"repository": web.pk, "at": now(), "lone": LONE})
        cursor.execute("ANALYZE changes_pullrequest")
    print(f"{PullRequest.objects.count():,} pull requests", flush=True)
    count = BranchCommit.objects.filter(repository=web, branch="main").count()
    assert apart("asked, all in scope and brought", lambda: len(uncovered(web))) == count // LONE
    assert apart(f"asked about the {NEW}", lambda: len(uncovered(web, newest))) <= 1


def of(web, branch):
    return BranchCommit.objects.filter(repository=web, branch=branch, gone_at=None).order_by("-position")


def uncovered(web, among=None):
    return uncovered_commits(repository=web, branch="main", among=among)


def sweep():
    Repository.objects.update(mirror_tried_at=None)
    return mirror_due(now=now)


def settle():
    return settle_due(now=lambda: now() + SETTLED)


def sheet():
    sheet_of(since=datetime(1900, 1, 1).astimezone(), until=now(), scope=EVERYTHING, at=now())


def more(forge, many):
    workshop = Workshop.at(forge)
    workshop.clock = now()
    for number in range(many):
        workshop.commit(files={f"new-{number}": "x"}, message=f"New {number}")


def apart(words, step):
    """Run it in a process of its own, print what it took, and return what it returned."""
    connections.close_all()
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            began, before = time.perf_counter(), memory("VmRSS")
            given = step()
            took = time.perf_counter() - began
            gits = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            os.write(writes, json.dumps([given, took, before, memory("VmHWM"), gits]).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        given, took, before, peak, gits = json.loads(pipe.read() or "null")
    os.waitpid(child, 0)
    print(f"{words}: {took:.2f} s, {given}; VmHWM {peak} MB, {before} before; git {gits} MB", flush=True)
    return given


def memory(name):
    """MB of this process."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) // 1024


def ask(words):
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        print(f"table, indexes, all {words}: {cursor.fetchone()}", flush=True)


def compare(web, forge):
    """Each row of both branches with what ``git rev-list`` and ``git diff-tree`` print."""
    began = time.perf_counter()
    for branch in ("main", "prod"):
        rows = of(web, branch)
        assert rows.count() == len(histories.rev_list(forge, "--first-parent", branch))
        merges = len(histories.rev_list(forge, "--first-parent", "--merges", branch))
        assert rows.filter(parents__len__gt=1).count() == merges
        told, files = as_git_says(forge, branch), as_git_differs(forge, branch)
        place = rows.count()
        for row in rows.iterator(2000):
            people = (row.author_name, row.author_email, row.committer_name, row.committer_email)
            assert (row.position, *next(told)) == (place, row.sha, row.parents, int(row.committed_at.timestamp()), *people)
            assert next(files) == (row.sha, row.paths)
            place -= 1
        assert (place, next(told, None), next(files, None)) == (0, None, None)
        print(f"{branch}: {rows.count():,} rows as Git has them, {merges:,} merges", flush=True)
    print(f"compared in {time.perf_counter() - began:.1f} s; {BranchCommit.objects.exclude(gone_at=None).count()} gone", flush=True)


def text(value):
    return value.encode(errors="surrogateescape").decode(errors="backslashreplace")


def as_git_says(forge, branch):
    """Commit, parents, seconds and people, newest first."""
    shape = "--format=%H%x1f%P%x1f%ct%x1f%an%x1f%ae%x1f%cn%x1f%ce"
    printed = histories.git(forge, "rev-list", "--first-parent", "--no-commit-header", shape, branch)
    for line in printed.split("\n"):
        sha, parents, seconds, *people = line.split("\x1f")
        yield (sha, parents.split(), int(seconds), *map(text, people))


def as_git_differs(forge, branch):
    """Commit and the files that differ from its first parent, newest first."""
    lines = [line.split() for line in histories.git(forge, "rev-list", "--first-parent", "--parents", branch).split("\n")]
    while batch := list(islice(lines, 5000)):
        del lines[: len(batch)]
        feed = "".join(" ".join(line[:2]) + "\n" for line in batch).encode()
        shape = ("-r", "-z", "--root", "--name-only", "--no-renames", "--stdin", "--always")
        printed = histories.git(forge, "diff-tree", *shape, feed=feed)
        known, found = {line[0] for line in batch}, {}
        for part in printed.split("\0"):
            if part in known:
                found[part] = files = []
            elif part:
                files.append(text(part))
        yield from ((line[0], found[line[0]]) for line in batch)
