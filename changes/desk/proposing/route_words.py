"""What each gate will ask for, in a sentence, before there is anything to judge. Pure."""

from collections.abc import Callable
from datetime import timedelta

from changes.gates.facts import GateState
from changes.gates.gate import Code, Gate
from changes.proposals.classification import EMERGENCY, Classification
from portal.policy.approvals import Need
from portal.policy.parameters import Parameters

Words = Callable[[Classification, Need, Parameters], str]


def need(code: Code, gate: Gate, *, found: Classification, wanted: Need, parameters: Parameters) -> str:
    """What gate ``code`` asks for. Texts are judged as they stand; what comes later is announced."""
    if gate.state in (GateState.MET, GateState.NOT_NEEDED) or code in JUDGED_NOW:
        return gate.reason
    return ANNOUNCED[code](found, wanted, parameters)


def _decision(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return f"The architecture meeting decides it before the work begins. {' '.join(found.size_reasons)}"


def _pull_request(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return "A pull request that names the change in its title, branch or description joins by itself."


def _review(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return "Somebody who made none of its commits approves the pull request, at its last commit."


def _ci(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return "Every required check is green on the commit that is merged."


def _staging(found: Classification, wanted: Need, parameters: Parameters) -> str:
    soak = f", stays there for {_long(parameters.staging_soak)}" if parameters.staging_soak else ""
    sign_off = " and a tester signs it off" if parameters.sign_off_needed else ""
    return f"The same commit is released to staging{soak}{sign_off}."


def _approval(found: Classification, wanted: Need, parameters: Parameters) -> str:
    minutes = _long(parameters.fresh_sign_in_within)
    if found.category == EMERGENCY:
        return "One +1 by somebody else, at the latest when the release begins."
    people = "One approval" if wanted.count == 1 else f"{wanted.count} approvals"
    why = f": {wanted.sentence}" if wanted.sentence else ""
    return f"{people} by people who took no part, for this text and that commit, signed in within {minutes}{why}."


def _merge(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return "Somebody on the list of authorised mergers merges it to prod."


def _release(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return "Fly releases the very commit that was merged."


def _log(found: Classification, wanted: Need, parameters: Parameters) -> str:
    return f"The portal writes it into the channel of changes within {_long(parameters.log_within)}."


def _review_after(found: Classification, wanted: Need, parameters: Parameters) -> str:
    after = f"A review within {_days(parameters.review_within_working_days)} after the release"
    if found.category != EMERGENCY:
        return f"{after}: one question when all went well."
    return f"{after}, and a retrospective review by somebody else within {_days(parameters.retrospective_within_working_days)}."


def _days(count: int) -> str:
    return f"{count} working {'day' if count == 1 else 'days'}"


def _long(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes % 60 == 0 and minutes:
        return f"{minutes // 60} {'hour' if minutes == 60 else 'hours'}"
    return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"


JUDGED_NOW = frozenset({Code.PROPOSAL, Code.ROLLBACK})
"""Gates about texts: what they say about what stands in the form is what they will say."""
ANNOUNCED: dict[Code, Words] = {
    Code.DECISION: _decision,
    Code.PULL_REQUEST: _pull_request,
    Code.REVIEW: _review,
    Code.CI: _ci,
    Code.STAGING: _staging,
    Code.APPROVAL: _approval,
    Code.MERGE: _merge,
    Code.RELEASE: _release,
    Code.LOG: _log,
    Code.REVIEW_AFTER: _review_after,
}
