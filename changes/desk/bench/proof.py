"""W10: the whole ledger verified from inside, and its export by the offline verifier, in entries a second."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
from django.db import connection, connections
from django.utils.timezone import now

from changes.desk.bench.figures import Line
from portal.ledger.export import export
from portal.ledger.models import LedgerLeaf
from portal.ledger.places import places
from portal.ledger.sealer import seal
from portal.ledger.verification import verify

INSIDE, OFFLINE = 400_000, 150_000
"""Entries a second: the targets of W10."""
WRITERS, BATCH, STREAMS = 2, 5_000, 20_000
# Each writer has streams of its own, so that neither waits for the other.
FILL = """
SELECT count(portal_ledger_append('bench-proof:' || (%(writer)s + n %% %(streams)s * %(writers)s), 'record.saved', 'user:1',
    json_build_object('by', 'Bob', 'note', 'Looked at again.', 'times', n)::text, '{}', false))
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
SCAN = "SELECT sum(length(hash)) FROM portal_ledgerleaf"


def measure(*, url: str, entries: int, folder: Path) -> Iterator[Line]:
    """Bring the ledger to ``entries`` entries as the owner, seal, verify inside, export, verify offline."""
    missing = entries - LedgerLeaf.objects.count()
    if missing > 0:
        fill(url=url, many=missing)
    seal(at=now(), where=places(), origin="countersign.bench", force=True)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE portal_ledgerleaf, portal_ledgerbody, portal_ledgersealed")
    connections.close_all()
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(SCAN)
    scanned = LedgerLeaf.objects.count() / (time.perf_counter() - began)
    found = verify(where=places())
    if not found.ok:
        raise RuntimeError(f"the ledger of the benchmark does not verify: {found.problems[0]}")
    baseline = f"one scan {scanned:,.0f}/s"
    yield _line(f"W10 verify inside, {found.entries:,} entries", found.entries / found.seconds, baseline, INSIDE)
    yield _line(f"W10 offline verifier, {found.entries:,} entries", _offline(folder / "proof"), baseline, OFFLINE)


def fill(*, url: str, many: int) -> None:
    """Append ``many`` entries by two connections; only the wait for the disk is left out."""
    half = -(-many // WRITERS)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(partial(_write, url, half), range(WRITERS)))


def _write(url: str, many: int, writer: int) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("SET synchronous_commit = off")
        for first in range(1, many + 1, BATCH):
            values = {
                "writer": writer,
                "writers": WRITERS,
                "streams": STREAMS,
                "first": first,
                "last": min(first + BATCH - 1, many),
            }
            owner.execute(FILL, values)


def _offline(folder: Path) -> float:
    """Entries a second of the exported verifier in a process of its own, start and reading included."""
    written = export(folder=folder, where=places())
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", str(folder / "verify.py"), str(folder)], capture_output=True, check=True)
    return written.entries / (time.perf_counter() - began)


def _line(workload: str, pace: float, baseline: str, target: float) -> Line:
    return Line(workload, f"{pace:,.0f}/s", baseline, pace, unit="/s", target=target, better="more")
