"""Which list of authorised mergers was in force when."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from changes.entitlements.mergers.models import MergerList

Lists = dict[tuple[int, str], list[MergerList]]


def kept_lists(*, repositories: Collection[int] | None = None) -> Lists:
    """By repository and branch: every list that was ever in force, oldest first. One query."""
    rows = MergerList.objects.filter(confirmed_at__isnull=False).order_by("confirmed_at", "pk")
    if repositories is not None:
        rows = rows.filter(repository__in=repositories)
    found: Lists = {}
    for row in rows:
        found.setdefault((row.repository_id, row.branch), []).append(row)
    return found


def in_force(lists: Lists, *, repository: int, branch: str, at: datetime) -> MergerList | None:
    """The list of a branch at a moment; None while none had been confirmed."""
    kept = [row for row in lists.get((repository, branch), []) if row.confirmed_at is not None and row.confirmed_at <= at]
    return kept[-1] if kept else None


def waiting(*, at: datetime) -> QuerySet[MergerList]:
    """Proposals that wait for their second person."""
    rows = MergerList.objects.filter(confirmed_at=None, withdrawn_at=None, expires_at__gt=at)
    return rows.select_related("repository", "proposed_by").order_by("proposed_at", "pk")
