"""What each parameter is called, which clause it interprets, and what it does, in words for pages. Pure."""

from dataclasses import dataclass

from portal.policy.clauses import Clause


@dataclass(frozen=True)
class Words:
    """One parameter for people."""

    clause: Clause
    label: str


WORDS: dict[str, Words] = {
    "large_changed_lines": Words(Clause.LARGE_DECIDED, "Changed lines from which a change is large"),
    "large_rules": Words(Clause.LARGE_DECIDED, "Reasons for which a change is large"),
    "destructive_statements": Words(Clause.LARGE_DECIDED, "Statements of a migration that lose data"),
    "way_back": Words(Clause.LARGE_DECIDED, "Where the way back of a migration begins"),
    "destructive_words": Words(Clause.LARGE_DECIDED, "Words in the name of a migration that mean loss of data"),
    "kind_paths": Words(Clause.CATEGORY, "Paths that tell the kind of a change"),
    "migration_paths": Words(Clause.SNAPSHOT, "Paths of database migrations"),
    "test_paths": Words(Clause.LARGE_DECIDED, "Paths of tests, whose lines do not count"),
    "lock_files": Words(Clause.LARGE_DECIDED, "Lock files, whose lines do not count"),
    "emergency_label": Words(Clause.CATEGORY, "Label of an emergency"),
    "emergency_title_prefix": Words(Clause.CATEGORY, "Beginning of the title of an emergency"),
    "emergency_branches": Words(Clause.CATEGORY, "Branches that are emergencies by their name"),
    "retrospective_within_working_days": Words(Clause.EMERGENCY_REVIEW, "Working days for the retrospective of an emergency"),
    "review_within_working_days": Words(Clause.EMERGENCY_REVIEW, "Working days for the review after a release"),
    "review_escalated_after": Words(Clause.EMERGENCY_REVIEW, "How late a review is when chair and compliance are told"),
    "slack_plus_one_confirmed_within": Words(Clause.EMERGENCY_REVIEW, "Time in which a +1 from Slack is confirmed"),
    "log_within": Words(Clause.LOGGED, "Time in which a release is logged"),
    "staging_soak": Words(Clause.STAGING_FIRST, "How long a commit stands in staging"),
    "sign_off_needed": Words(Clause.STAGING_FIRST, "A tester signs off in staging"),
    "training_on_joining_within": Words(Clause.TRAINED, "Time in which somebody who joins is trained"),
    "training_repeated_every": Words(Clause.TRAINED, "How long a signature on the policy holds"),
    "training_after_version_within": Words(Clause.TRAINED, "Time in which a new material version is signed"),
    "access_review_every": Words(Clause.ACCESS_RESTRICTED, "How often every right is reviewed"),
    "access_review_open_for": Words(Clause.ACCESS_RESTRICTED, "How long reviewers of rights have to answer"),
    "access_reminded_before": Words(Clause.ACCESS_RESTRICTED, "How long before its day a reviewer of rights is reminded"),
    "access_removed_within": Words(Clause.ACCESS_RESTRICTED, "How long until a right is gone that was to be removed"),
    "training_reminded_before": Words(Clause.TRAINED, "How long before its day somebody is reminded"),
    "training_escalated_after": Words(Clause.TRAINED, "How late training is when compliance is told"),
    "quiz_open_for": Words(Clause.TRAINED, "How long an attempt at a quiz takes answers"),
    "policy_review_every": Words(Clause.POLICY_REVIEWED, "How often the policy is reviewed at least"),
    "decision_lives": Words(Clause.LARGE_DECIDED, "How long a decision of a meeting holds"),
    "quorum_percent": Words(Clause.OVERSEEN, "Per cent of the roster of which more must be at a meeting"),
    "rollback_drill_every": Words(Clause.ROLLBACK, "How often an app proves that it can go back"),
    "approval_rules": Words(Clause.ACCESS_RESTRICTED, "How many approvals a change needs"),
    "delegation_longest": Words(Clause.ACCESS_RESTRICTED, "How long approvals can be handed over"),
    "waiver_lives": Words(Clause.FOLLOWED, "How long a waiver waits for its signatures"),
    "waiver_review_within": Words(Clause.FOLLOWED, "Time in which a waiver is looked at again"),
    "fresh_sign_in_within": Words(Clause.ACCESS_RESTRICTED, "How old a sign-in may be for a decision"),
    "release_hours": Words(Clause.PROD_RESTRICTED, "First and last hour of suggested windows"),
    "release_zone": Words(Clause.PROD_RESTRICTED, "Clock of suggested windows"),
    "window_length": Words(Clause.PROD_RESTRICTED, "Length of a suggested window"),
    "freezes_hold_emergencies": Words(Clause.PROD_RESTRICTED, "A hard freeze holds emergencies too"),
    "gate_open_at_most": Words(Clause.FOLLOWED, "How long a deploy gate may fail open"),
    "ai_co_authors": Words(Clause.REVIEWED, "Machines that count as contributors"),
    "bot_accounts": Words(Clause.REVIEWED, "Accounts of bots"),
    "dependency_files": Words(Clause.CATEGORY, "Files of a routine dependency update"),
    "routine_rollback": Words(Clause.ROLLBACK, "Way back of a routine dependency update"),
    "shared_paths": Words(Clause.CATEGORY, "Paths that many parts stand on"),
    "risk_points": Words(Clause.CATEGORY, "Points of each risk"),
    "risk_levels": Words(Clause.CATEGORY, "Points from which a risk is medium or high"),
    "risk_steps": Words(Clause.CATEGORY, "Steps from which size and spread add points"),
    "failures_within": Words(Clause.CATEGORY, "How long a failure counts against its paths"),
    "unfamiliar_after": Words(Clause.CATEGORY, "When paths that nobody changed are unfamiliar"),
    "material_sections": Words(Clause.LARGE_DECIDED, "Sections in which every edit is material"),
    "immaterial_words": Words(Clause.LARGE_DECIDED, "Words outside them that may be mended"),
    "slip_letters": Words(Clause.LARGE_DECIDED, "Letters in which a mended word may differ"),
    "turning_words": Words(Clause.LARGE_DECIDED, "Words that turn a sentence around"),
}
