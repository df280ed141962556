"""The shapes of answers. Times are UTC in ISO 8601; ids of changes are their numbers (CHG-<number>)."""

from datetime import datetime
from typing import Any

from ninja import Schema


class UsedOut(Schema):
    name: str
    words: str
    value: str


class ExplainOut(Schema):
    rule: str
    """The rule in words."""
    parameters: list[UsedOut]
    """What it used of the policy version."""
    policy_version: str
    looked_at: list[str]
    next: str
    """What would have to happen."""


class GateOut(Schema):
    number: int
    code: str
    name: str
    clause: str
    state: str
    reason: str
    who: str = ""
    confirmed: bool
    evidence: list[dict[str, str]]
    explain: ExplainOut | None = None
    """Only for the gates as they stand now."""


class PullRequestOut(Schema):
    repository: str
    number: int
    role: str
    title: str
    state: str
    base: str
    head_sha: str
    merge_sha: str
    author: str
    merged_by: str
    merged_at: datetime | None
    confirmed: bool


class ReleaseOut(Schema):
    id: int
    source: str
    app: str
    version: int | None
    environment: str
    repository: str
    commit: str
    image: str
    state: str
    actor: str
    created_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None
    rollback: bool
    rolls_back: int | None
    rolls_back_commit: str
    changes: list[str]
    confirmed: bool


class ChangeRow(Schema):
    id: str
    number: int
    title: str
    state: str
    category: str
    emergency: bool
    size: str
    kind: str
    risk_level: str
    """low, medium or high; empty while it was not looked at."""
    risk_points: int
    routine: bool
    """A dependency update that bots made alone."""
    requester: str
    repositories: list[str]
    opened_at: datetime
    moved_at: datetime
    merged_at: datetime | None
    released_at: datetime | None
    retrospective_due_at: datetime | None
    review_due_at: datetime | None
    gates_summary: str
    url: str


class DifferenceOut(Schema):
    number: int
    code: str
    name: str
    frozen: str
    today: str
    reason: str


class TodayOut(Schema):
    """What today's rules say about the facts of a frozen verdict."""

    rules_version: str
    policy_version: str
    outcome: str
    differences: list[DifferenceOut]
    problem: str


class VerdictOut(Schema):
    moment: str
    subject: str
    outcome: str
    gates: list[GateOut]
    facts_digest: str
    rules_version: str
    policy_version: str
    at: datetime
    today: TodayOut


class TimelineEntry(Schema):
    kind: str
    actor: str
    at: datetime
    fact: dict[str, Any]
    hash: str


class ChangeOut(ChangeRow):
    why: str
    what: str
    tested: str
    rollback: str
    target_release: str
    snapshot: str
    data_loss: str
    revision: int
    revision_digest: str
    revision_binds: str
    """The digest to which approvals of the present text bind: an immaterial edit keeps that of the text before."""
    reasons: dict[str, Any]
    class_choices: list[dict[str, Any]]
    """People's words on category, size and kind, oldest first: name, was, value, lowers, reason, by, at."""
    risk: dict[str, Any]
    """points, level, and reasons with points and text."""
    gates: list[GateOut]
    pull_requests: list[PullRequestOut]
    releases: list[ReleaseOut]
    approvals_needed: int
    approvals: list[dict[str, Any]]
    conditions: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    """Oldest first: number, outcome, reason, meeting (null: written vote), revision, digest, conditions, tally, by, at,
    expires_at, lapsed."""
    waivers: list[dict[str, Any]]
    verdicts: list[VerdictOut]
    exceptions: list[str]
    timeline: list[TimelineEntry]


class ExceptionOut(Schema):
    id: int
    finding: str
    kind: str
    subject: str
    clause: str
    repository: str
    change: str
    sentence: str
    state: str
    confirmed: bool
    evidence: dict[str, Any]
    happened_at: datetime
    found_at: datetime
    due_at: datetime
    owner: str
    judged_by: str
    repeats: int | None


class DeliveryOut(Schema):
    id: int
    source: str
    delivery_id: str
    event: str
    state: str
    repository: str
    attempts: int
    note: str
    body_size: int
    body_sha256: str
    received_at: datetime
    applied_at: datetime | None


class CheckpointOut(Schema):
    size: int
    root: str
    note: str
    at: datetime


class GateAnswerOut(Schema):
    answer: int
    """The number under which question and answer are kept."""
    allow: bool
    repository: str
    commit: str
    """The whole SHA, when it is known."""
    environment: str
    change: str | None
    """The first of ``changes``."""
    changes: list[str]
    reasons: list[str]
    """What speaks against it."""
    notes: list[str]
    rollback: bool
    """It goes back to what ran there before and was allowed then."""
    failed_open: bool
    """It passed although it could not be judged; an exception was opened."""
    gates: list[GateOut]
    at: datetime


class Paged(Schema):
    next: str
    """Cursor of the next page; empty on the last one."""


class ChangesPage(Paged):
    items: list[ChangeRow]


class ExceptionsPage(Paged):
    items: list[ExceptionOut]


class ReleasesPage(Paged):
    items: list[ReleaseOut]


class DeliveriesPage(Paged):
    items: list[DeliveryOut]


class CheckpointsPage(Paged):
    items: list[CheckpointOut]
