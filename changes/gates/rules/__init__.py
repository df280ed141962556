"""The twelve rules, in the order of the policy. Each is a pure function of facts and parameters."""

from collections.abc import Callable

from changes.gates.facts import ChangeFacts
from changes.gates.gate import Code, Gate
from changes.gates.rules.approving import approval
from changes.gates.rules.checking import ci, ci_finding
from changes.gates.rules.deciding import decision
from changes.gates.rules.producing import log, merge, release, review_after
from changes.gates.rules.proposing import proposal, pull_request, rollback
from changes.gates.rules.reviewing import review, review_finding
from changes.gates.rules.staging import staging, staging_finding
from portal.policy.parameters import Parameters

RULES: dict[Code, Callable[[ChangeFacts, Parameters], Gate]] = {
    Code.PROPOSAL: proposal,
    Code.DECISION: decision,
    Code.PULL_REQUEST: pull_request,
    Code.REVIEW: review,
    Code.CI: ci,
    Code.ROLLBACK: rollback,
    Code.STAGING: staging,
    Code.APPROVAL: approval,
    Code.MERGE: merge,
    Code.RELEASE: release,
    Code.LOG: log,
    Code.REVIEW_AFTER: review_after,
}

__all__ = ["RULES", "ci_finding", "review_finding", "staging_finding"]
