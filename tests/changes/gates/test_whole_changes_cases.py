"""All twelve gates at once: situations of a change against the letters of its strip, and which gate is ever not needed."""

import pytest

from changes.gates.facts import GateState
from changes.gates.gate import Code
from changes.gates.verdict import evaluate, letters
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import (
    approval,
    change,
    check,
    draft,
    emergency,
    hotfix,
    merged,
    promotion,
    pull_request,
    pushed_past,
    sign_off,
    staged,
    unconfirmed,
)

ALONE = {"releases": (), "reviews_after": ()}
IN_STAGING = {"releases": (staged(),), "reviews_after": ()}
POOR = pull_request(reviews=(), checks=(check(conclusion="failure"),))
SIGNED = {"approved_by": "portal", "sign_offs": (sign_off(),)}

# Proposal, decision, pull request, review, CI, rollback, staging, approval, merge, release, log, review afterwards:
# m met, w waiting, f failed, n not needed, c not connected.
CASES = {
    "a draft": (draft(), "mnwwwmwwwwww"),
    "work open, reviewed and green": (change(pull_requests=(pull_request(),), **ALONE), "mnmmmmwwwwww"),
    "work open, neither": (change(pull_requests=(POOR,), **ALONE), "mnmwwmwwwwww"),
    "work closed": (change(pull_requests=(pull_request(state="closed"),), **ALONE), "mnwwwmwwwwww"),
    "only a back merge": (change(pull_requests=(merged(role="back_merge"),), **ALONE), "mnwwwmwwwwww"),
    "work merged to main": (change(pull_requests=(merged(),), **ALONE), "mnmmmmwwwwww"),
    "work in staging": (change(pull_requests=(merged(),), **IN_STAGING), "mnmmmmmwwwww"),
    "promotion open": (change(pull_requests=(merged(), promotion()), **IN_STAGING), "mnmmmmmmwwww"),
    "in prod, not released": (change(**IN_STAGING), "mnmmmmmmmwww"),
    "released, not reviewed afterwards": (change(reviews_after=()), "mnmmmmmmmmfw"),
    "all done but the message": (change(), "mnmmmmmmmmfm"),
    "all done, by webhooks alone": (unconfirmed(), "mnmmmmmmmmfm"),
    "all done, approved in the portal": (change(approvals=(approval(),), **SIGNED), "mnmmmmmmmmfm"),
    "not approved in the portal": (change(**SIGNED), "mnmmmmmfmmfm"),
    "nothing connected": (change(connected=frozenset(), authorised_mergers=None), "mnmmmmmmcmcm"),
    "large, not decided": (change(size="large"), "mfmmmmmmmmfm"),
    "large, meetings kept elsewhere": (change(size="large", connected=frozenset()), "mcmmmmmmmmcm"),
    "an emergency, open": (emergency(pull_requests=(pull_request(base="prod", number=44),), **ALONE), "mnmmmmnmwwww"),
    "an emergency, all done": (emergency(), "mnmmmmnmmmfm"),
    "a large emergency": (emergency(size="large"), "mnmmmmnmmmfm"),
    "an emergency without +1": (emergency(pull_requests=(hotfix(reviews=()),)), "mnmfmmnfmmfm"),
    "an emergency that only the portal declared": (emergency(declared=False), "mnmmmmfmmmfm"),
    "pushed past the pull requests": (pushed_past(), "mnfffmffffww"),
    "pushed past in an emergency": (pushed_past(category="emergency"), "mnfffmnfffww"),
}


@pytest.mark.parametrize(("facts", "strip"), CASES.values(), ids=CASES.keys())
def test_a_whole_change(facts, strip):
    assert letters(evaluate(facts, DEFAULT)) == strip


def test_only_the_decision_and_staging_are_ever_not_needed():
    judged = [gate for facts, _ in CASES.values() for gate in evaluate(facts, DEFAULT)]

    assert {gate.code for gate in judged if gate.state == GateState.NOT_NEEDED} == {Code.DECISION, Code.STAGING}
