"""The completeness sheet in front of a population: POLICY.md's eleven answers, as JSON without fractions. Pure reading.

Counts here are made by plain SQL, on another way than the rows: what both agree on does not rest on one piece of code.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from audits.populations.facts import TIME, Asked, Filters, Kind, Row, Sequence, moment
from portal.access.models import User

LISTED = 200
"""Missing numbers that a sheet names; beyond that it counts them."""
SCOPE = """
SELECT r.name, r.forge, r.in_scope_from, r.in_scope_until, r.mirrored_at,
       (%(repositories)s::text[] IS NULL OR r.name = ANY (%(repositories)s::text[])) AS inside
FROM changes_repository r
WHERE r.in_scope_from < %(until)s AND (r.in_scope_until IS NULL OR r.in_scope_until > %(since)s)
ORDER BY r.name
"""
ACCOUNTS = """
SELECT s.name, s.kind, s.api_url, s.installation_id, s.connected_at, s.last_good_read_at
FROM changes_source s WHERE s.kind = ANY (%(kinds)s::text[]) ORDER BY s.name
"""
PART = "(%(repositories)s::text[] IS NULL OR r.name = ANY (%(repositories)s::text[]))"
BETWEEN = ">= %(since)s AND {0} < %(until)s"
COMMIT_OF = "SELECT FROM changes_branchcommit b WHERE b.repository_id = {0}.repository_id AND b.sha = {0}.{1}"
REQUEST_OF = """SELECT FROM changes_pullrequest p
         WHERE p.repository_id = {0}.repository_id AND p.state = 'merged' AND {0}.{1} IN (p.merge_sha, p.head_sha)"""
MATRIX: tuple[tuple[str, str], ...] = (
    (
        "Releases to production",
        f"""
SELECT count(*), NULL, count(*) FILTER (WHERE EXISTS ({COMMIT_OF.format("e", "commit_sha")})),
       count(*) FILTER (WHERE EXISTS ({REQUEST_OF.format("e", "commit_sha")})), count(l.id)
FROM changes_release e LEFT JOIN changes_repository r ON r.id = e.repository_id LEFT JOIN changes_releaselog l ON l.release_id = e.id
WHERE e.environment = 'production' AND e.created_at {BETWEEN.format("e.created_at")}
  AND ({PART} OR r.id IS NULL)""",
    ),
    (
        "Commits on the branch for production",
        f"""
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM changes_release e
         WHERE e.repository_id = b.repository_id AND e.commit_sha = b.sha AND e.environment = 'production')), NULL,
       count(*) FILTER (WHERE EXISTS ({REQUEST_OF.format("b", "sha")})),
       count(*) FILTER (WHERE EXISTS (SELECT FROM changes_release e JOIN changes_releaselog l ON l.release_id = e.id
         WHERE e.repository_id = b.repository_id AND e.commit_sha = b.sha))
FROM changes_branchcommit b JOIN changes_repository r ON r.id = b.repository_id
WHERE b.branch = r.prod_branch AND b.gone_at IS NULL AND b.committed_at {BETWEEN.format("b.committed_at")} AND {PART}""",
    ),
    (
        "Pull requests merged to production",
        f"""
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM changes_release e
         WHERE e.repository_id = q.repository_id AND e.commit_sha = q.merge_sha AND e.environment = 'production')),
       count(*) FILTER (WHERE EXISTS ({COMMIT_OF.format("q", "merge_sha")})), NULL,
       count(*) FILTER (WHERE EXISTS (SELECT FROM changes_release e JOIN changes_releaselog l ON l.release_id = e.id
         WHERE e.repository_id = q.repository_id AND e.commit_sha = q.merge_sha))
FROM changes_pullrequest q JOIN changes_repository r ON r.id = q.repository_id
WHERE q.base_ref = r.prod_branch AND q.merged_at {BETWEEN.format("q.merged_at")} AND {PART}""",
    ),
)
"""Each with how many there are, and how many of them have a release, a commit in Git, a pull request, a message in Slack."""


@dataclass
class Seen:
    """What is noted while the rows go by, so that they need not be kept."""

    kind: Kind
    filters: Filters
    read: int = 0
    kept: int = 0
    first_key: str = ""
    last_key: str = ""
    first_at: str = ""
    last_at: str = ""

    def __post_init__(self) -> None:
        self.values: set[str] = set()
        self.time = next((column.name for column in self.kind.columns if column.holds == TIME and column.name in TIMES), "")

    def read_one(self, row: Row) -> None:
        """Note a row that the source gave."""
        self.read += 1
        if self.kind.counts:
            self.values.add(str(row[self.kind.counts]))

    def keep_one(self, row: Row) -> None:
        """Note a row that the filters let through."""
        self.kept += 1
        self.first_key = self.first_key or str(row["key"])
        self.last_key = str(row["key"])
        if at := str(row.get(self.time, "") or ""):
            self.first_at = min(self.first_at or at, at)
            self.last_at = max(self.last_at, at)

    @property
    def counted(self) -> int:
        """What ``count_sql`` has to agree with."""
        return len(self.values) if self.kind.counts else self.read


TIMES = {
    *("merged_at", "committed_at", "created_at", "at", "happened_at", "proposed_at", "declared_at"),
    *("planned_at", "due_at", "opened_at", "valid_from"),
}
"""Columns by which rows lie in the window."""


def sheet_of(*, asked: Asked, seen: Seen, by: User, version: str) -> dict[str, Any]:
    """The sheet, once all rows went by."""
    kind = seen.kind
    at_source = count_at_source(kind, asked)
    return {
        "kind": kind.code,
        "title": kind.title,
        "one": kind.one,
        "source": {"system": kind.source, "accounts": _accounts(kind)},
        "query": {"sql": " ".join(kind.count_sql.split()), "parameters": _said(asked), "read_by": kind.read.__qualname__},
        "filters": {kind.column(name).label: value for name, value in sorted(seen.filters.items())},
        "window": _window(asked, by),
        "pulled": {"by": by.name, "email": by.email, "at": moment(asked.at), "code": version},
        "rows": {
            "at_source": at_source,
            "counted": seen.counted,
            "what": kind.column(kind.counts).label if kind.counts else "",
            "agrees": at_source == seen.counted,
            "read": seen.read,
            "left_out": seen.read - seen.kept,
            "exported": seen.kept,
        },
        "first": {"key": seen.first_key, "at": seen.first_at},
        "last": {"key": seen.last_key, "at": seen.last_at},
        "sequences": [line for sequence in kind.sequences for line in gaps_of(sequence, asked)],
        "scope": _scope(kind, asked),
        "matrix": _matrix(asked),
    }


def count_at_source(kind: Kind, asked: Asked) -> int:
    """How many there are by the kind's own statement."""
    [(number,)] = _ask(kind.count_sql, asked.parameters)
    return int(number)


def gaps_of(sequence: Sequence, asked: Asked) -> list[dict[str, Any]]:
    """For each name of a sequence: first, last, how many, and which numbers between them are not there."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for name, number in _ask(sequence.sql, asked.parameters):
        numbers[str(name)].add(int(number))
    return [_gaps(sequence, name, sorted(found)) for name, found in sorted(numbers.items())]


def _gaps(sequence: Sequence, name: str, found: list[int]) -> dict[str, Any]:
    gaps = [(before + 1, after - 1) for before, after in pairwise(found) if after > before + 1]
    missing = sum(last - first + 1 for first, last in gaps)
    listed = [f"{first}" if first == last else f"{first}–{last}" for first, last in gaps[:LISTED]]
    return {
        "label": sequence.label,
        "name": name,
        "first": found[0],
        "last": found[-1],
        "count": len(found),
        "missing": missing,
        "gaps": listed,
        "note": sequence.note if missing else "",
    }


def _window(asked: Asked, by: User) -> dict[str, str]:
    zone = ZoneInfo(by.time_zone)
    local = [at.astimezone(zone).isoformat() for at in (asked.since, asked.until)]
    return {
        "since": moment(asked.since),
        "until": moment(asked.until),
        "zone": "UTC",
        "local_since": local[0],
        "local_until": local[1],
        "local_zone": by.time_zone,
        "means": "From the first moment on, up to but without the last.",
    }


def _said(asked: Asked) -> dict[str, Any]:
    wanted = asked.parameters
    return {**wanted, "since": moment(asked.since), "until": moment(asked.until), "at": moment(asked.at)}


def _accounts(kind: Kind) -> list[dict[str, str]]:
    """The connected sources. Git is read in place of an account: its lines are those of the scope."""
    rows = _ask(ACCOUNTS, {"kinds": list(kind.providers)})
    return [
        {
            "name": name,
            "kind": vendor,
            "endpoint": address,
            "account": account,
            "connected_at": _at(connected),
            "last_good_read_at": _at(last),
        }
        for name, vendor, address, account, connected, last in rows
    ]


def _scope(kind: Kind, asked: Asked) -> dict[str, Any]:
    rows = _ask(SCOPE, asked.parameters)
    lines = [
        {"name": name, "forge": forge, "from": _at(began), "until": _at(ended), "read_at": _at(mirrored)}
        for name, forge, began, ended, mirrored, inside in rows
        if inside
    ]
    outside = [{"name": row[0], "reason": "Not in the scope of this engagement."} for row in rows if not row[5]]
    return {"repositories": lines, "excluded": outside, "wide": kind.wide}


def _matrix(asked: Asked) -> list[dict[str, Any]]:
    lines = []
    for label, sql in MATRIX:
        [(count, releases, commits, requests, messages)] = _ask(sql, asked.parameters)
        lines.append(
            {
                "label": label,
                "count": count,
                "releases": releases,
                "commits": commits,
                "pull_requests": requests,
                "messages": messages,
            }
        )
    return lines


def _at(value: datetime | None) -> str:
    return moment(value.astimezone(UTC)) if value else ""


def _ask(sql: str, parameters: dict[str, Any]) -> Iterable[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
