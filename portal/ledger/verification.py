"""Verifies the whole ledger from inside: rows, tree, checkpoints outside, domain tables, guards."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from portal.ledger import catalogue, guards, plan, projection, rows, tree
from portal.ledger.places import Places
from portal.ledger.report import Problem, Report, in_order
from portal.ledger.snapshot import moment, same_moment

MANY = 1000
Check = Callable[[Any, int], Iterable[Problem]]


def verify(*, where: Places, full: bool = False) -> Report:
    """Check everything at one moment. ``full`` names every broken place (up to 1,000 of a sort), else the first of each.

    Runs while others write. Uses its own connections, three at most.
    """
    started = time.perf_counter()
    limit = MANY if full else 1
    with moment() as (cursor, snapshot), ThreadPoolExecutor(2) as threads:
        texts = threads.submit(_run, snapshot, (rows.hashes, rows.streams), limit)
        places = threads.submit(_run, snapshot, (rows.bodies, rows.numbers), limit)
        in_tree, remarks, checkpoints = tree.check(cursor, where)
        (hashes, streams), (bodies, numbers) = texts.result(), places.result()
        domain = list(projection.check(cursor, limit))
        cursor.execute("SELECT count(*) FROM portal_ledgerleaf")
        entries = int(cursor.fetchone()[0])
    problems = in_order([*hashes, *bodies, *streams, *numbers, *in_tree, *domain, *_guards()])
    return Report(entries, checkpoints, problems, tuple(remarks), time.perf_counter() - started)


def _run(snapshot: str, checks: Iterable[Check], limit: int) -> list[list[Problem]]:
    with same_moment(snapshot) as cursor:
        return [list(check(cursor, limit)) for check in checks]


def _guards() -> list[Problem]:
    seen = catalogue.look(connection)
    deviations = guards.deviations(plan.make(guards.declared(), seen), seen)
    return [Problem("guards", sentence) for sentence in deviations]
