"""Reads the facts of one change: which pull requests count, who contributed, which moments have passed. Pure."""

from collections.abc import Iterable
from datetime import datetime

from changes.delivery.actor import Actor
from changes.gates.facts import ChangeFacts, PullRequestFact, ReleaseFact
from changes.gates.gate import Evidence

EMERGENCY = "emergency"
CLOSED = "closed"
WORK, PROMOTION = "work", "promotion"
MAIN, PROD = "main", "prod"
PRODUCTION, STAGING, DEVELOPMENT = "production", "staging", "development"


def is_emergency(facts: ChangeFacts) -> bool:
    """Whether a retrospective review is due (P-22)."""
    return facts.category == EMERGENCY


def fast_lane(facts: ChangeFacts) -> bool:
    """Whether the fast lane of the policy applies: an emergency that somebody declared, not one that only the portal found."""
    return is_emergency(facts) and facts.declared


def is_one_of(actor: Actor, others: Iterable[Actor]) -> bool:
    """Whether ``actor`` is the same person as one of ``others``, by any linked identity."""
    return any(actor.same_as(other) for other in others)


def carrying(facts: ChangeFacts) -> tuple[PullRequestFact, ...]:
    """The pull requests that carry the change forward: not back merges, and not those closed without a merge."""
    return tuple(pr for pr in facts.pull_requests if pr.role in (WORK, PROMOTION) and (pr.merged_at or pr.state != CLOSED))


def counted(facts: ChangeFacts) -> tuple[PullRequestFact, ...]:
    """Those of them that go into main or prod, which are the ones the policy speaks of (P-08, P-09)."""
    return tuple(pr for pr in carrying(facts) if pr.base in (MAIN, PROD))


def into_prod(facts: ChangeFacts) -> tuple[PullRequestFact, ...]:
    """Promotions, and work that goes to prod directly."""
    return tuple(pr for pr in counted(facts) if pr.base == PROD)


def into_main(facts: ChangeFacts) -> tuple[PullRequestFact, ...]:
    """Work that goes to staging first."""
    return tuple(pr for pr in counted(facts) if pr.base == MAIN)


def repositories(facts: ChangeFacts) -> list[str]:
    """The repositories that the change touches, in the order in which its pull requests came."""
    return list(dict.fromkeys(pr.repository for pr in counted(facts)))


def makers(pr: PullRequestFact, work: Iterable[Actor] = ()) -> tuple[Actor, ...]:
    """Who may not review ``pr``.

    Of work: everybody who made a commit of it. Of a promotion or a back merge: who opened it, and ``work``, the
    contributors of what the change itself carries. Its other commits were reviewed where they were made, and among
    them are the merge commits of people who only pressed the button.
    """
    return tuple(dict.fromkeys((pr.author, *(pr.contributors if pr.role == WORK else work))))


def contributors(facts: ChangeFacts) -> tuple[Actor, ...]:
    """Everybody whose work the change carries: of its work, of pushes past it, and who opened its promotions (P-03)."""
    pushed = [actor for push in facts.direct_pushes for actor in (push.by, *push.contributors)]
    return tuple(dict.fromkeys([*(actor for pr in carrying(facts) for actor in makers(pr)), *pushed]))


def work_people(facts: ChangeFacts) -> tuple[Actor, ...]:
    """The contributors of the work that the change carries, without who only opened its promotions."""
    return tuple(dict.fromkeys(actor for pr in carrying(facts) if pr.role == WORK for actor in makers(pr)))


def unknown_people(actors: Iterable[Actor]) -> list[Actor]:
    """Those known by nothing but a mail address in a commit, which anybody can write there.

    Bots are known for what they are; an address with the name of a known account among ``actors`` is that account's.
    """
    everybody = tuple(actors)
    known = [actor for actor in everybody if not actor.account.startswith("mail:")]
    strangers = [actor for actor in everybody if actor.account.startswith("mail:") and actor.person is None and not actor.bot]
    return [actor for actor in strangers if not is_one_of(actor, known)]


def unlinked(actors: Iterable[Actor]) -> list[str]:
    """Names of accounts that are linked to no person of the portal, bots aside."""
    return list(dict.fromkeys(actor.name or actor.account for actor in actors if actor.person is None and not actor.bot))


def went_past(facts: ChangeFacts) -> bool:
    """Whether it reached prod without a pull request: the portal itself opens a change for such a push."""
    return bool(facts.direct_pushes) or facts.opened_by == "portal"


def is_late(facts: ChangeFacts) -> bool:
    """Whether the change is in prod, so that what had to come before can no longer come in time."""
    return went_past(facts) or any(pr.merged_at for pr in into_prod(facts))


def by_queue(pr: PullRequestFact) -> bool:
    """Whether the forge's merge queue merged it, which acts for whoever put it there and has an account of its own."""
    return pr.merged_by is not None and pr.merged_by.bot and bool(pr.queue_sha) and pr.queue_sha == pr.merge_sha


def merger(pr: PullRequestFact) -> Actor | None:
    """Who merged it: of a merge by the queue whoever put it there; None where that is not known."""
    return pr.queued_by if by_queue(pr) else pr.merged_by


def production_commits(facts: ChangeFacts) -> frozenset[str]:
    """The commits that the change put on prod."""
    merges = {pr.merge_sha for pr in into_prod(facts) if pr.merged_at}
    return frozenset((merges | {push.commit for push in facts.direct_pushes}) - {""})


def deployed_at(facts: ChangeFacts) -> datetime | None:
    """When the first release of the change to production began. None while there is none."""
    commits = production_commits(facts)
    return min((release.created_at for release in releases_to(facts, PRODUCTION) if release.commit in commits), default=None)


def releases_to(facts: ChangeFacts, environment: str) -> tuple[ReleaseFact, ...]:
    """The releases to one environment, oldest first."""
    return tuple(sorted((item for item in facts.releases if item.environment == environment), key=lambda item: item.created_at))


def name_of(pr: PullRequestFact) -> str:
    """``acme/web#18``."""
    return f"{pr.repository}#{pr.number}"


def short(commit: str) -> str:
    """The first seven digits of a commit."""
    return commit[:7] or "an unknown commit"


def moment(at: datetime) -> str:
    """``2026-02-02 10:36 UTC``, with the seconds where there are any, since they can decide."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC".replace(":00 UTC", " UTC")


SAID_OF = {
    "failed": "failed",
    "running": "is still running",
    "pending": "has not begun",
    "inactive": "was replaced before it was seen to succeed",
    "succeeded": "succeeded at a time that is not known",
}


def told(release: ReleaseFact) -> str:
    """What is known of a release without a success: ``r7 of c21ca16 failed``."""
    return f"{release.label} of {short(release.commit)} {SAID_OF.get(release.state, f'is {release.state}')}"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def evidence_of(pr: PullRequestFact) -> tuple[Evidence, ...]:
    """The pull request, and its merge commit when it has one."""
    own = Evidence(name_of(pr), f"pull_request:{name_of(pr)}")
    if not pr.merged_at or not pr.merge_sha:
        return (own,)
    return (own, Evidence(f"Merge commit {short(pr.merge_sha)}", f"commit:{pr.repository}@{pr.merge_sha}"))
