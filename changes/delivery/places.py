"""Commits of repositories, and the rows that are about them."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q

Place = tuple[int, str]
"""Repository and commit."""


def at_places(places: Iterable[Place], field: str) -> Q:
    """Rows of a repository whose commit in ``field`` is one of these."""
    wanted: dict[int, set[str]] = {}
    for repository, sha in places:
        wanted.setdefault(repository, set()).add(sha)
    each = (Q(repository_id=repository, **{f"{field}__in": sorted(shas)}) for repository, shas in sorted(wanted.items()))
    return reduce(or_, each, Q(pk__in=[]))
