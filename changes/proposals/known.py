"""What was known about repositories and paths before a change, and the answers that many changes share, asked once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from changes.delivery.models import Environment, PullRequest, Release
from changes.proposals.people import links_for
from portal.access.models import User
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters

PATHS = 1000
"""Paths of a change that are looked for elsewhere."""
PIECE = 2000
"""Paths that one question names."""
NOTHING: frozenset[str] = frozenset()


class Known:
    """Answers that are the same for all changes that are brought up to date together, each asked for once.

    Made by whoever does so, for one moment ``at`` and one transaction, and kept no longer: what others write meanwhile is seen
    when the changes follow next. Without ``parameters`` those of the policy in force at that moment. ``apps`` is what ``apps_of``
    says of single repositories (by key), where the caller has asked already.
    """

    def __init__(
        self, *, at: datetime, parameters: Parameters | None = None, apps: Mapping[int, tuple[str, ...]] | None = None
    ) -> None:
        self.at = at
        self.parameters = parameters or parameters_at(at)
        self._people: dict[int | None, User | None] = {None: None}
        self._apps: dict[frozenset[int], tuple[str, ...]] = {frozenset([pk]): names for pk, names in (apps or {}).items()}
        self._bad: dict[frozenset[int], list[Release]] = {}

    def person_of(self, row: PullRequest) -> User | None:
        """``person_of`` this pull request."""
        if row.author_uid not in self._people:
            self._people[row.author_uid] = person_of(row)
        return self._people[row.author_uid]

    def apps_of(self, repositories: Iterable[int]) -> tuple[str, ...]:
        """``apps_of`` these repositories."""
        wanted = frozenset(repositories)
        if wanted not in self._apps:
            self._apps[wanted] = apps_of(wanted, self.at, self.parameters)
        return self._apps[wanted]

    def failures(self, touching: Sequence[tuple[Iterable[int], Sequence[str]]]) -> list[tuple[str, ...]]:
        """For each of these repositories and paths, in their order: the releases of the repositories to production that failed or
        were rolled back and had changed one of the paths, in words. Asked once for all that are about the same repositories."""
        found: dict[int, tuple[str, ...]] = {}
        together: dict[frozenset[int], dict[int, Sequence[str]]] = {}
        for place, (repositories, paths) in enumerate(touching):
            if paths:
                together.setdefault(frozenset(repositories), {})[place] = paths
        for wanted, those in together.items():
            if wanted not in self._bad:
                self._bad[wanted] = _bad_releases(wanted, self.at, self.parameters)
            if self._bad[wanted]:
                found |= _about(self._bad[wanted], wanted, those)
        return [found.get(place, ()) for place in range(len(touching))]


def person_of(row: PullRequest) -> User | None:
    """The person behind the account that opened a pull request."""
    linked = links_for([row.author_uid]).get(str(row.author_uid))
    return User.objects.filter(pk=linked[0]).first() if linked else None


def apps_of(repositories: Iterable[int], at: datetime, parameters: Parameters) -> tuple[str, ...]:
    """The apps in production that run these repositories."""
    if not repositories:
        return ()
    rows = _in_production(repositories, at, parameters).exclude(app="").order_by("app")
    return tuple(rows.values_list("app", flat=True).distinct())


def _in_production(repositories: Iterable[int], at: datetime, parameters: Parameters) -> Any:
    since = at - parameters.failures_within
    return Release.objects.filter(repository__in=list(repositories), environment=Environment.PRODUCTION, created_at__gte=since)


def _bad_releases(repositories: Iterable[int], at: datetime, parameters: Parameters) -> list[Release]:
    """Releases to production that failed or were rolled back, each once, oldest first."""
    bad = _in_production(repositories, at, parameters).filter(Q(state=Release.State.FAILED) | Q(undone_by__isnull=False))
    return list({row.pk: row for row in bad.exclude(commit_sha="").order_by("created_at", "id")}.values())


def _about(
    releases: list[Release], repositories: Iterable[int], touching: Mapping[int, Sequence[str]]
) -> dict[int, tuple[str, ...]]:
    """Those of the releases that had changed one of the paths of each, in words."""
    # What a promotion carries is told by the work of the changes that it belongs to.
    carried = PullRequest.objects.filter(
        links__role="work",
        links__change__links__pull_request__repository__in=list(repositories),
        links__change__links__pull_request__merge_sha__in={row.commit_sha for row in releases},
    ).values_list("links__change__links__pull_request__merge_sha", "paths")
    wanted = sorted({path for paths in touching.values() for path in paths})
    changed: dict[str, set[str]] = {}
    for first in range(0, len(wanted), PIECE):
        piece = wanted[first : first + PIECE]
        for sha, paths in carried.filter(paths__overlap=piece):
            changed.setdefault(sha, set()).update(set(piece).intersection(paths or ()))
    return {
        place: tuple(_failure(row) for row in releases if not changed.get(row.commit_sha, NOTHING).isdisjoint(paths))
        for place, paths in touching.items()
    }


def _failure(row: Release) -> str:
    verb = "failed" if row.state == Release.State.FAILED else "was rolled back"
    return f"{row}, which changed the same paths, {verb} ({row.created_at:%-d %B %Y})."
