"""Numbers that follow each other at their source, and days: what is missing shows by itself."""

from datetime import date
from typing import Any

from django.db import connection

from changes.completeness.facts import Day, Numbers, ranges
from changes.completeness.statements import IN_SCOPE, OF_RELEASES
from changes.completeness.window import Window

SHOWN = 100
PULLS = """
SELECT r.name, min(p.number), max(p.number), r.id FROM changes_pullrequest p JOIN changes_repository r ON r.id = p.repository_id
WHERE coalesce(p.opened_at, p.reported_at) >= %(since)s AND coalesce(p.opened_at, p.reported_at) < %(until)s AND {in_scope}
GROUP BY r.id, r.name ORDER BY r.name
"""
VERSIONS = """
SELECT e.app, min(e.version), max(e.version), e.app FROM changes_release e LEFT JOIN changes_repository r ON r.id = e.repository_id
WHERE e.source = 'fly' AND e.version IS NOT NULL AND e.created_at >= %(since)s AND e.created_at < %(until)s AND {in_scope}
GROUP BY e.app ORDER BY e.app
"""
PLACES = """
SELECT r.name || ' ' || c.branch, min(c.position), max(c.position), ARRAY[r.id::text, c.branch]
FROM changes_branchcommit c JOIN changes_repository r ON r.id = c.repository_id AND c.branch IN (r.main_branch, r.prod_branch)
WHERE c.committed_at >= %(since)s AND c.committed_at < %(until)s AND c.gone_at IS NULL AND {in_scope}
GROUP BY r.id, r.name, c.branch ORDER BY 1
"""
LACKING = """
SELECT n FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
WHERE NOT EXISTS (SELECT FROM {table} t WHERE {ours} AND t.{column} = n) ORDER BY n
"""
SEQUENCES = (
    (
        "git",
        "pull request numbers",
        PULLS,
        "changes_pullrequest",
        "t.repository_id = %(of)s",
        "number",
        "A missing number may be an issue.",
    ),
    ("fly", "release versions", VERSIONS, "changes_release", "t.source = 'fly' AND t.app = %(of)s", "version", ""),
    (
        "git",
        "places on the branch",
        PLACES,
        "changes_branchcommit",
        "t.repository_id = (%(of)s::text[])[1]::bigint AND t.branch = (%(of)s::text[])[2] AND t.gone_at IS NULL",
        "position",
        "",
    ),
)
DAYS = """
SELECT (e.created_at AT TIME ZONE 'UTC')::date, count(*), count(m.id)
FROM changes_release e LEFT JOIN changes_releaselog m ON m.release_id = e.id
LEFT JOIN changes_repository r ON r.id = e.repository_id
WHERE e.environment = 'production' AND e.state <> 'pending'
  AND e.created_at >= %(since)s AND e.created_at < %(until)s AND {in_scope} AND {releases}
GROUP BY 1 ORDER BY 1
"""


def numbers_of(*, window: Window) -> tuple[Numbers, ...]:
    """Every sequence that has a number in the window: those between its first and its last one there."""
    found: list[Numbers] = []
    for system, what, statement, table, ours, column, note in SEQUENCES:
        if not window.covers([system]):
            continue
        for place, first, last, of in _all(statement.format(in_scope=IN_SCOPE), window.values):
            asked = LACKING.format(table=table, ours=ours, column=column)
            missing = [number for (number,) in _all(asked, {"first": first, "last": last, "of": of})]
            present = last - first + 1 - len(missing)
            found.append(Numbers(what, place, first, last, present, len(missing), ranges(missing)[:SHOWN], note))
    return tuple(found)


def days_of(*, window: Window) -> tuple[Day, ...]:
    """The days that have releases to production."""
    rows: list[tuple[date, int, int]] = _all(DAYS.format(in_scope=IN_SCOPE, releases=OF_RELEASES), window.values)
    return tuple(Day(day, releases, logged) for day, releases, logged in rows)


def _all(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[Any] = cursor.fetchall()
    return found
