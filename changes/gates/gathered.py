"""Asks what the gates need to know about changes, for all of them at once: the number of queries depends on neither how many there
are nor how much they carry.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min

from changes.delivery.log_models import ReleaseLog
from changes.delivery.models import Environment, PullRequest, Release
from changes.delivery.places import Place, at_places
from changes.gates.facts import ReleaseFact
from changes.meetings.models import Decision
from changes.meetings.standing import decisions_about
from changes.proposals.models import Approval, Change, LinkedPullRequest, LinkedPush, ReviewAfter, Revision, SignOff
from changes.proposals.people import Links, links_for, uids_of, uids_of_pushes
from changes.proposals.queries import CARRYING, by_change, current_revision, standing_pushes_of
from changes.proposals.shipped import commits_of


@dataclass(frozen=True)
class Gathered:
    """What is on record about some changes, each by the change's key."""

    revisions: Mapping[int, Revision]
    pull_requests: Mapping[int, list[PullRequest]]
    every_pull_request: list[PullRequest]
    """Of all of them, each once."""
    pushes: Mapping[int, list[LinkedPush]]
    links: Links
    approvals: Mapping[int, list[Approval]]
    sign_offs: Mapping[int, list[SignOff]]
    reviews_after: Mapping[int, list[ReviewAfter]]
    decisions: Mapping[int, list[Decision]]
    releases: "Releases"

    def revision(self, change: Change) -> Revision:
        """The newest text of a change. Raises ``Stale`` when there is none, which a whole change never shows."""
        return self.revisions.get(change.pk) or current_revision(change)


def gather(changes: Sequence[Change]) -> Gathered:
    """Everything that hangs on these changes, with some ten queries however many there are."""
    keys = [change.pk for change in changes]
    rows = _pull_requests(keys)
    every = list({row.pk: row for those in rows.values() for row in those}.values())
    pushes = standing_pushes_of(changes)
    newest = Revision.objects.filter(change__in=keys).order_by("change_id", "-number").distinct("change_id")
    approvals = Approval.objects.filter(change__in=keys)
    approvals = approvals.select_related("by", "on_behalf_of", "revision", "lapse", "confirmation")
    return Gathered(
        revisions={row.change_id: row for row in newest},
        pull_requests=rows,
        every_pull_request=every,
        pushes=by_change(pushes),
        links=links_for(uids_of(every) | uids_of_pushes(pushes)),
        approvals=by_change(approvals.order_by("id")),
        sign_offs=by_change(SignOff.objects.filter(change__in=keys).select_related("by").order_by("id")),
        reviews_after=by_change(ReviewAfter.objects.filter(change__in=keys).select_related("by").order_by("id")),
        decisions=by_change(decisions_about(*changes)),
        releases=Releases(commits_of(every, pushes)),
    )


def _pull_requests(keys: Collection[int]) -> dict[int, list[PullRequest]]:
    """With repository, reviews and links, oldest first."""
    carrying = LinkedPullRequest.objects.filter(change__in=keys, role__in=CARRYING)
    rows = PullRequest.objects.filter(pk__in=carrying.values("pull_request")).defer("body").select_related("repository")
    found: dict[int, list[PullRequest]] = {}
    wanted = set(keys)
    for row in rows.prefetch_related("reviews", "links").order_by("opened_at", "id"):
        for link in row.links.all():
            if link.change_id in wanted and link.role in CARRYING:
                found.setdefault(link.change_id, []).append(row)
    return found


class Releases:
    """The releases of some commits, and since when the channel of production changes is written to."""

    def __init__(self, commits: Collection[Place]) -> None:
        """Asks once; nothing for no commits."""
        self._found: list[tuple[Place, ReleaseFact]] = []
        self._log_began: datetime | None = None
        if commits:
            rows = Release.objects.filter(at_places(commits, "commit_sha")).select_related("log").order_by("created_at", "id")
            self._found = [((row.repository_id or 0, row.commit_sha), _release(row)) for row in rows]
        if any(fact.environment == Environment.PRODUCTION for _, fact in self._found):
            self._log_began = ReleaseLog.objects.aggregate(at=Min("release__created_at"))["at"]

    def of(self, commits: Collection[Place]) -> tuple[ReleaseFact, ...]:
        """Those of these commits, oldest first."""
        return tuple(fact for place, fact in self._found if place in commits)

    def log_is_kept(self, releases: Iterable[ReleaseFact]) -> bool:
        """Whether the channel of production changes was written to when the first of these releases went to production."""
        began = [release.created_at for release in releases if release.environment == Environment.PRODUCTION]
        return bool(began) and self._log_began is not None and self._log_began <= min(began)


def _release(row: Release) -> ReleaseFact:
    return ReleaseFact(
        environment=row.environment,
        commit=row.commit_sha,
        state=row.state,
        created_at=row.created_at,
        succeeded_at=row.succeeded_at,
        label=str(row),
        confirmed=row.confirmed_at is not None,
        logged_at=row.log.posted_at if hasattr(row, "log") else None,
        logged_url=row.log.permalink if hasattr(row, "log") else "",
    )
