"""What the policy leaves open, as data: the parameters of one policy version. Pure.

Durations are ``timedelta``; "working days" are Monday to Friday in UTC. A path pattern is one of

- ``name/``: any file below a folder of that name, at any depth;
- ``*.tf``: any file whose name matches, at any depth;
- ``.github/workflows/*.yml``: the path from the root of the repository matches.

Case does not matter in patterns.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from portal.policy import classes
from portal.policy.approvals import APPROVAL_RULES, ApprovalRule
from portal.policy.classes import LargeRule

KIND_PATHS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("access", ("dns/", "zero-trust/", "access/")),
    ("secrets", ("doppler/", "doppler*.yaml", "doppler*.yml", ".doppler*")),
    ("database", ("migrations/", "db/migrate/*", "alembic/versions/*")),
    (
        "infrastructure",
        (
            "Dockerfile",
            "Dockerfile.*",
            "*.Dockerfile",
            ".dockerignore",
            "docker-compose*.yml",
            "docker-compose*.yaml",
            "fly*.toml",
            ".github/workflows/*",
            ".github/actions/*",
            "terraform/",
            "*.tf",
        ),
    ),
    ("policy", ("policy.md",)),
)
"""Kind and its paths, the one that can do most harm first: a change of several kinds has the first of them."""


@dataclass(frozen=True)
class Parameters:
    """The interpretation in force. Changed only by a decision in a meeting (P-25)."""

    version: str = "1"
    large_changed_lines: int = 800
    large_rules: tuple[LargeRule, ...] = classes.LARGE_RULES
    destructive_statements: tuple[str, ...] = classes.DESTRUCTIVE_STATEMENTS
    way_back: tuple[str, ...] = classes.WAY_BACK
    destructive_words: tuple[str, ...] = ("drop", "delete", "remove", "truncate", "purge")
    """Words in the file name of a migration that make the change large where its lines could not be read: data may be lost."""
    kind_paths: tuple[tuple[str, tuple[str, ...]], ...] = KIND_PATHS
    migration_paths: tuple[str, ...] = ("migrations/", "db/migrate/*", "alembic/versions/*")
    test_paths: tuple[str, ...] = ("tests/", "test/", "__tests__/", "spec/", "test_*", "*_test.*", "*.test.*", "*.spec.*")
    lock_files: tuple[str, ...] = (
        "*.lock",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "go.sum",
    )
    emergency_label: str = "emergency"
    emergency_title_prefix: str = "EMERGENCY"
    emergency_branches: tuple[str, ...] = field(default=())
    """Patterns of branches that are emergencies by their name; none unless a meeting says so."""
    retrospective_within_working_days: int = 2
    review_within_working_days: int = 5
    review_escalated_after: timedelta = timedelta(hours=4)
    """How long after its due time a missing review of an emergency is told to the chair and compliance."""
    slack_plus_one_confirmed_within: timedelta = timedelta(hours=24)
    """A +1 given in Slack is confirmed in the portal by its giver within that time."""
    log_within: timedelta = timedelta(minutes=15)
    staging_soak: timedelta = timedelta(0)
    sign_off_needed: bool = True
    training_on_joining_within: timedelta = timedelta(days=14)
    """How long somebody who joins has for the course and the signature (P-28)."""
    training_repeated_every: timedelta = timedelta(days=365)
    """How long a signature on the policy holds."""
    training_after_version_within: timedelta = timedelta(days=30)
    """How long everybody has to sign a new material version."""
    training_reminded_before: timedelta = timedelta(days=7)
    """How long before its day somebody is reminded; once more on the day."""
    training_escalated_after: timedelta = timedelta(days=7)
    """How long after its day compliance is told who has not signed."""
    quiz_open_for: timedelta = timedelta(days=1)
    """How long an attempt at a quiz takes answers."""
    access_review_every: timedelta = timedelta(days=91)
    """How often every right at every source is reviewed (P-19)."""
    access_review_open_for: timedelta = timedelta(days=21)
    """How long reviewers have to answer."""
    access_reminded_before: timedelta = timedelta(days=5)
    """How long before its day a reviewer is reminded."""
    access_removed_within: timedelta = timedelta(days=7)
    """A right that a reviewer said to remove is gone from a later snapshot within that time."""
    policy_review_every: timedelta = timedelta(days=365)
    """How often the policy is reviewed at least (P-25)."""
    decision_lives: timedelta = timedelta(days=90)
    """How long a decision of a meeting holds (P-01)."""
    quorum_percent: int = 50
    """A meeting decides when more than this share of its roster on that day is there, and somebody who leads it (P-30)."""
    rollback_drill_every: timedelta = timedelta(days=183)
    """How often each app in production proves that it can go back (P-17)."""
    approval_rules: tuple[ApprovalRule, ...] = APPROVAL_RULES
    """How many approvals a change needs, by kind, size, environment and risk."""
    delegation_longest: timedelta = timedelta(days=90)
    waiver_lives: timedelta = timedelta(hours=72)
    """How long a waiver waits for its two signatures."""
    waiver_review_within: timedelta = timedelta(days=90)
    """A waiver names a day within that time on which somebody looks at it again."""
    fresh_sign_in_within: timedelta = timedelta(minutes=5)
    release_hours: tuple[int, int] = (9, 17)
    """First and last hour in which windows are suggested, Monday to Friday, by the clocks of ``release_zone``."""
    release_zone: str = "UTC"
    window_length: timedelta = timedelta(hours=1)
    """How long a window is that somebody asks a suggestion for."""
    freezes_hold_emergencies: bool = False
    """Whether a hard freeze holds an emergency too. Otherwise its +1 is enough, and the gate says so (P-22)."""
    gate_open_at_most: timedelta = timedelta(days=30)
    """How long a deploy gate may fail open before somebody has to decide anew (P-29)."""
    ai_co_authors: tuple[str, ...] = classes.AI_CO_AUTHORS
    bot_accounts: tuple[str, ...] = classes.BOT_ACCOUNTS
    dependency_files: tuple[str, ...] = classes.DEPENDENCY_FILES
    routine_rollback: str = classes.ROUTINE_ROLLBACK
    """The way back of a routine dependency update whose description has none; empty: none is filled in."""
    shared_paths: tuple[str, ...] = classes.SHARED_PATHS
    risk_points: tuple[tuple[str, int], ...] = classes.RISK_POINTS
    risk_levels: tuple[tuple[str, int], ...] = classes.RISK_LEVELS
    risk_steps: tuple[tuple[str, tuple[int, int]], ...] = classes.RISK_STEPS
    failures_within: timedelta = timedelta(days=90)
    """How long a failed release or a rollback counts against the paths that it touched."""
    unfamiliar_after: timedelta = timedelta(days=180)
    """Paths that nobody has changed for so long are unfamiliar."""
    material_sections: tuple[str, ...] = ("what", "rollback", "target_release", "snapshot", "data_loss")
    """Sections of a proposal in which every edit is material: it ends the approvals and decisions on the earlier text."""
    immaterial_words: int = 5
    """Words outside them that may be mended without ending approvals, in all edits since the text that was approved."""
    slip_letters: int = 2
    """Letters in which a mended word may differ, and never more than one in three of its letters."""
    turning_words: tuple[str, ...] = ("no", "not", "never", "none", "nor", "neither", "without", "cannot")
    """Words that turn a sentence around: one that comes or goes is never a slip."""


DEFAULT = Parameters()
