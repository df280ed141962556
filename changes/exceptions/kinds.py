"""The kinds of exceptions: clause, clock, who answers, what folds, what may be noise. Unknown kinds are an error. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from portal.policy.clauses import Clause

MERGE = ("merged_by", "queued_by", "author", "requester", "chair")
"""Who answers for a merge: whoever merged, made or asked for it, in this order; else the chair."""


@dataclass(frozen=True)
class Kind:
    """One kind: its code, its words, the clause that it breaks, and how long somebody has to answer it.

    ``owners`` are the ways to its owner in their order: names of accounts in the evidence, ``requester`` of the change, or
    a role (``chair``, ``compliance``, ``administrator``). Exceptions of one kind and repository (or organisation, where they
    are about all of it) with the same ``folds_by`` values in their evidence fold into the first of them. ``noise_by`` are the
    fields by which a rule may filter it as noise; a kind without any is never filtered.
    """

    code: str
    label: str
    clause: Clause
    answer_within: timedelta = timedelta(days=2)
    owners: tuple[str, ...] = MERGE
    folds_by: tuple[str, ...] = ("merged_by",)
    noise_by: tuple[str, ...] = ()


_ALL = (
    Kind("no_review", "Merged without a review", Clause.REVIEWED),
    Kind("stale_approval", "Merged on a review of an older commit", Clause.REVIEWED),
    Kind("self_approval", "Approved by somebody who contributed", Clause.REVIEWED),
    Kind("changes_requested", "Merged although changes were requested", Clause.REVIEWED),
    Kind("merge_with_own_content", "A merge holds what nobody reviewed", Clause.REVIEWED),
    Kind("failed_ci_merged", "Merged with failed checks", Clause.CI_PASSES),
    Kind("ci_missing_merged", "Merged without its required checks", Clause.CI_PASSES),
    Kind("no_staging", "Merged to production without staging", Clause.STAGING_FIRST),
    Kind(
        "unauthorised_merge",
        "Merged by somebody who is not on the list",
        Clause.AUTHORISED_MERGE,
        folds_by=("merged_by", "queued_by"),
    ),
    Kind("unapproved_production", "Merged to production without approval", Clause.ACCESS_RESTRICTED, folds_by=()),
    Kind(
        "untrained_production",
        "Merged to production while somebody involved was not trained",
        Clause.TRAINED,
        owners=("requester", "compliance"),
        folds_by=(),
    ),
    Kind(
        "waived_approval",
        "Approval waived, because nobody could give it",
        Clause.FOLLOWED,
        owners=("compliance", "chair"),
        folds_by=(),
    ),
    Kind(
        "direct_push",
        "Pushed without a pull request",
        Clause.STARTS_AS_PULL_REQUEST,
        owners=("pusher", "chair"),
        folds_by=("pusher", "branch"),
    ),
    Kind("force_push", "History was rewritten", Clause.PROD_RESTRICTED, owners=("pusher", "chair"), folds_by=("pusher", "branch")),
    Kind("branch_deleted", "A restricted branch was deleted", Clause.PROD_RESTRICTED, owners=("pusher", "chair"), folds_by=()),
    Kind(
        "protection_weakened",
        "A branch rule was weakened",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=("actor", "subject"),
    ),
    Kind(
        "ruleset_deleted",
        "A ruleset was deleted",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=(),
    ),
    Kind(
        "access_granted_outside_process",
        "Access was granted outside the process",
        Clause.ACCESS_RESTRICTED,
        owners=("actor", "compliance"),
        folds_by=("actor",),
        noise_by=("subject", "actor"),
    ),
    Kind(
        "unknown_release",
        "A release of a commit that nobody merged",
        Clause.DEPLOYED_THROUGH_FLY,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=("app", "actor"),
        noise_by=("app", "image"),
    ),
    Kind(
        "released_in_freeze",
        "Released in a freeze",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("actor", "requester", "chair"),
        folds_by=("freeze", "app"),
    ),
    Kind(
        "gate_failed_open",
        "The deploy gate let a doubt pass",
        Clause.FOLLOWED,
        timedelta(days=1),
        owners=("compliance", "chair"),
        folds_by=("environment", "commit"),
    ),
    Kind(
        "dns_edited_outside_process",
        "DNS was edited without a change",
        Clause.CLOUDFLARE,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=("actor", "subject"),
    ),
    Kind(
        "access_edited_outside_process",
        "Access was edited without a change",
        Clause.CLOUDFLARE,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=("actor", "subject"),
    ),
    Kind(
        "secret_edited_outside_process",
        "A production secret was edited without a change",
        Clause.SECRETS_FROM_DOPPLER,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=("actor", "subject"),
    ),
    Kind(
        "rule_bypassed",
        "A branch rule was bypassed",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("actor", "chair"),
        folds_by=("actor", "branch"),
    ),
    Kind(
        "rule_exempt",
        "Somebody may get past a branch rule without a trace",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("chair",),
        folds_by=(),
    ),
    Kind(
        "check_not_required",
        "Countersign's check is not required as it should be",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("administrator", "chair"),
        folds_by=(),
    ),
    Kind(
        "default_branch_changed",
        "The default branch of a repository was changed",
        Clause.PROD_RESTRICTED,
        owners=("administrator", "chair"),
        folds_by=(),
    ),
    Kind(
        "repository_unreadable",
        "A repository in scope cannot be read",
        Clause.PROD_RESTRICTED,
        timedelta(days=1),
        owners=("administrator", "chair"),
        folds_by=(),
    ),
    Kind(
        "log_channel_down",
        "The channel of production changes cannot be used",
        Clause.LOGGED,
        timedelta(days=1),
        owners=("administrator", "chair"),
        folds_by=(),
    ),
    Kind(
        "job_missed",
        "A detector did not run",
        Clause.COMPLIANCE,
        timedelta(days=1),
        owners=("administrator", "chair"),
        folds_by=(),
    ),
    Kind("meeting_missed", "Architecture meeting missed or without quorum", Clause.OVERSEEN, owners=("chair",), folds_by=()),
)
KINDS: dict[str, Kind] = {kind.code: kind for kind in _ALL}
