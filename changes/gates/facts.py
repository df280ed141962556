"""The facts that the twelve gates judge: one frozen object, loaded by ``queries.py``, digested with the verdict.

Times are UTC. Plain values only, so that a rule needs no database to be understood or tested. ``None`` means "not known
yet" and is never read as "fine". A commit is its hexadecimal SHA.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from changes.delivery.actor import Actor

__all__ = [
    "Actor",
    "ApprovalFact",
    "ApproverFact",
    "ChangeFacts",
    "CheckFact",
    "ConditionFact",
    "DecisionFact",
    "DirectPushFact",
    "FreezeFact",
    "GateState",
    "PullRequestFact",
    "ReleaseFact",
    "ReviewAfterFact",
    "ReviewFact",
    "SignOffFact",
    "TrainingFact",
    "WaiverFact",
]


class GateState(StrEnum):
    MET = "met"
    WAITING = "waiting"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"
    NOT_CONNECTED = "not_connected"


@dataclass(frozen=True)
class ReviewFact:
    by: Actor
    state: str
    """approved, changes_requested, commented, dismissed."""
    commit: str
    at: datetime | None
    confirmed: bool


@dataclass(frozen=True)
class CheckFact:
    name: str
    commit: str
    status: str
    conclusion: str
    at: datetime | None
    """When it completed; for one that has not, when it began, if that is known."""
    confirmed: bool


@dataclass(frozen=True)
class PullRequestFact:
    repository: str
    number: int
    role: str
    """work, promotion or back_merge."""
    base: str
    """main or prod (the branch's part in the policy), or the branch's own name when it is neither."""
    head_sha: str
    state: str
    author: Actor
    contributors: tuple[Actor, ...]
    """Author, commit authors, committers, co-authors, without the merge commit that the forge made."""
    reviews: tuple[ReviewFact, ...]
    checks: tuple[CheckFact, ...]
    """Checks on ``head_sha`` and on ``queue_sha``."""
    required_checks: tuple[str, ...] | None
    """Names from the branch rules; None when they were never read."""
    merged_at: datetime | None
    merged_by: Actor | None
    merge_sha: str
    confirmed: bool
    queue_sha: str = ""
    """The head that a merge queue made of it: the one that it was merged as, else the one that is being tried."""
    queued_by: Actor | None = None
    """Who put it into the merge queue, which merges with an account of its own."""
    authorised_mergers: tuple[Actor, ...] | None = None
    """Who was on the list of its branch at the merge, or is now; None when no list had been confirmed."""


@dataclass(frozen=True)
class ReleaseFact:
    environment: str
    """development, staging, production or the vendor's own word."""
    commit: str
    state: str
    created_at: datetime
    succeeded_at: datetime | None
    label: str
    confirmed: bool
    logged_at: datetime | None = None
    """When its message stood in the channel of production changes."""
    logged_url: str = ""


@dataclass(frozen=True)
class ApprovalFact:
    by: Actor
    verdict: str
    revision_digest: str
    """The digest to which the text binds that it was given on."""
    head_sha: str
    at: datetime
    lapsed: str
    """Why it no longer counts; empty when it does."""
    lapsed_at: datetime | None = None
    """When it lapsed. What lapsed after the merge still counted at the merge."""
    via: str = "portal"
    """Where it was said: portal or slack."""
    on_behalf_of: str = ""
    """The name of somebody away, who had handed approvals over."""
    confirmed_at: datetime | None = None
    """When its giver stood by it in the portal, for a +1 that was given in Slack."""


@dataclass(frozen=True)
class DirectPushFact:
    """A commit that reached prod without a pull request."""

    repository: str
    commit: str
    by: Actor
    at: datetime
    confirmed: bool
    contributors: tuple[Actor, ...] = ()
    """Authors, committers and co-authors of what was pushed, and who pushed it."""


@dataclass(frozen=True)
class FreezeFact:
    """A freeze that covers some of the change's repositories, an early end counted in."""

    name: str
    hard: bool
    starts_at: datetime
    ends_at: datetime
    environments: tuple[str, ...]
    repositories: tuple[str, ...]
    """Those of the change's repositories that it covers, by themselves or by an app that they feed."""
    overridden_at: datetime | None = None
    """When the second person confirmed that this change may go out in it."""
    overridden_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApproverFact:
    """Somebody who may approve for production now. ``away``: until when, and who stands in; empty for who is there."""

    by: Actor
    away: str = ""


@dataclass(frozen=True)
class WaiverFact:
    """A decision of chair and compliance manager in place of an approval that nobody could give."""

    chair: Actor
    compliance: Actor
    reason: str
    review_at: datetime
    revision_digest: str
    """The digest to which the text binds that it was decided on."""
    head_sha: str
    decided_at: datetime
    ended_at: datetime | None = None
    """When it was taken back, or no longer fitted text, commit or classes."""


@dataclass(frozen=True)
class ConditionFact:
    """What has to be done before a step, set with an approval."""

    number: int
    text: str
    owner: Actor
    before: str
    """merge, release or after."""
    due_at: datetime
    set_by: Actor
    state: str
    """open, to_confirm or done."""
    done_at: datetime | None = None
    ended_at: datetime | None = None
    """When the approval lapsed with which it was set."""


@dataclass(frozen=True)
class DecisionFact:
    """What the architecture meeting, or a written vote, decided about the change."""

    number: int
    outcome: str
    """approved, conditional, rejected or deferred."""
    digest: str
    """The digest to which the text binds that it was about."""
    at: datetime
    by: Actor
    """Who recorded it: the chair."""
    meeting: str = ""
    """As the meeting is called; empty for a written vote."""
    expires_at: datetime | None = None
    lapsed: str = ""
    lapsed_at: datetime | None = None

    @property
    def said(self) -> str:
        """What it did, as the end of a sentence."""
        return "approved it with conditions" if self.outcome == "conditional" else f"{self.outcome} it"


@dataclass(frozen=True)
class TrainingFact:
    """Whether somebody involved was trained on the policy at the merge to prod, or is now (P-28)."""

    by: Actor
    current: bool
    why: str = ""
    """Why not, after their name."""
    since: datetime | None = None


@dataclass(frozen=True)
class SignOffFact:
    by: Actor
    commit: str
    at: datetime


@dataclass(frozen=True)
class ReviewAfterFact:
    kind: str
    """post_implementation or retrospective."""
    by: Actor
    outcome: str
    at: datetime


@dataclass(frozen=True)
class ChangeFacts:
    """Everything a verdict needs about one change at one moment."""

    number: int
    as_of: datetime
    category: str
    size: str
    kind: str
    title: str
    why: str
    what: str
    tested: str
    rollback: str
    snapshot: str
    revision: int
    revision_digest: str
    """The digest to which words on the present text bind: its own, or the one before its immaterial edits."""
    has_migration: bool | None
    """None when the changed paths were not read."""
    requester: Actor
    opened_by: str
    approved_by: str
    """``review``: an approving review on the promotion counts as approval; ``portal``: only an approval in the portal."""
    pull_requests: tuple[PullRequestFact, ...] = ()
    releases: tuple[ReleaseFact, ...] = ()
    approvals: tuple[ApprovalFact, ...] = ()
    sign_offs: tuple[SignOffFact, ...] = ()
    reviews_after: tuple[ReviewAfterFact, ...] = ()
    retrospective_due_at: datetime | None = None
    review_due_at: datetime | None = None
    direct_pushes: tuple[DirectPushFact, ...] = ()
    declared: bool = True
    """Somebody declared the emergency, in time. False where only the portal did, after the fact: that excuses nothing."""
    target_release: str = ""
    """The release to go back to, as the proposal names it."""
    data_loss: str = ""
    """What data would be lost on the way back, as the proposal says it."""
    risk: str = ""
    """low, medium or high; empty while it was not looked at."""
    approvers: tuple[ApproverFact, ...] | None = None
    """Who may approve for production; None after the merge, when it no longer matters."""
    deciders: tuple[str, ...] = ()
    """Chair and compliance managers by name, who together decide on a waiver."""
    waivers: tuple[WaiverFact, ...] = ()
    conditions: tuple[ConditionFact, ...] = ()
    freezes: tuple[FreezeFact, ...] = ()
    """Freezes since the change was opened, also those that are over."""
    decisions: tuple[DecisionFact, ...] = ()
    training: tuple[TrainingFact, ...] = ()
    """Everybody involved who is known in the portal; nobody while no course was ever published."""
    connected: frozenset[str] = field(default=frozenset())
    """Which sources feed the portal: meetings, slack, training, mergers, fly."""
