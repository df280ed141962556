"""What brought changes to production, and the releases there that are about it; asked once for all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from changes.delivery.models import Environment, PullRequest, Release
from changes.delivery.places import Place, at_places
from changes.proposals.models import LinkedPullRequest, LinkedPush
from changes.proposals.telling import role_of


@dataclass(frozen=True)
class Brought:
    """What brought one change to production: merged pull requests, and pushes past every one. Empty before it is there."""

    merged: Sequence[PullRequest]
    pushes: Sequence[LinkedPush]

    @property
    def at(self) -> datetime | None:
        """When the last of it was there."""
        merged = (row.merged_at for row in self.merged if row.merged_at)
        return max([*merged, *(push.pushed_at for push in self.pushes)], default=None)

    @property
    def commits(self) -> set[Place]:
        """The commits that came there, and the heads of what was merged."""
        return commits_of(self.merged, self.pushes)


def commits_of(rows: Iterable[PullRequest], pushes: Iterable[LinkedPush] = ()) -> set[Place]:
    """The commits that these pull requests or pushes put onto a branch, as far as they are known."""
    pushed = {(push.repository_id, push.commit_sha) for push in pushes}
    return pushed | {(row.repository_id, sha) for row in rows for sha in (row.head_sha, row.merge_sha) if sha}


def merged_to_production(rows: Iterable[PullRequest]) -> list[PullRequest]:
    """Those of a change's pull requests that took it to production."""
    return [row for row in rows if role_of(row) != LinkedPullRequest.Role.BACK_MERGE and is_in_production(row)]


def is_in_production(row: PullRequest) -> bool:
    """Whether it was merged to production."""
    return row.state == PullRequest.State.MERGED and row.base_ref == row.repository.prod_branch


class Shipped:
    """The releases to production of some commits, and when releases began that went back behind them."""

    def __init__(self, commits: Iterable[Place]) -> None:
        """Asks twice; nothing for no commits, and once for such as were never released."""
        wanted = set(commits)
        self._releases: dict[Place, list[Release]] = {}
        self._undone: dict[int, list[datetime]] = {}
        rows = Release.objects.filter(at_places(wanted, "commit_sha"), environment=Environment.PRODUCTION) if wanted else ()
        for row in rows:
            self._releases.setdefault((row.repository_id or 0, row.commit_sha), []).append(row)
        undoing = Release.objects.filter(rolls_back__in=[row.pk for row in rows]) if rows else Release.objects.none()
        for pk, at in undoing.values_list("rolls_back_id", "created_at"):
            self._undone.setdefault(pk, []).append(at)

    def released_at(self, commits: Iterable[Place]) -> datetime | None:
        """When one of these commits was released last, with success."""
        return max((row.succeeded_at for row in self._of(commits) if row.succeeded_at), default=None)

    def undone_at(self, commits: Iterable[Place]) -> list[datetime]:
        """When releases began that went back behind the releases of these commits."""
        return [at for row in self._of(commits) for at in self._undone.get(row.pk, ())]

    def _of(self, commits: Iterable[Place]) -> list[Release]:
        return [row for place in commits for row in self._releases.get(place, ())]
