"""What a forge said, as plain values: one frozen object a thing, whatever door it came through.

The same facts come from a webhook's payload and from the API's answer. Field names equal the fields of
``changes.delivery.models`` so that recording is a copy. ``None`` means "this payload did not say", and never overwrites
a value that is known; an empty text or tuple means "it said: none". Times are UTC; commits are hexadecimal SHAs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RepositoryFact:
    """A repository as named in a payload. ``vendor_id`` stays when ``name`` (owner/name) changes."""

    name: str
    vendor_id: int | None = None
    clone_url: str | None = None
    default_branch: str | None = None
    previous_name: str | None = None
    """The owner/name it had before, in a rename or a transfer."""
    action: str | None = None
    """Only in a repository event: renamed, transferred, archived, deleted, publicized …"""
    archived: bool | None = None
    disabled: bool | None = None
    visibility: str | None = None
    """public, private or internal."""


@dataclass(frozen=True, kw_only=True)
class PullRequestReported:
    """A pull request. ``merge_sha`` is only set once merged: before that GitHub's value is a test merge."""

    number: int
    title: str
    state: str
    """open, merged or closed (without a merge)."""
    head_ref: str
    head_sha: str
    base_ref: str
    body: str | None = None
    draft: bool | None = None
    author_uid: int | None = None
    author_login: str | None = None
    author_is_bot: bool | None = None
    labels: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    files: tuple[Mapping[str, Any], ...] | None = None
    """What was changed, by file: {"path", "status", "lines", "added"} (see ``changes.delivery.models.PullRequest.files``)."""
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by_uid: int | None = None
    merged_by_login: str | None = None
    queued_by_uid: int | None = None
    queued_by_login: str | None = None
    """Who put it into the merge queue last: a queue merges with an account of its own."""
    merge_sha: str | None = None
    head_is_fork: bool | None = None
    commit_people: tuple[Mapping[str, Any], ...] | None = None
    """Contributors by commit: {"uid", "login", "name", "email", "role": author, committer or co-author}."""
    vendor_updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewReported:
    """A review. From a webhook without its own ``updated_at`` the pull request's clock orders two versions."""

    pull_request_number: int
    vendor_id: int
    state: str
    """approved, changes_requested, commented, dismissed or pending."""
    uid: int | None = None
    login: str | None = None
    is_bot: bool | None = None
    commit_sha: str | None = None
    """The head commit that was reviewed."""
    submitted_at: datetime | None = None
    vendor_updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CheckReported:
    """A check run, check suite or commit status. An "error" status is a failure, as in GitHub's combined status."""

    head_sha: str
    source: str
    """check_run, check_suite or status."""
    vendor_id: int
    name: str
    status: str
    """queued, in_progress, completed … A commit status is "pending" or "completed"."""
    conclusion: str
    """success, failure, neutral …; empty while it runs."""
    app: str | None = None
    """The app that wrote it; for a commit status the account."""
    completed_at: datetime | None = None
    vendor_updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PullRequestRead:
    """A pull request as one reading of the API showed it, with its reviews and the checks on its head."""

    pull_request: PullRequestReported
    reviews: tuple[ReviewReported, ...] = ()
    checks: tuple[CheckReported, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PushReported:
    """A push to a branch (never a tag). ``commits`` holds {"sha", "message", "author_login", "author_email", "paths"}."""

    branch: str
    before: str
    after: str
    forced: bool
    deleted: bool
    commits: tuple[Mapping[str, Any], ...]
    created: bool = False
    """The branch did not exist before."""
    pusher_login: str | None = None
    pusher_uid: int | None = None
    pushed_at: datetime | None = None
    """None when the payload does not say: then the moment of receipt is the nearest truth."""


@dataclass(frozen=True, kw_only=True)
class DeploymentReported:
    """A deployment of one commit to one environment: a ``Release`` of source github."""

    vendor_id: str
    environment: str
    """The vendor's own word, for example "production"."""
    commit_sha: str
    ref: str
    created_at: datetime
    actor: str | None = None
    description: str | None = None
    vendor_updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DeploymentStatusReported:
    """One step of a deployment. It may arrive before the deployment itself."""

    deployment_id: int
    vendor_id: int
    state: str
    """error, failure, inactive, in_progress, queued, pending, waiting or success."""
    at: datetime
    vendor_updated_at: datetime | None = None
    run: int | None = None
    """The workflow run that took it, where its log is named."""


@dataclass(frozen=True, kw_only=True)
class DeploymentReviewReported:
    """Somebody's word on a workflow run that waits for environments: asked for, approved or rejected."""

    run: int
    state: str
    """requested, approved or rejected."""
    environments: tuple[str, ...] = ()
    """Empty where a delivery does not name them: then the list of the run tells."""
    attempt: int = 0
    """Which try of the run; 0 where it is not told."""
    uid: int | None = None
    login: str | None = None
    commit_sha: str = ""
    comment: str = ""
    reviewers: tuple[str, ...] = ()
    """Who was asked."""
    happened_at: datetime | None = None
    """None: the moment of receipt is the nearest truth."""


@dataclass(frozen=True, kw_only=True)
class RuleEventReported:
    """An edit of branch protection, of a ruleset or of somebody's access."""

    kind: str
    """protection, ruleset or member."""
    action: str
    subject: str
    """The branch pattern, the ruleset's name, the member's login or "team <name>"; "*" for all branches."""
    weakens: bool
    """It loosens a rule, or gives somebody (more) access. What cannot be shown to be harmless counts as weakening."""
    detail: Mapping[str, Any]
    """What a person needs to judge: {"reasons": [...], "rule": {...}, "changes": {...}} and so on, safe for JSON."""
    actor_uid: int | None = None
    actor_login: str | None = None
    happened_at: datetime | None = None
    """None when the payload does not say: then the moment of receipt is the nearest truth."""
    vendor_updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OrganisationReported:
    """Something moved in an organisation that no single repository is named for: a team, who is in it, who belongs, its name."""

    organisation: str
    """Its login, as it is now."""
    former: str | None = None
    """Its login before it was renamed."""
    teams: tuple[int, ...] | None = None
    """It concerns the repositories to which one of these teams has access; None: all of the organisation."""
    event: RuleEventReported | None = None
    """What is kept for each of these repositories; None: nothing, they are only read again."""
    whole: bool = False
    """Read the repositories themselves again, too: their name, or whether they are there."""


@dataclass(frozen=True, kw_only=True)
class RuleSuiteReported:
    """The forge judged a push by its rulesets: passed, failed (and refused), or let past by somebody who may."""

    vendor_id: int
    branch: str
    before: str
    after: str
    result: str
    """pass, fail or bypass."""
    pushed_at: datetime
    actor_uid: int | None = None
    actor_login: str | None = None


@dataclass(frozen=True, kw_only=True)
class BranchRulesReported:
    """What the API says of a branch's rules: classic protection and rulesets of every level together."""

    branch: str
    required_checks: tuple[str, ...] | None
    """Names, sorted; empty when nothing is required; None when we were not allowed to see all of it."""
    raw: Mapping[str, Any]
    """{"rules": [...], "protection": {...} or null}, safe for JSON."""


@dataclass(frozen=True, kw_only=True)
class MergeGroupReported:
    """A merge queue made a commit to try a pull request on top of those before it, or is done with it."""

    action: str
    """checks_requested or destroyed."""
    head_sha: str
    head_ref: str
    base_ref: str
    base_sha: str
    numbers: tuple[int, ...] = ()
    """The pull request, by the name that the queue gave its branch."""


@dataclass(frozen=True, kw_only=True)
class InstallationReported:
    """The GitHub App was installed, suspended, removed, or sees more or fewer repositories."""

    action: str
    installation_id: int
    account: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    actor_uid: int | None = None
    actor_login: str | None = None


@dataclass(frozen=True, kw_only=True)
class GateAskedReported:
    """A deployment waits for the portal's word: a custom protection rule of an environment."""

    environment: str
    commit_sha: str
    run: int
    """The number of the workflow run that waits."""


Fact = (
    RepositoryFact
    | PullRequestReported
    | ReviewReported
    | CheckReported
    | PushReported
    | DeploymentReported
    | DeploymentStatusReported
    | DeploymentReviewReported
    | RuleEventReported
    | InstallationReported
    | OrganisationReported
    | MergeGroupReported
    | GateAskedReported
)
