"""W9: a save with its ledger entry against the same save without."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import ClassVar

import psycopg
from django.db import connection, connections, models, transaction

from changes.desk.bench.figures import Line, median
from portal.bell import SAY
from portal.ledger.actions import append
from portal.runtime import programs

SHARE = 0.8
TURNS = 7
Run = Callable[[bool], float]
"""Saves per second; the argument says whether each has its ledger entry, or its bell."""
RECORDS = 10_000
TABLES = (
    "CREATE TABLE IF NOT EXISTS bench_plain (id bigserial PRIMARY KEY, at timestamptz NOT NULL, size bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS bench_record (id bigint PRIMARY KEY, title text, note text, times bigint NOT NULL)",
    """
    INSERT INTO bench_record
    SELECT n, 'Record ' || n, repeat('What somebody wrote. ', 10), 0 FROM generate_series(1, 10000) n ON CONFLICT DO NOTHING
    """,
    "GRANT SELECT, INSERT, UPDATE ON bench_plain, bench_record TO countersign_app",
    "GRANT USAGE ON SEQUENCE bench_plain_id_seq TO countersign_app",
)
PLAIN = """
\\set n random(1, 10000)
BEGIN;
SELECT * FROM bench_record WHERE id = :n;
UPDATE bench_record SET times = times + 1 WHERE id = :n;
{entry}COMMIT;
{bell}"""
FACT = '{"by":"Bob","note":"Looked at again.","times":17}'
ENTRY = f"SELECT portal_ledger_append('bench:' || :n, 'record.saved', 'user:1', '{FACT}', '{{}}', false);\n"
BELL = " ".join(SAY.replace("%s::text[]", "ARRAY['live']").split()) + ";\n"
"""What ``portal.bell`` says after a commit."""


class Record(models.Model):
    """A row that is saved again and again; its table belongs to the benchmark."""

    id = models.BigIntegerField(primary_key=True)
    title = models.TextField()
    note = models.TextField()
    times = models.BigIntegerField()
    objects: ClassVar[models.Manager["Record"]] = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "bench_record"

    def __str__(self) -> str:
        return self.title


def make_tables(*, url: str) -> None:
    """The tables of the baselines, as the owner."""
    with psycopg.connect(url, autocommit=True) as owner:
        for statement in TABLES:
            owner.execute(statement)


def measure(*, seconds: float, superuser: str, folder: Path) -> Iterator[Line]:
    """Saves per second by one and by eight processes through the ORM, then by 32 connections, at last at 2 ms a commit. Those
    of the 32 are measured once more without entries, but with a bell after each commit.
    """
    for writers in (1, 8):
        words = f"W9 ORM saves, {writers} writer{'s' if writers > 1 else ''}"
        yield _compared(words, partial(_by_orm, writers, seconds), SHARE)
    for delay, words in ((0, "no delay"), (2000, "commit_delay 2 ms")):
        _set_delay(superuser, delay)
        yield _compared(f"W9 SQL saves, 32 writers, {words}", partial(_by_pgbench, 32, seconds, folder, ENTRY, ""), SHARE)
    _set_delay(superuser, 0)
    yield _compared("W9 SQL saves without an entry but with a bell", partial(_by_pgbench, 32, seconds, folder, "", BELL), None)


def _compared(workload: str, run: Run, target: float | None) -> Line:
    """Short turns with and without an entry; the ratio is the middle one of the pairs, for machines are never quiet."""
    pairs = [(run(False), run(True)) for _ in range(TURNS)]
    plain, logged = median([pair[0] for pair in pairs]), median([pair[1] for pair in pairs])
    ratio = median([pair[1] / pair[0] for pair in pairs])
    return Line(workload, f"{logged:,.0f}/s", f"plain saves {plain:,.0f}/s", ratio, target=target, better="more")


def _by_orm(writers: int, seconds: float, with_entry: bool) -> float:
    """Each writer is a process: reads a row, saves it, and appends in the same transaction when asked to."""
    connections.close_all()
    with get_context("fork").Pool(writers) as pool:
        return sum(pool.starmap(_write, [(seconds, with_entry)] * writers))


def _write(seconds: float, with_entry: bool) -> float:
    connection.ensure_connection()
    chance = random.Random()  # noqa: S311  # spreads the rows, no secret
    began, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        _save(chance.randint(1, RECORDS), with_entry)
        done += 1
    return done / spent


@transaction.atomic
def _save(number: int, with_entry: bool) -> None:
    record = Record.objects.get(id=number)
    record.times += 1
    record.save(force_update=True)
    if with_entry:
        fact = {"by": "Bob", "times": record.times, "note": "Looked at again."}
        append(stream=f"bench:{number}", kind="record.saved", actor="user:1", fact=fact)


def _by_pgbench(clients: int, seconds: float, folder: Path, entry: str, bell: str, more: bool) -> float:
    """The same statements from PostgreSQL's own load generator, so that Python's pace does not hide the database's.

    With ``more`` each save has the entry, and rings the bell, that are given.
    """
    script = folder / "save.sql"
    script.write_text(PLAIN.format(entry=entry if more else "", bell=bell if more else ""))
    at = connection.settings_dict
    who = ["-h", str(at["HOST"]), "-U", str(at["USER"]), str(at["NAME"])]
    how = ["-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds))), "-f", str(script)]
    done = subprocess.run([str(programs.find() / "pgbench"), *how, *who], capture_output=True, text=True, check=True)
    return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps"))


def _set_delay(superuser: str, microseconds: int) -> None:
    """How long a commit waits before it is written, as on a disk far away; for new connections of everybody."""
    with psycopg.connect(superuser, autocommit=True) as connected:
        connected.execute(f"ALTER SYSTEM SET commit_delay = {microseconds}")
        connected.execute(f"ALTER SYSTEM SET commit_siblings = {0 if microseconds else 5}")
        connected.execute("SELECT pg_reload_conf()")
    time.sleep(0.3)
