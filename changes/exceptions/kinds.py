"""The kinds of exceptions: clause, clock, and what each is called. Unknown kinds are an error, never silence. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from portal.policy.clauses import Clause


@dataclass(frozen=True)
class Kind:
    """One kind: its code, its words, the clause that it breaks, and how long somebody has to answer it."""

    code: str
    label: str
    clause: Clause
    answer_within: timedelta = timedelta(days=2)


_ALL = (
    Kind("no_review", "Merged without a review", Clause.REVIEWED),
    Kind("stale_approval", "Merged on a review of an older commit", Clause.REVIEWED),
    Kind("self_approval", "Approved by somebody who contributed", Clause.REVIEWED),
    Kind("changes_requested", "Merged although changes were requested", Clause.REVIEWED),
    Kind("failed_ci_merged", "Merged with failed checks", Clause.CI_PASSES),
    Kind("ci_missing_merged", "Merged without its required checks", Clause.CI_PASSES),
    Kind("no_staging", "Merged to production without staging", Clause.STAGING_FIRST),
    Kind("unapproved_production", "Merged to production without approval", Clause.ACCESS_RESTRICTED),
    Kind("direct_push", "Pushed without a pull request", Clause.STARTS_AS_PULL_REQUEST),
    Kind("force_push", "History was rewritten", Clause.PROD_RESTRICTED),
    Kind("branch_deleted", "A restricted branch was deleted", Clause.PROD_RESTRICTED),
    Kind("protection_weakened", "A branch rule was weakened", Clause.PROD_RESTRICTED, timedelta(days=1)),
    Kind("ruleset_deleted", "A ruleset was deleted", Clause.PROD_RESTRICTED, timedelta(days=1)),
    Kind("access_granted_outside_process", "Access was granted outside the process", Clause.ACCESS_RESTRICTED),
    Kind("unknown_release", "A release of a commit that nobody merged", Clause.DEPLOYED_THROUGH_FLY, timedelta(days=1)),
)
KINDS: dict[str, Kind] = {kind.code: kind for kind in _ALL}
