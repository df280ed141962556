"""Verifies the whole ledger from inside: rows, tree, checkpoints outside, domain tables, guards."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from django.db import connection

from portal.ledger import fingerprint, projection, rows, tree
from portal.ledger.places import Places
from portal.ledger.progress import Progress
from portal.ledger.report import Problem, Report, in_order
from portal.ledger.snapshot import moment, same_moment

MANY = 1000
TELL_EVERY = 0.5
"""Seconds between two words about the progress."""
CHUNK = 50_000
EXTENT = "SELECT count(*), coalesce(max(id), 0) FROM portal_ledgerleaf"
Check = Callable[[Any, int, Progress], Iterable[Problem]]
Tell = Callable[[Progress], None]


def verify(*, where: Places, full: bool = False, tell: Tell | None = None) -> Report:
    """Check everything at one moment. ``full`` names every broken place (up to 1,000 of a sort), else the first of each.

    Runs while others write. Uses its own connections, four at most. ``tell`` hears twice a second how far it is.
    """
    started = time.perf_counter()
    limit = MANY if full else 1
    with moment() as (cursor, snapshot), ThreadPoolExecutor(3) as threads:
        cursor.execute(EXTENT)
        entries, last = cursor.fetchone()
        progress = Progress(entries, last, chunk=CHUNK if tell else 0)
        marks = threads.submit(_run, snapshot, (rows.hashes, rows.streams), limit, progress)
        places = threads.submit(_run, snapshot, (rows.texts, rows.numbers), limit, progress)
        leaves = threads.submit(_tree, snapshot, where, progress)
        running: list[Future[Any]] = [marks, places, leaves]
        while wait(running, TELL_EVERY).not_done:
            _say(tell, progress)
        (hashes, streams), (texts, numbers) = marks.result(), places.result()
        in_tree, remarks, checkpoints = leaves.result()
        _say(tell, progress)
        domain, not_compared = projection.check(cursor, limit)
        progress.finish("rows")
        _say(tell, progress)
        redacted = rows.redactions(cursor)
    guarded = _guards()
    progress.finish("guards")
    remarks += [f"{gone.place}: its text was redacted by {gone.by}" for gone in redacted]
    remarks += [f"{key} is not compared: the text of the last entry about it was redacted" for key in not_compared]
    problems = in_order([*hashes, *texts, *streams, *numbers, *in_tree, *domain, *guarded])
    return Report(progress.entries, checkpoints, problems, tuple(remarks), time.perf_counter() - started)


def _run(snapshot: str, checks: Iterable[Check], limit: int, progress: Progress) -> list[list[Problem]]:
    with same_moment(snapshot) as cursor:
        return [list(check(cursor, limit, progress))[:limit] for check in checks]


def _tree(snapshot: str, where: Places, progress: Progress) -> tuple[list[Problem], list[str], int]:
    with same_moment(snapshot) as cursor:
        found = tree.check(cursor, where)
    progress.finish("tree")
    return found


def _say(tell: Tell | None, progress: Progress) -> None:
    if tell is not None:
        tell(progress)


def _guards() -> list[Problem]:
    return [Problem("guards", sentence) for sentence in fingerprint.take(connection).deviations]
