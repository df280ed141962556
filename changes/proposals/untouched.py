"""For how long nobody has changed the paths of some pull requests."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from changes.delivery.models import PullRequest
from portal.rows import as_json, sending

LOOKED_AT = 1000
"""Merges of a branch among which the last change of the same paths is looked for."""
LAST = """
WITH asked AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        json_to_recordset(%s) AS (place int, repository bigint, branch text, own bigint[], paths text[])
    ) AS told
), touched AS MATERIALIZED (
    SELECT branches.*, merged.id, merged.merged_at, path,
        row_number() OVER (PARTITION BY branches.repository, branches.branch, path ORDER BY merged.merged_at DESC) AS rank
    FROM (SELECT DISTINCT repository, branch FROM asked) AS branches, LATERAL (
        SELECT row.id, row.merged_at, row.paths FROM changes_pullrequest row
        WHERE row.repository_id = branches.repository AND row.base_ref = branches.branch AND row.state = 'merged'
            AND row.merged_at <= %s
        ORDER BY row.merged_at DESC LIMIT %s
    ) AS merged, unnest(merged.paths) AS path
    WHERE path IN (SELECT unnest(asked.paths) FROM asked)
)
SELECT asked.place, max(touched.merged_at) FROM asked CROSS JOIN unnest(asked.paths) AS wanted (path)
JOIN touched ON (touched.repository, touched.branch, touched.path) = (asked.repository, asked.branch, wanted.path)
WHERE touched.rank <= 1 + cardinality(asked.own) AND touched.id <> ALL (asked.own) GROUP BY asked.place
"""
"""Of each path the newest merges are enough: as many as may be one's own, and one."""


@dataclass(frozen=True)
class Touching:
    """Pull requests that belong together, and the paths that they change."""

    work: Collection[PullRequest]
    paths: Sequence[str]


def untouched_days(touching: Sequence[Touching], *, at: datetime) -> list[int | None]:
    """For each of these, in their order: whole days since another pull request into the same branch changed one of the paths. None
    when none of the last merges did. One query; none where no paths are known.
    """
    asked = [
        {"place": place, "repository": repository, "branch": branch, "own": [row.pk for row in one.work], "paths": one.paths}
        for place, one in enumerate(touching)
        if one.paths
        for repository, branch in sorted({(row.repository_id, row.base_ref) for row in one.work})
    ]
    last: dict[int, datetime] = {}
    if asked:
        with sending() as cursor:
            cursor.execute(LAST, [as_json(asked), at, LOOKED_AT])
            last = dict(cursor.fetchall())
    return [(at - last[place]).days if place in last else None for place in range(len(touching))]
