"""Detectors: each looks at what the forge said about one repository and names what should not have happened.

They run once the picture of a repository has settled, read everything from the facts, and finding the same twice
changes nothing. Clauses: P-02, P-03, P-04, P-08, P-09, P-11, P-12, P-19.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from changes.delivery.branch_names import first_name
from changes.delivery.models import BranchCommit, Environment, PullRequest, Push, Release, Repository
from changes.delivery.population import uncovered_commits
from changes.delivery.rule_models import RuleEvent
from changes.exceptions.actions import Found
from changes.exceptions.coverage import covered_by_pull_requests, known_on_branch
from changes.exceptions.freezes import released_in_freeze, told_by_forge
from changes.exceptions.sentences import sentence
from changes.gates.facts import GateState, PullRequestFact, ReleaseFact
from changes.gates.gathered import Releases
from changes.gates.queries import pull_request_facts
from changes.gates.reading import by_queue, is_one_of, merger
from changes.gates.rules import ci_finding, review_finding, staging_finding
from changes.proposals.models import Category, Change
from changes.proposals.people import links_for, uids_of
from changes.proposals.queries import changes_by_pull_request
from changes.proposals.shipped import commits_of
from portal.policy.clauses import Clause
from portal.policy.parameters import Parameters

NO_COMMIT = "0" * 40
REVIEW_GATE, APPROVAL_GATE = 4, 8


def about_pull_requests(*, rows: list[PullRequest], parameters: Parameters) -> Iterator[tuple[str, list[Found]]]:
    """For every merged pull request into main or prod: its key prefix, and what was missing at its merge."""
    merged = [row for row in rows if row.state == PullRequest.State.MERGED and _guarded(row)]
    links = links_for(uids_of(merged))
    facts = pull_request_facts(merged, links)
    releases, belonging = Releases(commits_of(merged)), changes_by_pull_request(merged)
    for row, fact in zip(merged, facts, strict=True):
        changes = belonging.get(row.pk, [])
        kinds = _kinds(fact, releases.of(commits_of([row])), changes, parameters)
        yield f"{row.key}:", [_found(row, fact, kind, answering(changes)) for kind in kinds if kind]


def answering(changes: list[Change]) -> Change | None:
    """Of the changes of a merge, the one that answers for it: rather one that is no declared emergency."""
    return next((change for change in changes if not _is_declared(change)), next(iter(changes), None))


def _guarded(row: PullRequest) -> bool:
    return row.base_ref in (row.repository.main_branch, row.repository.prod_branch)


def _kinds(fact: PullRequestFact, releases: tuple[ReleaseFact, ...], changes: list[Change], parameters: Parameters) -> list[str]:
    """A declared emergency may skip staging, and its +1 stands in for the review (P-22); one that nobody declared may not.

    What travels to production with an emergency and is none has to keep the rules, so that then the whole merge has to.
    """
    declared = bool(changes) and all(_is_declared(change) for change in changes)
    kinds = [ci_finding(fact), _merger_finding(fact)]
    if not (declared and all(_gate_of(change, REVIEW_GATE).get("state") == GateState.MET for change in changes)):
        kinds.insert(0, review_finding(fact))
    if fact.base == "prod" and not declared:
        kinds.append(staging_finding(fact, releases, parameters))
    return kinds


def _is_declared(change: Change) -> bool:
    return change.category == Category.EMERGENCY and not change.undeclared


def _merger_finding(fact: PullRequestFact) -> str:
    """Somebody merged who was not on the list of the branch then. Without a list, or while nobody knows who merged, nothing.

    A merge queue is no person: it merges for whoever put the pull request there.
    """
    who = merger(fact)
    if fact.authorised_mergers is None or who is None:
        return ""
    return "" if is_one_of(who, fact.authorised_mergers) else "unauthorised_merge"


def _gate_of(change: Change | None, number: int) -> Mapping[str, Any]:
    """One gate of a change as judged last; empty when it was not judged."""
    gates = (change.assessment or {}).get("gates", []) if change is not None else []
    return next((gate for gate in gates if gate["number"] == number), {})


def _found(row: PullRequest, fact: PullRequestFact, kind: str, change: Change | None) -> Found:
    return Found(
        kind=kind,
        subject=f"#{row.number}",
        key=f"{row.key}:{kind}",
        sentence=sentence(kind, fact),
        happened_at=row.merged_at or row.touched_at,
        confirmed=row.confirmed_at is not None,
        change=change,
        evidence=evidence_of(row) | _queued(row, fact),
    )


def _queued(row: PullRequest, fact: PullRequestFact) -> dict[str, Any]:
    return {"queued_by": row.queued_by_login, "queued_by_uid": row.queued_by_uid} if by_queue(fact) else {}


def evidence_of(row: PullRequest) -> dict[str, Any]:
    """What a finding about a merged pull request rests on."""
    return {
        "pull_request": str(row),
        "head": row.head_sha,
        "merge": row.merge_sha,
        "merged_by": row.merged_by_login,
        "merged_by_uid": row.merged_by_uid,
        "author": row.author_login,
        "author_uid": row.author_uid,
    }


def about_pushes(*, repository: Repository, pushes: Iterable[Push]) -> Iterator[tuple[str, list[Found]]]:
    """Pushes to main or prod: rewritten history, a deleted branch, and commits that no pull request brought."""
    told = list(pushes)
    covered = covered_by_pull_requests(repository, told)
    for push in told:
        prefix = f"{push_key(repository=repository, branch=push.branch, sha=push.after)}:"
        kinds = _push_kinds(push, covered=(push.branch, push.after) in covered)
        yield prefix, [_push_found(repository, push, prefix, kind) for kind in kinds]


def push_key(*, repository: Repository, branch: str, sha: str) -> str:
    """What an exception about a push is called, without its kind: the branch by its first name, which outlasts a rename."""
    return f"{repository.key}:push:{first_name(repository=repository, name=branch)}:{sha}"


def _push_kinds(push: Push, *, covered: bool) -> list[str]:
    if push.deleted:
        return ["branch_deleted"]
    if push.forced:
        return ["force_push"]
    created = push.before == NO_COMMIT
    return [] if created or covered else ["direct_push"]


def _push_found(repository: Repository, push: Push, prefix: str, kind: str) -> Found:
    subject = f"{push.branch}:{push.after[:12]}" if kind == "direct_push" else push.branch
    words = {
        "branch_deleted": f"{push.pusher_login} deleted {push.branch}.",
        "force_push": f"{push.pusher_login} rewrote {push.branch}: {push.before[:7]} became {push.after[:7]}.",
        "direct_push": f"{push.pusher_login} pushed {push.after[:7]} to {push.branch} without a pull request.",
    }
    return Found(
        kind=kind,
        subject=subject,
        key=f"{prefix}{kind}",
        sentence=words[kind],
        happened_at=push.pushed_at,
        confirmed=push.confirmed_at is not None,
        evidence={
            "branch": push.branch,
            "before": push.before,
            "after": push.after,
            "pusher": push.pusher_login,
            "pusher_uid": push.pusher_uid,
            "commits": push.commits[:20],
        },
    )


def about_population(*, repository: Repository) -> Iterator[Found]:
    """Commits that Git itself shows on main or prod and that neither a pull request nor a known push accounts for."""
    for branch in (repository.main_branch, repository.prod_branch):
        bare = uncovered_commits(repository=repository, branch=branch)
        told = _told_by_pushes(repository, branch, {commit.sha for commit in bare}) if bare else frozenset[str]()
        below = _moments_below(repository, branch, bare)
        for commit in bare:
            if commit.sha in told:
                continue
            yield Found(
                kind="direct_push",
                subject=f"{branch}:{commit.sha[:12]}",
                key=f"{push_key(repository=repository, branch=branch, sha=commit.sha)}:direct_push",
                sentence=f"{commit.committer_name} put {commit.sha[:7]} on {branch} without a pull request.",
                happened_at=min(max(commit.committed_at, below.get(commit.position - 1, commit.committed_at)), commit.seen_at),
                confirmed=True,
                evidence={"branch": branch, "commit": commit.sha, "author": commit.author_name, "subject": commit.subject},
            )


def _moments_below(repository: Repository, branch: str, commits: Iterable[BranchCommit]) -> dict[int, datetime]:
    """By place: when the commits were made on which these stand. Who commits writes the date, and can write any: what is on a
    branch came there after what it stands on, and before it was seen."""
    places = {commit.position - 1 for commit in commits}
    rows = BranchCommit.objects.filter(repository=repository, branch=branch, position__in=places, gone_at=None)
    return dict(rows.values_list("position", "committed_at"))


def _told_by_pushes(repository: Repository, branch: str, bare: Collection[str]) -> frozenset[str]:
    """Commits inside pushes that the push detector judges as a whole (not their last one).

    It lets a push pass that made the branch, or whose last commit a pull request was merged as. Of such a push each commit that
    no pull request accounts for (``bare``) answers for itself: somebody's own commit may stand before the merge. Only what came
    to prod from main is judged there.
    """
    pushes = Push.objects.filter(repository=repository, branch=branch)
    merged = PullRequest.objects.filter(repository=repository, base_ref=branch, state=PullRequest.State.MERGED).exclude(
        merge_sha=""
    )
    passes = Q(after__in=merged.values("merge_sha"))
    told: set[str] = set()
    for commits, after, forced, before in _contents(pushes.filter(Q(forced=True) | ~(passes | Q(before=NO_COMMIT)))):
        told |= commits | {after, before} if forced else commits - {after}
    if branch == repository.prod_branch:
        on_main = BranchCommit.objects.filter(repository=repository, branch=repository.main_branch, sha__in=bare, gone_at=None)
        promoted = set(on_main.values_list("sha", flat=True))
        for commits, *_ in _contents(pushes.filter(passes, forced=False) if promoted else pushes.none()):
            told |= commits & promoted
    return frozenset(told)


def _contents(pushes: QuerySet[Push]) -> Iterator[tuple[set[str], str, bool, str]]:
    """The commits of each push, its end, whether it was forced, and its beginning."""
    for commits, after, forced, before in pushes.values_list("commits", "after", "forced", "before"):
        yield {str(item.get("sha")) for item in commits}, after, forced, before


def about_rules(*, repository: Repository, events: Iterable[RuleEvent]) -> Iterator[tuple[str, list[Found]]]:
    """Edits of branch rules and access that weaken them and belong to no change. A deleted ruleset and a new person have their own
    kinds."""
    for event in events:
        prefix = f"{repository.key}:rule:{event.delivery_key}:"
        if not event.weakens or hasattr(event, "match"):
            yield prefix, []
            continue
        kind, subject = _rule_kind(event)
        yield (
            prefix,
            [
                Found(
                    kind=kind,
                    subject=subject,
                    key=f"{prefix}{kind}",
                    sentence=_rule_sentence(event),
                    happened_at=event.happened_at,
                    confirmed=event.confirmed_at is not None,
                    evidence={
                        "actor": event.actor_login,
                        "actor_uid": event.actor_uid,
                        "subject": event.subject,
                        "organisation": event.detail.get("organisation", ""),
                        "detail": event.detail,
                    },
                )
            ],
        )


def _rule_kind(event: RuleEvent) -> tuple[str, str]:
    if event.kind == RuleEvent.Kind.MEMBER:
        return "access_granted_outside_process", ""
    if event.kind == RuleEvent.Kind.RULESET and event.action == "deleted":
        return "ruleset_deleted", ""
    return "protection_weakened", event.subject


def _rule_sentence(event: RuleEvent) -> str:
    who = event.actor_login or "Somebody"
    through = f", {event.detail['through']}" if event.detail.get("through") else ""
    where = "" if event.detail.get("organisation") else " to the repository"
    if event.detail.get("everywhere"):
        where = " to every repository"
    words = {
        RuleEvent.Kind.MEMBER: f"{who} gave {event.subject} access{where}{through}.",
        RuleEvent.Kind.RULESET: f"{who} {event.action} the ruleset {event.subject}.",
        RuleEvent.Kind.PROTECTION: f"{who} {event.action} the protection of {event.subject} so that it is weaker.",
    }
    return words[RuleEvent.Kind(event.kind)]


def about_releases(*, repository: Repository, releases: Iterable[Release]) -> Iterator[tuple[str, list[Found]]]:
    """Releases whose commit was never merged to the branch that feeds the environment, and releases in a freeze."""
    for row in releases:
        prefix = f"release:{row.pk}:"
        yield prefix, _unknown(repository, row, prefix)
        found = list(released_in_freeze(repository=repository, release=row, prefix=prefix))
        yield prefix, found
        for told in told_by_forge(row) if found else ():
            yield f"release:{told.pk}:", _unknown(repository, told, f"release:{told.pk}:")


def _unknown(repository: Repository, row: Release, prefix: str) -> list[Found]:
    branch = feeding_branch(repository, row)
    return [_release_found(row, prefix, branch)] if branch and is_unknown(repository, row) else []


def feeding_branch(repository: Repository, row: Release) -> str:
    """The branch that feeds the environment of a release; empty for environments that the policy does not guard."""
    return {Environment.PRODUCTION.value: repository.prod_branch, Environment.STAGING.value: repository.main_branch}.get(
        row.environment, ""
    )


def is_unknown(repository: Repository, row: Release) -> bool:
    """Whether the commit of a release to a guarded environment is not known on the branch that feeds it."""
    branch = feeding_branch(repository, row)
    return bool(branch) and not (row.commit_sha and known_on_branch(repository, branch, row.commit_sha))


def _release_found(row: Release, prefix: str, branch: str) -> Found:
    image = row.image.partition("@")[0].rpartition("/")[2]
    what = f"commit {row.commit_sha[:7]}" if row.commit_sha else f"image {image or 'unknown'}"
    name = f"{row.app} v{row.version}" if row.app else row.environment
    return Found(
        kind="unknown_release",
        subject=f"{name}" if row.app else f"{row.environment}:{row.commit_sha[:12]}",
        key=f"{prefix}unknown_release",
        sentence=f"{row.actor or 'Somebody'} released {name} to {row.environment} from {what}, which is not on {branch}.",
        happened_at=row.created_at,
        confirmed=row.confirmed_at is not None,
        evidence={
            "release_id": row.pk,
            "release": str(row),
            "app": row.app,
            "actor": row.actor,
            "image": row.image,
            "commit": row.commit_sha,
        },
    )


def about_approval(*, changes: Iterable[Change]) -> Iterator[tuple[str, list[Found]]]:
    """Changes merged to production without the approval that their repository asks for, or by people not trained (gate 8)."""
    for change in changes:
        prefix = f"{change}:approval:"
        gate = _gate_of(change, APPROVAL_GATE)
        if change.merged_at is None or gate.get("state") != GateState.FAILED:
            yield prefix, []
            continue
        kind = "untrained_production" if gate.get("clause") == Clause.TRAINED else "unapproved_production"
        found = Found(
            kind=kind,
            subject=str(change),
            key=f"{prefix}{kind}",
            sentence=str(gate["reason"]),
            happened_at=change.merged_at,
            confirmed=bool(gate["confirmed"]),
            change=change,
        )
        yield prefix, [found]
