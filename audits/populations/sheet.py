"""The completeness sheet in front of a population: POLICY.md's eleven answers, as JSON without fractions. Pure reading.

Counts here are made by plain SQL, on another way than the rows: what both agree on does not rest on one piece of code.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from audits.populations.facts import TIME, Asked, Filters, Kind, Row, moment
from changes.completeness.queries import sheet_of as completeness_of
from portal.access.models import User

Sheet = dict[str, Any]
ACCOUNTS = """
SELECT s.name, s.kind, s.api_url, s.installation_id, s.connected_at, s.last_good_read_at
FROM changes_source s WHERE s.kind = ANY (%(kinds)s::text[]) ORDER BY s.name
"""


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
        self.counted_values: set[str] = set()
        self.columns: dict[str, Counter[str]] = {name: Counter() for name in self.kind.filters}
        times = {column.name for column in self.kind.columns if column.holds == TIME}
        self.time = next((name for name in TIMES if name in times), "")

    def read_one(self, row: Row) -> None:
        """Note a row that the source gave."""
        self.read += 1
        if self.kind.counts:
            self.counted_values.add(str(row[self.kind.counts]))

    def keep_one(self, row: Row) -> None:
        """Note a row that the filters let through."""
        self.kept += 1
        self.first_key = self.first_key or str(row["key"])
        self.last_key = str(row["key"])
        for name, counter in self.columns.items():
            if len(counter) < TOLD or str(row[name]) in counter:
                counter[str(row[name])] += 1
        if at := str(row.get(self.time, "") or ""):
            self.first_at = min(self.first_at or at, at)
            self.last_at = max(self.last_at, at)

    @property
    def counted(self) -> int:
        """What ``count_sql`` has to agree with."""
        return len(self.counted_values) if self.kind.counts else self.read


TOLD = 100
"""Different values of a column that are counted; what comes after them is not."""
TIMES = (
    *("declared_at", "merged_at", "committed_at", "created_at", "happened_at", "proposed_at"),
    *("planned_at", "at", "valid_from", "opened_at", "due_at"),
)
"""Columns by which rows lie in the window; of several that a kind has, the first of these."""


def sheet_of(*, asked: Asked, seen: Seen, by: User, version: str) -> Sheet:
    """The sheet, once all rows went by."""
    kind = seen.kind
    at_source = count_at_source(kind, asked)
    completeness = completeness_of(since=asked.since, until=asked.until, scope=asked.scope, at=asked.at)
    return {
        "kind": kind.code,
        "title": kind.title,
        "one": kind.one,
        "source": {"system": kind.source, "accounts": _accounts(kind)},
        "query": {
            "sql": " ".join(kind.count_sql.split()),
            "parameters": _said(asked),
            "read_by": f"{kind.read.__module__}.{kind.read.__name__}",
        },
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
        "columns": {name: dict(sorted(counter.items())) for name, counter in seen.columns.items()},
        "wide": kind.wide,
        "completeness": completeness.as_json(),
    }


def count_at_source(kind: Kind, asked: Asked) -> int:
    """How many there are by the kind's own statement."""
    [(number,)] = _ask(kind.count_sql, asked.parameters)
    return int(number)


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
            "connected_at": moment(connected),
            "last_good_read_at": moment(last),
        }
        for name, vendor, address, account, connected, last in rows
    ]


def _ask(sql: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
