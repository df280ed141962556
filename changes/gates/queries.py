"""Loads the facts that the gates judge. The number of queries does not depend on how much a change carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from changes.delivery.models import Check, MergeGroup, PullRequest
from changes.delivery.places import at_places
from changes.delivery.rule_models import BranchRules
from changes.entitlements.mergers.queries import Lists, in_force, kept_lists
from changes.gates.beside import Beside
from changes.gates.facts import (
    Actor,
    ApprovalFact,
    ChangeFacts,
    CheckFact,
    DecisionFact,
    DirectPushFact,
    PullRequestFact,
    ReviewAfterFact,
    ReviewFact,
    SignOffFact,
)
from changes.gates.gathered import Gathered, gather
from changes.gates.trained import with_training
from changes.meetings.models import Decision
from changes.meetings.standing import meetings_are_kept
from changes.proposals import queries as proposals
from changes.proposals.classification import has_migration
from changes.proposals.models import Approval, Change, LinkedPush, ReviewAfter
from changes.proposals.people import (
    Links,
    account_actor,
    contributor_actors,
    push_actors,
    user_actor,
)
from changes.proposals.shipped import commits_of
from portal.policy.connected import connected_sources

MEETINGS = frozenset({"meetings"})
SLACK = frozenset({"slack"})
Checks = dict[tuple[int, str], list[CheckFact]]
CHECK_COLUMNS = (
    *("repository_id", "head_sha", "name", "status", "conclusion"),
    *("completed_at", "vendor_updated_at", "confirmed_at"),
)
Rules = dict[tuple[int, str], tuple[str, ...]]


@dataclass(frozen=True)
class Around:
    """What was asked once for all pull requests: heads of merge queues, checks by commit, required checks by branch."""

    heads: Mapping[int, str]
    checks: Checks
    rules: Rules
    mergers: Lists
    at: datetime | None
    """Now, for pull requests that are not merged; None: only merged ones are asked about."""


def facts_of(change: Change, *, at: datetime) -> ChangeFacts:
    """Everything a verdict needs about ``change``, as known at ``at`` (UTC)."""
    return facts_of_all([change], at=at)[0]


def facts_of_all(changes: Sequence[Change], *, at: datetime) -> list[ChangeFacts]:
    """The same of each of these changes, in their order. The number of queries does not depend on how many there are."""
    known = gather(changes)
    around = _around(known.every_pull_request, at)
    beside = Beside(changes, at=at)
    meetings = MEETINGS if meetings_are_kept(at=at) else frozenset()
    found = [_facts(change, known, around, beside, meetings, at) for change in changes]
    return with_training(found, moments=[change.merged_at or at for change in changes])


def _facts(change: Change, known: Gathered, around: Around, beside: Beside, kept: frozenset[str], at: datetime) -> ChangeFacts:
    revision = known.revision(change)
    rows, pushes = known.pull_requests.get(change.pk, []), known.pushes.get(change.pk, [])
    facts = tuple(_pull_request(row, known.links, around, change) for row in rows)
    approvers, deciders = beside.approvers(change)
    releases = known.releases.of(commits_of(rows, pushes))
    return ChangeFacts(
        number=change.number,
        as_of=at,
        category=change.category,
        size=change.size,
        kind=change.kind,
        title=revision.title,
        why=revision.why,
        what=revision.what,
        tested=revision.tested,
        rollback=revision.rollback,
        snapshot=revision.snapshot,
        target_release=revision.target_release,
        data_loss=revision.data_loss,
        revision=revision.number,
        revision_digest=revision.binds,
        has_migration=has_migration(_paths(rows, facts, pushes)),
        requester=proposals.requester_of(change),
        opened_by=change.opened_by,
        approved_by=_approved_by(rows),
        pull_requests=facts,
        releases=releases,
        approvals=tuple(map(_approval, known.approvals.get(change.pk, []))),
        sign_offs=tuple(SignOffFact(user_actor(row.by), row.commit_sha, row.at) for row in known.sign_offs.get(change.pk, [])),
        reviews_after=tuple(map(_review_after, known.reviews_after.get(change.pk, []))),
        retrospective_due_at=change.retrospective_due_at,
        review_due_at=change.review_due_at,
        direct_pushes=tuple(_push(push, known.links) for push in pushes),
        declared=not change.undeclared,
        risk=change.risk_level,
        approvers=approvers,
        deciders=deciders,
        waivers=beside.waivers(change),
        conditions=beside.conditions(change),
        freezes=beside.freezes(change),
        decisions=tuple(map(_decision, known.decisions.get(change.pk, []))),
        connected=connected_sources() | kept | (SLACK if known.releases.log_is_kept(releases) else frozenset()),
    )


def _push(push: LinkedPush, links: Links) -> DirectPushFact:
    people = push_actors(push, links)
    return DirectPushFact(
        repository=push.repository.name,
        commit=push.commit_sha,
        by=people[0],
        at=push.pushed_at,
        confirmed=push.confirmed,
        contributors=people,
    )


def _decision(row: Decision) -> DecisionFact:
    return DecisionFact(
        number=row.number,
        outcome=row.outcome,
        digest=row.digest,
        at=row.at,
        by=user_actor(row.by),
        meeting=str(row.meeting) if row.meeting else "",
        expires_at=row.expires_at,
        lapsed=row.lapse.reason if hasattr(row, "lapse") else "",
        lapsed_at=row.lapse.at if hasattr(row, "lapse") else None,
    )


def _paths(rows: list[PullRequest], facts: tuple[PullRequestFact, ...], pushes: list[LinkedPush]) -> list[str] | None:
    """What the work changes; None while the paths of one of its pull requests have not been read, or there is none."""
    work = [row.paths for row, fact in zip(rows, facts, strict=True) if fact.role == "work"] or [row.paths for row in rows]
    work += [push.paths or None for push in pushes]
    if not work or None in work:
        return None
    return [path for paths in work for path in paths or ()]


def pull_request_facts(rows: list[PullRequest], links: Links) -> tuple[PullRequestFact, ...]:
    """Merged pull requests (with repository and reviews loaded) as facts, whatever changes they belong to."""
    around = _around(rows, None)
    return tuple(_pull_request(row, links, around, None) for row in rows)


def _around(rows: list[PullRequest], at: datetime | None) -> Around:
    """Four queries for queues, checks, rules and mergers."""
    heads = _queue_heads(rows)
    mergers = kept_lists(repositories={row.repository_id for row in rows}) if rows else {}
    return Around(heads, _checks(rows, heads), _rules(rows), mergers, at)


def _pull_request(row: PullRequest, links: Links, known: Around, change: Change | None) -> PullRequestFact:
    repository, queue = row.repository, known.heads.get(row.pk, "")
    parts = {repository.main_branch: "main", repository.prod_branch: "prod"}
    return PullRequestFact(
        repository=repository.name,
        number=row.number,
        role=_role(row, change),
        base=parts.get(row.base_ref, row.base_ref),
        head_sha=row.head_sha,
        state=row.state,
        author=account_actor(row.author_uid, row.author_login, links, bot=row.author_is_bot),
        contributors=contributor_actors(row, links),
        reviews=tuple(
            ReviewFact(
                by=account_actor(review.uid, review.login, links, bot=review.is_bot),
                state=review.state,
                commit=review.commit_sha,
                at=review.submitted_at,
                confirmed=review.confirmed_at is not None,
            )
            for review in sorted(row.reviews.all(), key=lambda review: (str(review.submitted_at or ""), review.vendor_id))
        ),
        checks=tuple(check for sha in dict.fromkeys((row.head_sha, queue)) for check in known.checks.get((repository.pk, sha), [])),
        required_checks=known.rules.get((repository.pk, row.base_ref)),
        merged_at=row.merged_at,
        merged_by=account_actor(row.merged_by_uid, row.merged_by_login, links) if row.merged_by_login else None,
        merge_sha=row.merge_sha,
        confirmed=row.confirmed_at is not None,
        queue_sha=queue,
        queued_by=account_actor(row.queued_by_uid, row.queued_by_login, links) if row.queued_by_login else None,
        authorised_mergers=_mergers(row, known, parts.get(row.base_ref, "")),
    )


def _mergers(row: PullRequest, known: Around, branch: str) -> tuple[Actor, ...] | None:
    """The list of its branch at the merge, or now."""
    at = row.merged_at or known.at
    found = in_force(known.mergers, repository=row.repository_id, branch=branch, at=at) if at is not None else None
    if found is None:
        return None
    return tuple(Actor(account=f"user:{one['id']}", name=one["name"], person=one["id"]) for one in found.people)


def _queue_heads(rows: list[PullRequest]) -> dict[int, str]:
    """By pull request: the head of a merge queue as which it was merged, or by which it is being tried."""
    if not rows:
        return {}
    groups = MergeGroup.objects.filter(
        repository__in={row.repository_id for row in rows}, numbers__overlap=[row.number for row in rows]
    ).order_by("id")
    found: dict[int, str] = {}
    for row in rows:
        own = [group for group in groups if group.repository_id == row.repository_id and row.number in group.numbers]
        counted = [group for group in own if _counts(group, row)]
        found.update({row.pk: counted[-1].head_sha} if counted else {})
    return found


def _counts(group: MergeGroup, row: PullRequest) -> bool:
    if row.state == PullRequest.State.MERGED:
        return group.head_sha == row.merge_sha
    return group.state == MergeGroup.State.OPEN


def _role(row: PullRequest, change: Change | None) -> str:
    if change is not None:
        return next((link.role for link in row.links.all() if link.change_id == change.pk), "work")
    if row.head_is_fork:
        return "work"
    if row.head_ref == row.repository.main_branch and row.base_ref == row.repository.prod_branch:
        return "promotion"
    if row.head_ref == row.repository.prod_branch and row.base_ref == row.repository.main_branch:
        return "back_merge"
    return "work"


def _approved_by(rows: list[PullRequest]) -> str:
    return "portal" if not rows or any(row.repository.approved_by == "portal" for row in rows) else "review"


def _checks(rows: list[PullRequest], heads: Mapping[int, str]) -> Checks:
    places = {(row.repository_id, sha) for row in rows for sha in (row.head_sha, heads.get(row.pk, row.head_sha))}
    if not places:
        return {}
    wanted = at_places(places, "head_sha")
    found: Checks = {}
    checks = Check.objects.filter(wanted).exclude(source=Check.Source.CHECK_SUITE).order_by("completed_at", "id")
    for repository, sha, name, status, conclusion, completed_at, told_at, confirmed_at in checks.values_list(*CHECK_COLUMNS):
        check = CheckFact(
            name=name,
            commit=sha,
            status=status,
            conclusion=conclusion,
            at=completed_at or told_at,
            confirmed=confirmed_at is not None,
        )
        found.setdefault((repository, sha), []).append(check)
    return found


def _rules(rows: list[PullRequest]) -> Rules:
    repositories = {row.repository_id for row in rows}
    read = BranchRules.objects.filter(repository__in=repositories).exclude(required_checks=None)
    return {(row.repository_id, row.branch): tuple(row.required_checks or ()) for row in read}


def _approval(row: Approval) -> ApprovalFact:
    return ApprovalFact(
        by=user_actor(row.by),
        verdict=row.verdict,
        revision_digest=row.revision.binds,
        head_sha=row.head_sha,
        at=row.at,
        lapsed=row.lapse.reason if hasattr(row, "lapse") else "",
        lapsed_at=row.lapse.at if hasattr(row, "lapse") else None,
        via=row.via,
        on_behalf_of=row.on_behalf_of.name if row.on_behalf_of else "",
        confirmed_at=row.confirmation.at if hasattr(row, "confirmation") else None,
    )


def _review_after(row: ReviewAfter) -> ReviewAfterFact:
    return ReviewAfterFact(kind=row.kind, by=user_actor(row.by), outcome=row.outcome, at=row.at)
