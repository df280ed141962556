"""Fills the database of the benchmark, as its owner, with every guard on.

Rows come by INSERT … SELECT in transactions of a thousand changes; each evidence row gets its own ledger entry from
``portal_ledger_append`` in the same transaction, and the triggers check all of them at commit. Only the wait for the disk is left
out (synchronous_commit off while filling). Two connections fill at the same time, since the ledger holds nobody up.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from changes.desk.bench import shapes
from changes.desk.bench.completing import complete

STATEMENTS = [text.strip() for text in (Path(__file__).parent / "rows.sql").read_text().split(";\n") if text.strip()]
LONG_TIMELINE = """
SELECT count(portal_ledger_append('change:' || %(number)s, 'change.classified', 'portal', %(fact)s, '{}', false))
FROM generate_series(1, %(many)s)
"""
BATCH = 1000
STREAMS = 2
REPOSITORIES = 12
PEOPLE = 40
Say = Callable[[str], None]


def fill(*, url: str, have: int, want: int, approver: int, at: datetime, say: Say) -> float:
    """Make the changes ``have + 1`` to ``want``; returns the seconds that it took. ``approver`` is the person who approved."""
    began = time.perf_counter()
    values = {**_common(url, at), "approver": approver, "total": want}
    ranges = [(first, min(first + BATCH - 1, want)) for first in range(have + 1, want + 1, BATCH)]
    with ThreadPoolExecutor(STREAMS) as pool:
        for share in pool.map(lambda part: _share(url, values, part, say), _shares(ranges)):
            say(share)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return time.perf_counter() - began


def lengthen(*, url: str, number: int, entries: int) -> None:
    """Give one change a timeline of so many entries more."""
    with psycopg.connect(url) as connection:
        connection.execute(LONG_TIMELINE, {"number": number, "many": entries, "fact": '{"note":"Looked at again."}'})


def _shares(ranges: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    for number in range(STREAMS):
        yield ranges[number::STREAMS]


def _share(url: str, values: dict[str, Any], ranges: list[tuple[int, int]], say: Say) -> str:
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET countersign.search_later = 'on'")
        connection.commit()
        for done, (first, last) in enumerate(ranges, start=1):
            _batch(connection, {**values, "first": first, "last": last})
            if done % 50 == 0:
                say(f"  … {done * BATCH:,} changes of this connection's {len(ranges) * BATCH:,}")
    return f"  {len(ranges)} transactions done"


def _batch(connection: psycopg.Connection[Any], values: dict[str, Any]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(complete(statement, connection), values)


def _common(url: str, at: datetime) -> dict[str, Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        names = [f"northwind/service-{number}" for number in range(1, REPOSITORIES + 1)]
        repositories = [_repository(connection, name, at) for name in names]
        people = [_person(connection, number, at) for number in range(PEOPLE)]
    return {
        "at": at,
        "names": names,
        "repositories": repositories,
        "people": people,
        "many": PEOPLE,
        "words": list(shapes.WORDS),
        "verbs": list(shapes.VERBS),
        **LETTERS,
        **{f"{name}_json": shapes.assessment(letters) for name, letters in LETTERS.items()},
        "gates_json": Jsonb(shapes.gates(shapes.DONE)),
    }


LETTERS = {"done": shapes.DONE, "blocked": shapes.BLOCKED, "ready": shapes.READY}
REPOSITORY = """
INSERT INTO changes_repository (forge, name, main_branch, prod_branch, approved_by, clone_url, in_scope_from, mirror_error)
VALUES ('github', %s, 'main', 'prod', 'review', '', %s, '') ON CONFLICT (forge, name) DO UPDATE SET mirror_error = '' RETURNING id
"""
PERSON = """
INSERT INTO portal_user (email, name, password, is_active, joined_at, theme, time_zone, shortcuts)
VALUES (%s, %s, '!', true, %s, 'system', 'UTC', true) ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id
"""


def _repository(connection: psycopg.Connection[Any], name: str, at: datetime) -> int:
    return _one(connection.execute(complete(REPOSITORY, connection), [name, at]).fetchone())


def _person(connection: psycopg.Connection[Any], number: int, at: datetime) -> int:
    values = [f"dev-{number}@northwind.example", f"Developer {number}", at]
    return _one(connection.execute(complete(PERSON, connection), values).fetchone())


def _one(row: tuple[Any, ...] | None) -> int:
    assert row is not None
    return int(row[0])
