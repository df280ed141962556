"""Gate 2 as a table: which large change has a decision that counts for its present text before it is implemented."""

import pytest

from changes.gates.facts import DecisionFact
from changes.gates.rules.deciding import decision, implemented_at, standing
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import CLEO, MERGED_TO_MAIN, NOW, change, minute, pull_request

KEPT = frozenset({"meetings"})
OPEN = (pull_request(),)
MERGED = (pull_request(state="merged", merged_at=minute(MERGED_TO_MAIN), merge_sha=build.ON_MAIN),)
DIGEST = change().revision_digest


def decided(at=5, outcome="approved", number=4, digest=DIGEST, **more):
    return DecisionFact(number, outcome, digest, minute(at), CLEO, **{"meeting": "Meeting 12", **more})


def large(*decisions, prs=OPEN, **more):
    return change(size="large", connected=KEPT, pull_requests=prs, decisions=decisions, **more)


CASES = {
    "not large": (change(connected=KEPT), "not_needed", "The change is not large, so no meeting has to decide it."),
    "an emergency": (
        large(category="emergency"),
        "not_needed",
        "An emergency goes before the meeting; its retrospective review looks at it.",
    ),
    "meetings not kept here": (
        change(size="large", connected=frozenset()),
        "not_connected",
        "Not connected: the change is large, and architecture meetings are not kept in the portal yet.",
    ),
    "not decided, not begun": (large(), "waiting", "The change is large and no meeting has decided revision 3."),
    "not decided, merged to main": (
        large(prs=MERGED),
        "failed",
        "The change is large and no meeting has decided revision 3, and it was merged at 2026-02-02 09:20 UTC.",
    ),
    "approved": (large(decided()), "met", "Decision 4 of Meeting 12 approved it at 2026-02-02 09:05 UTC."),
    "approved with conditions": (
        large(decided(outcome="conditional")),
        "met",
        "Decision 4 of Meeting 12 approved it with conditions at 2026-02-02 09:05 UTC.",
    ),
    "approved by written vote": (
        large(decided(meeting="")),
        "met",
        "Decision 4 approved it at 2026-02-02 09:05 UTC.",
    ),
    "approved while meetings are no longer kept": (
        change(size="large", connected=frozenset(), pull_requests=OPEN, decisions=(decided(),)),
        "met",
        "Decision 4 of Meeting 12 approved it at 2026-02-02 09:05 UTC.",
    ),
    "approved in the minute of the merge": (
        large(decided(at=MERGED_TO_MAIN), prs=MERGED),
        "met",
        "Decision 4 of Meeting 12 approved it at 2026-02-02 09:20 UTC.",
    ),
    "approved after the merge": (
        large(decided(at=MERGED_TO_MAIN + 1), prs=MERGED),
        "failed",
        "Decision 4 of Meeting 12 came at 2026-02-02 09:21 UTC, after the merge at 2026-02-02 09:20 UTC.",
    ),
    "rejected": (large(decided(outcome="rejected")), "waiting", "Decision 4 of Meeting 12 rejected it at 2026-02-02 09:05 UTC."),
    "deferred": (large(decided(outcome="deferred")), "waiting", "Decision 4 of Meeting 12 deferred it at 2026-02-02 09:05 UTC."),
    "approved, then rejected": (
        large(decided(), decided(at=8, outcome="rejected", number=5)),
        "waiting",
        "Decision 5 of Meeting 12 rejected it at 2026-02-02 09:08 UTC.",
    ),
    "rejected, then approved": (
        large(decided(outcome="rejected"), decided(at=8, number=5)),
        "met",
        "Decision 5 of Meeting 12 approved it at 2026-02-02 09:08 UTC.",
    ),
    "about an earlier text": (
        large(decided(digest="0" * 64)),
        "waiting",
        "Decision 4 of Meeting 12 was about an earlier text than revision 3.",
    ),
    "lapsed by an edit": (
        large(decided(lapsed="the proposal was edited: revision 4", lapsed_at=minute(9))),
        "waiting",
        "Decision 4 of Meeting 12 no longer counts: the proposal was edited: revision 4.",
    ),
    "lapsed after the merge": (
        large(decided(lapsed="it held until", lapsed_at=minute(MERGED_TO_MAIN + 1)), prs=MERGED),
        "met",
        "Decision 4 of Meeting 12 approved it at 2026-02-02 09:05 UTC.",
    ),
    "over by its time": (
        large(decided(expires_at=minute(NOW))),
        "waiting",
        "Decision 4 of Meeting 12 held until 2026-02-02 10:30 UTC.",
    ),
    "not yet over": (
        large(decided(expires_at=minute(NOW + 1))),
        "met",
        "Decision 4 of Meeting 12 approved it at 2026-02-02 09:05 UTC.",
    ),
    "over before the merge": (
        large(decided(expires_at=minute(10)), prs=MERGED),
        "failed",
        "Decision 4 of Meeting 12 held until 2026-02-02 09:10 UTC, and it was merged at 2026-02-02 09:20 UTC.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), CASES.values(), ids=CASES.keys())
def test_decision_gate(facts, state, reason):
    gate = decision(facts, DEFAULT)

    assert (str(gate.state), gate.reason) == (state, reason)
    assert gate.who or state in ("met", "not_needed")


def test_a_push_past_the_pull_requests_is_late():
    facts = change(size="large", connected=KEPT, pull_requests=(), opened_by="portal")

    assert str(decision(facts, DEFAULT).state) == "failed"


def test_it_is_implemented_from_its_first_merge_on():
    later = pull_request(number=18, state="merged", merged_at=minute(40), merge_sha=build.ON_PROD)

    assert implemented_at(large(prs=(*MERGED, later))) == minute(MERGED_TO_MAIN)
    assert implemented_at(large()) is None
    assert standing(large(), until=None) is None
