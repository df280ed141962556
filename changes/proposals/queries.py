"""What is asked about changes."""

from collections.abc import Collection, Iterable
from copy import copy
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from changes.delivery.actor import Actor
from changes.delivery.models import Environment, PullRequest, Release, Review
from changes.proposals.models import Approval, Category, Change, LinkedPullRequest, LinkedPush, Revision
from changes.proposals.people import (
    account_actor,
    contributor_actors,
    links_for,
    push_actors,
    uids_of,
    uids_of_pushes,
    user_actor,
)
from changes.proposals.sections import SECTIONS
from portal.access.models import User
from portal.policy.approvals import need_of
from portal.policy.in_force import parameters_at
from portal.policy.refusal import Stale
from portal.rows import Row

Role = LinkedPullRequest.Role
CARRYING = (Role.WORK, Role.PROMOTION, Role.BACK_MERGE)
"""Roles in which a pull request is a change's own; one that joined another change is no more."""


def locked(pk: int) -> Change:
    """The change under a row lock, for the rest of the transaction."""
    return locking().get(pk=pk)


def locking() -> QuerySet[Change]:
    """Changes, each of which is locked as it is read."""
    return Change.objects.select_for_update(of=("self",))


def current_revision(change: Change) -> Revision:
    """The newest text. Raises ``Stale`` when there is none, which a whole change never shows."""
    revision = change.revisions.order_by("-number").first()
    if revision is None:
        raise Stale(f"{change} has no text yet.")
    return revision


def bound_revision(revision: Revision) -> Revision:
    """The text that words on ``revision`` bind to: its own, or the last material one before it."""
    if revision.binds == revision.digest:
        return revision
    earlier = Revision.objects.filter(change=revision.change_id, digest=revision.binds, number__lt=revision.number)
    return earlier.order_by("-number").first() or revision


def linked_pull_requests(change: Change, *roles: str) -> QuerySet[PullRequest]:
    """Its pull requests (in these roles, or in all) with repository, reviews and part (``part_of``), oldest first."""
    links = LinkedPullRequest.objects.filter(change=change, role__in=roles or CARRYING)
    part = links.filter(pull_request=OuterRef("pk")).values("role")[:1]
    rows = PullRequest.objects.filter(pk__in=links.values("pull_request")).annotate(part=Subquery(part))
    return rows.select_related("repository").prefetch_related("reviews").order_by("opened_at", "id")


def linked_by_change(keys: Collection[int]) -> dict[int, list[PullRequest]]:
    """The same for many changes, by the change's key, with two queries and without the reviews. Each has rows of its own."""
    links: dict[int, list[tuple[int, str]]] = {}
    told = LinkedPullRequest.objects.filter(change__in=keys, role__in=CARRYING).order_by("id")
    for pull_request, change, role in told.values_list("pull_request_id", "change_id", "role"):
        links.setdefault(pull_request, []).append((change, role))
    found: dict[int, list[PullRequest]] = {}
    rows = PullRequest.objects.filter(pk__in=list(links)).select_related("repository").order_by("opened_at", "id")
    for row in rows if links else ():
        for place, (change, role) in enumerate(links[row.pk]):
            own = copy(row) if place else row  # a promotion of hundreds has thousands of paths, which all of them share
            vars(own)["part"] = role
            found.setdefault(change, []).append(own)
    return found


def is_promotion(row: PullRequest) -> bool:
    """Whether it brings main to prod."""
    repository = row.repository
    return not row.head_is_fork and (row.head_ref, row.base_ref) == (repository.main_branch, repository.prod_branch)


def changes_of(*pull_requests: PullRequest) -> QuerySet[Change]:
    """The changes that these pull requests belong to, oldest first; without those that others took over."""
    links = LinkedPullRequest.objects.filter(pull_request__in=pull_requests, role__in=CARRYING)
    return Change.objects.filter(pk__in=links.values("change")).order_by("id")


def changes_by_pull_request(rows: Collection[PullRequest]) -> dict[int, list[Change]]:
    """``changes_of`` each of these pull requests, by its key; two queries."""
    links = LinkedPullRequest.objects.filter(pull_request__in=[row.pk for row in rows], role__in=CARRYING)
    pairs = list(links.order_by("change_id").values_list("pull_request_id", "change_id"))
    changes = Change.objects.in_bulk({change for _, change in pairs})
    found: dict[int, list[Change]] = {}
    for row, change in pairs:
        found.setdefault(row, []).append(changes[change])
    return found


def part_of(row: PullRequest) -> str:
    """The role in which ``linked_pull_requests`` or ``linked_by_change`` found this row at its change."""
    return str(vars(row)["part"])


def carrying(change: Change, rows: list[PullRequest] | None) -> list[PullRequest]:
    """Its work and promotion pull requests; from ``rows`` when the caller has its linked ones already."""
    if rows is None:
        return list(linked_pull_requests(change, Role.WORK, Role.PROMOTION))
    return [row for row in rows if part_of(row) != Role.BACK_MERGE]


def standing_pushes(change: Change) -> list[LinkedPush]:
    """The pushes past the pull requests that a change answers for, oldest first. Only emergencies have any."""
    return standing_pushes_of([change])


def standing_pushes_of(changes: Iterable[Change]) -> list[LinkedPush]:
    """``standing_pushes`` of all of these changes, with one query; none where no change is an emergency."""
    emergencies = [change.pk for change in changes if change.category == Category.EMERGENCY]
    if not emergencies:
        return []
    return list(pushes_past(emergencies).select_related("repository"))


def pushes_past(keys: Collection[int]) -> QuerySet[LinkedPush]:
    """The pushes past the pull requests that are linked to these changes, whatever they are, oldest first."""
    return LinkedPush.objects.filter(change__in=keys, taken_back_at=None).order_by("pushed_at", "id")


def by_change(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Rows that have a ``change``, by its key, in their order."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(vars(row)["change_id"], []).append(row)
    return found


def head_for_production(change: Change, *, rows: list[PullRequest] | None = None) -> str:
    """The commit that would reach production now: the open (else the merged) pull request into prod, else the work's.

    Without a pull request the commit of the last push past them; empty when there is neither.
    """
    rows = [row for row in carrying(change, rows) if row.state != PullRequest.State.CLOSED]
    into_prod = [row for row in rows if row.base_ref == row.repository.prod_branch]
    merged = [row for row in rows if row.state == PullRequest.State.MERGED]
    if into_prod:
        return into_prod[-1].head_sha
    if merged:
        return merged[-1].merge_sha
    if rows:
        return rows[-1].head_sha
    pushes = standing_pushes(change)
    return pushes[-1].commit_sha if pushes else ""


def actor_for(user: User) -> Actor:
    """A person of the portal as an actor."""
    return user_actor(user)


def requester_of(change: Change) -> Actor:
    """Who asked for the change: a person, or the account that opened its pull request."""
    if change.requester_id is not None:
        return Actor(
            account=f"user:{change.requester_id}",
            name=change.requester.name if change.requester else "",
            person=change.requester_id,
        )
    return account_actor(None, change.requester_login, {})


def contributors(change: Change, *, rows: list[PullRequest] | None = None) -> tuple[Actor, ...]:
    """Everybody whose work the change carries (P-03): of its work and promotion pull requests, not of back merges, and of
    pushes past them."""
    rows, pushes = carrying(change, rows), standing_pushes(change)
    links = links_for(uids_of(rows) | uids_of_pushes(pushes))
    found = {actor.account: actor for push in pushes for actor in push_actors(push, links)}
    for row in rows:
        # A promotion carries what others made and merged: only who opened it contributed to it (see gates 4 and 8).
        people = contributor_actors(row, links)[:1] if is_promotion(row) else contributor_actors(row, links)
        found.update({actor.account: actor for actor in people})
    return tuple(found.values())


def standing_approvals(change: Change) -> list[Approval]:
    """Approvals that still count: not lapsed."""
    return list(change.approvals.filter(lapse=None).select_related("by", "revision").order_by("id"))


def has_words_enough(change: Change, *, at: datetime) -> bool:
    """Whether as many people as the policy in force asks for have approved text and commit as they are, and nobody said no."""
    standing = standing_approvals(change)
    if not standing:
        return False
    emergency = change.category == Category.EMERGENCY and not change.undeclared
    binds, head = current_revision(change).binds, head_for_production(change)
    words = [row for row in standing if row.head_sha == head or (emergency and not row.head_sha)]
    said_yes = {row.by_id for row in words if row.verdict == Approval.Verdict.YES and (emergency or row.revision.binds == binds)}
    rules = parameters_at(at).approval_rules
    need = need_of(rules, kind=change.kind, size=change.size, risk=change.risk_level, emergency=emergency)
    return len(said_yes) >= need.count and all(row.verdict == Approval.Verdict.YES for row in words)


def edited_since(change: Change, digest: str, now: Revision) -> str:
    """The sections in which the text differs from the newest one that bound to ``digest``, as words; empty when none is known."""
    then = change.revisions.filter(binds=digest).order_by("-number").first()
    if then is None:
        return ""
    return ", ".join(words for name, words in SECTIONS.items() if getattr(then, name) != getattr(now, name))


def staged_commits(change: Change) -> frozenset[str]:
    """The commits of the change that have succeeded in staging."""
    found = releases_of(list(linked_pull_requests(change))).filter(environment=Environment.STAGING)
    return frozenset(found.exclude(succeeded_at=None).values_list("commit_sha", flat=True))


def standing_words(change: Change, *, by: User, verdict: str | None = None) -> QuerySet[Approval]:
    """The words of one person that still count: all, or those with this verdict."""
    words = change.approvals.filter(by=by, lapse=None)
    return words if verdict is None else words.filter(verdict=verdict)


def plus_ones(change: Change) -> tuple[Actor, ...]:
    """Who gave the quick +1 of an emergency: approvers in the portal and approving reviewers."""
    reviews = Review.objects.filter(pull_request__links__change=change, state=Review.State.APPROVED).order_by("id")
    links = links_for(review.uid for review in reviews)
    given = [user_actor(row.by) for row in standing_approvals(change) if row.verdict == Approval.Verdict.YES]
    return (*given, *(account_actor(review.uid, review.login, links, bot=review.is_bot) for review in reviews))


def releases_of(pull_requests: list[PullRequest]) -> QuerySet[Release]:
    """Releases of any commit that these pull requests put onto a branch, and those that undo them, oldest first."""
    wanted = Q(pk__in=[])
    for row in pull_requests:
        wanted |= Q(repository_id=row.repository_id, commit_sha__in={row.head_sha, row.merge_sha} - {""})
    if not pull_requests:
        return Release.objects.none()
    # Two questions with an index each: as one condition over both, PostgreSQL reads every release.
    own = Release.objects.filter(wanted)
    undoing = Release.objects.filter(rolls_back__in=own, repository=F("rolls_back__repository"))
    found = Release.objects.filter(pk__in=own.values("pk").union(undoing.values("pk")))
    return found.select_related("repository", "rolls_back").order_by("created_at", "id")


def changes_by_commit(commits: set[str]) -> dict[str, list[str]]:
    """For each commit, the changes whose pull requests have it as head or as merge."""
    rows = LinkedPullRequest.objects.filter(
        Q(pull_request__merge_sha__in=commits) | Q(pull_request__head_sha__in=commits), role__in=CARRYING
    ).values_list("pull_request__merge_sha", "pull_request__head_sha", "change__number")
    found: dict[str, set[int]] = {}
    for merge_sha, head_sha, number in rows:
        for sha in {merge_sha, head_sha} & commits:
            found.setdefault(sha, set()).add(number)
    return {sha: [f"CHG-{number}" for number in sorted(numbers)] for sha, numbers in found.items()}
