"""Record many pushes with three statements: the same rows as ``actions.record_push`` makes of them one by one."""

from collections.abc import Collection, Iterable
from datetime import datetime

from changes.delivery.facts import PushReported
from changes.delivery.models import Push, Repository
from changes.delivery.taking import new_push
from portal.rows import insert_rows

Ends = tuple[int, str, str, str]
"""Repository, branch and the two ends of a push."""


def record_pushes(*, told: Iterable[tuple[Repository, PushReported, datetime]]) -> list[Push | None]:
    """What is on record of each push that is told of, with the moment at which the portal learned it; None for branches other than
    main and prod. A push without a moment of its own is the first one between the same ends."""
    rows = [(new_push(repository=repository, fact=fact, at=at), fact.pushed_at is None) for repository, fact, at in told]
    known = _known([row for row, _ in rows if row is not None])
    found: list[Push | None] = []
    fresh: list[Push] = []
    for row, whenever in rows:
        if row is None:
            found.append(None)
            continue
        same = known.setdefault(_ends(row), {})
        if row.pushed_at not in same and not (whenever and same):
            same[row.pushed_at] = row
            fresh.append(row)
        found.append(next(iter(same.values())) if whenever else same[row.pushed_at])
    insert_rows(fresh)
    return found


def _known(rows: Collection[Push]) -> dict[Ends, dict[datetime, Push]]:
    """What is on record between the ends of these, by its moment, the first first."""
    known: dict[Ends, dict[datetime, Push]] = {}
    if rows:
        repositories, branches = {row.repository_id for row in rows}, {row.branch for row in rows}
        same = Push.objects.filter(repository__in=repositories, branch__in=branches, after__in={row.after for row in rows})
        for row in same.order_by("id"):
            known.setdefault(_ends(row), {})[row.pushed_at] = row
    return known


def _ends(row: Push) -> Ends:
    return row.repository_id, row.branch, row.before, row.after
