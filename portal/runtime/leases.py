"""SQL of the leases, used without Django by the scheduler. Times are the database's, so that clocks of machines do not matter."""

from collections.abc import Sequence
from typing import Any

import psycopg

from portal.schedule import RESTS, STANDSTILL, Entry

_KNOWN = """
INSERT INTO portal_lease (name, next_at)
SELECT name, now() FROM unnest(%s::text[]) AS name
ON CONFLICT (name) DO NOTHING
"""
# Compare and set: of several schedulers one finds next_at still in the past. A late job runs once, not for each missed time.
_TAKE = """
UPDATE portal_lease AS lease
SET next_at = now() + make_interval(secs => wanted.every), run_at = now()
FROM unnest(%s::text[], %s::float8[]) AS wanted(name, every)
WHERE lease.name = wanted.name AND lease.next_at <= now()
  AND NOT (lease.name = ANY (%s) AND EXISTS (SELECT FROM portal_lease WHERE name = %s AND next_at > now()))
RETURNING lease.name
"""


def make_known(*, connection: psycopg.Connection[Any], schedule: Sequence[Entry]) -> None:
    """Give every entry a row; one that is new is due at once."""
    connection.execute(_KNOWN, [[entry.lease for entry in schedule]])


def take_due(*, connection: psycopg.Connection[Any], schedule: Sequence[Entry]) -> list[Entry]:
    """Take all jobs that are due and that nobody else took."""
    names = [entry.lease for entry in schedule]
    every = [float(entry.every) for entry in schedule]
    rows = connection.execute(_TAKE, [names, every, list(RESTS), STANDSTILL]).fetchall()
    taken = {row[0] for row in rows}
    return [entry for entry in schedule if entry.lease in taken]


def stands_still(*, connection: psycopg.Connection[Any]) -> bool:
    """Whether somebody holds the jobs that follow a clock."""
    found = connection.execute("SELECT FROM portal_lease WHERE name = %s AND next_at > now()", [STANDSTILL]).fetchone()
    return found is not None
