"""Verifies the whole ledger from inside: rows, tree, checkpoints outside, domain tables, guards."""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any

from django.db import connection

from portal.ledger import fingerprint, projection, rows, tree
from portal.ledger.places import Places
from portal.ledger.progress import Progress
from portal.ledger.report import Problem, Report, in_order
from portal.ledger.snapshot import moment, same_moment
from portal.ledger.sweep import Sweep, spans

MANY = 1000
TELL_EVERY = 0.5
"""Seconds between two words about the progress."""
WORKERS = max(2, min(4, os.cpu_count() or 2))
"""Connections that share the work, one for a core."""
COUNT = "SELECT count(*) FROM portal_ledgerleaf"
Task = Callable[[Any], None]
Tell = Callable[[Progress], None]


@dataclass
class Checks:
    """The checks of one verification, each a task that takes a cursor. What they find is kept here."""

    where: Places
    limit: int
    progress: Progress
    sweep: Sweep
    streams: list[Problem] = field(default_factory=list)
    in_tree: tuple[list[Problem], list[str], int] = ([], [], 0)
    domain: tuple[list[Problem], list[str]] = ([], [])
    guarded: list[Problem] = field(default_factory=list)

    def long(self) -> list[Task]:
        """Those that are not to be divided: they begin first, so that the spans fill the time that is left beside them."""
        return [self.check_streams, self.check_tree, self.check_rows, self.sweep.count]

    def check_streams(self, cursor: Any) -> None:
        """The order in every stream."""
        self.streams = list(rows.streams(cursor, self.limit))
        self.progress.finish("streams")

    def check_tree(self, cursor: Any) -> None:
        """The tree and all its checkpoints."""
        self.in_tree = tree.check(cursor, self.where)
        self.progress.finish("tree")

    def check_rows(self, cursor: Any) -> None:
        """The domain tables."""
        self.domain = projection.check(cursor, self.limit)
        self.progress.finish("rows")

    def check_guards(self) -> None:
        """The schema against the code: as it is now, whatever the snapshot."""
        self.guarded = [Problem("guards", sentence) for sentence in fingerprint.take(connection).deviations]
        self.progress.finish("guards")


def verify(*, where: Places, full: bool = False, tell: Tell | None = None) -> Report:
    """Check everything at one moment. ``full`` names every broken place (up to 1,000 of a sort), else the first of each.

    Runs while others write. Uses its own connections, five at most. ``tell`` hears twice a second how far it is.
    """
    started = time.perf_counter()
    with moment() as (cursor, snapshot):
        cursor.execute(COUNT)
        progress = Progress(cursor.fetchone()[0])
        limit = MANY if full else 1
        checks = Checks(where, limit, progress, Sweep(limit, progress))
        _share(checks, cursor, snapshot, (lambda: tell(progress)) if tell else lambda: None)
        redacted = rows.redactions(cursor)
        found = checks.sweep.problems(cursor, redacted)
    (in_tree, told, checkpoints), (domain, not_compared) = checks.in_tree, checks.domain
    remarks = (
        *told,
        *(f"{gone.place}: its text was redacted by {gone.by}" for gone in redacted),
        *(f"{key} is not compared: the text of the last entry about it was redacted" for key in not_compared),
    )
    problems = in_order([*found, *checks.streams, *in_tree, *domain, *checks.guarded])
    return Report(progress.entries, checkpoints, problems, remarks, time.perf_counter() - started)


def _share(checks: Checks, cursor: Any, snapshot: str, say: Callable[[], None]) -> None:
    """Let the workers do all tasks, whoever is free the next one. Raises what one of them raised."""
    tasks: SimpleQueue[Task | None] = SimpleQueue()
    with ThreadPoolExecutor(WORKERS) as threads:
        for task in checks.long():
            tasks.put(task)
        running = [threads.submit(_work, snapshot, tasks) for _ in range(WORKERS)]
        try:
            for span in spans(cursor, checks.progress.entries):
                tasks.put(partial(checks.sweep.look, span=span))
        finally:
            for _ in running:
                tasks.put(None)
        checks.check_guards()
        _until_done(running, say)


def _until_done(running: Iterable[Future[None]], say: Callable[[], None]) -> None:
    while wait(running, TELL_EVERY).not_done:
        say()
    say()
    for one in running:
        one.result()


def _work(snapshot: str, tasks: SimpleQueue[Task | None]) -> None:
    with same_moment(snapshot) as cursor:
        while (task := tasks.get()) is not None:
            task(cursor)
