"""What stands around approvals, in the gates: nobody left, waivers, conditions before the merge, the release, and afterwards."""

import pytest

from changes.gates.facts import ApproverFact, ConditionFact, WaiverFact
from changes.gates.rules.approving import approval
from changes.gates.rules.producing import release, review_after
from changes.gates.verdict import allow, evaluate, outcome
from portal.policy.approvals import ApprovalRule
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    ANN,
    BOB_IN_PORTAL,
    CLEO,
    MIA,
    OLD,
    ON_MAIN,
    ON_PROD,
    change,
    draft,
    emergency,
    hotfix,
    judged,
    merged,
    minute,
    promotion,
    pushed_past,
    with_parameters,
)
from tests.changes.gates.build import approval as word

SUBJECT = "acme/web#18 at ccccccc"
OPEN = {"approved_by": "portal", "pull_requests": (merged(), promotion()), "releases": (build.staged(),)}
AWAY = ApproverFact(CLEO, "is away until 3 March, Dev stands in")
MAKER = ApproverFact(ANN)
LEFT = f"{SUBJECT}: nobody is left who may approve it"


def waiver(head=ON_MAIN, at=45, **more):
    values = {
        "chair": CLEO,
        "compliance": MIA,
        "reason": "Only Ann may approve",
        "review_at": minute(10_000),
        "revision_digest": "digest",
        "head_sha": head,
        "decided_at": minute(at),
    }
    return WaiverFact(**{**values, **more})


BY = (
    "passed by a waiver of cleo (chair) and Mia (compliance manager) at 2026-02-02 09:45 UTC,"
    " because nobody was left who may approve"
)
TWO = with_parameters(approval_rules=(ApprovalRule(2),))
NOBODY = {
    "who approves is not known": (change(**OPEN), DEFAULT, "waiting", f"{SUBJECT}: not approved for production yet."),
    "somebody is there": (
        change(**OPEN, approvers=(MAKER, ApproverFact(BOB_IN_PORTAL))),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: not approved for production yet.",
    ),
    "everybody took part or is away": (
        change(**OPEN, approvers=(MAKER, AWAY)),
        DEFAULT,
        "waiting",
        f"{LEFT} (0 of 1 approvals): ann took part and cleo is away until 3 March, Dev stands in.",
    ),
    "nobody holds the role": (
        change(**OPEN, approvers=()),
        DEFAULT,
        "waiting",
        f"{LEFT} (0 of 1 approvals): nobody holds a role that may.",
    ),
    "one of two has approved": (
        change(**OPEN, approvers=(MAKER, ApproverFact(BOB_IN_PORTAL)), approvals=(word(),)),
        TWO,
        "waiting",
        f"{LEFT} (1 of 2 approvals): ann took part and Bob Brown has approved.",
    ),
    "somebody asked for changes": (
        change(**OPEN, approvers=(MAKER,), approvals=(word(verdict="no"),)),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: Bob Brown asked for changes.",
    ),
    "a review would do": (
        change(**{**OPEN, "approved_by": "review", "pull_requests": (merged(), promotion(reviews=()))}, approvers=(MAKER,)),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: not approved for production yet.",
    ),
    "merged without any": (
        change(approved_by="portal", approvers=(MAKER,)),
        DEFAULT,
        "failed",
        f"{SUBJECT}: merged to prod at 2026-02-02 10:00 UTC without an approval.",
    ),
    "waived": (change(**OPEN, waivers=(waiver(),)), DEFAULT, "met", f"{SUBJECT}: {BY}."),
    "waived before the merge": (change(approved_by="portal", waivers=(waiver(),)), DEFAULT, "met", f"{SUBJECT}: {BY}."),
    "waived after the merge": (
        change(approved_by="portal", waivers=(waiver(at=61),)),
        DEFAULT,
        "failed",
        f"{SUBJECT}: merged to prod at 2026-02-02 10:00 UTC without an approval.",
    ),
    "waived and taken back": (
        change(**OPEN, waivers=(waiver(ended_at=minute(50)),)),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: not approved for production yet.",
    ),
    "waived, and ended after the merge": (
        change(approved_by="portal", waivers=(waiver(ended_at=minute(61)),)),
        DEFAULT,
        "met",
        f"{SUBJECT}: {BY}.",
    ),
    "waived for another commit": (
        change(**OPEN, waivers=(waiver(head=OLD), waiver(head=""))),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: not approved for production yet.",
    ),
    "waived for another text": (
        change(**OPEN, waivers=(waiver(revision_digest="older"),)),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: not approved for production yet.",
    ),
    "waived although somebody asked for changes": (
        change(**OPEN, waivers=(waiver(),), approvals=(word(verdict="no"),)),
        DEFAULT,
        "waiting",
        f"{SUBJECT}: Bob Brown asked for changes.",
    ),
    "waived for the rest": (
        change(**OPEN, waivers=(waiver(),), approvals=(word(),)),
        TWO,
        "met",
        f"{SUBJECT}: approved by Bob Brown in the portal at 2026-02-02 09:45 UTC; for the rest {BY}.",
    ),
}


@pytest.mark.parametrize(("facts", "parameters", "state", "reason"), NOBODY.values(), ids=NOBODY.keys())
def test_where_nobody_is_left_the_gate_says_so_and_a_waiver_passes_it(facts, parameters, state, reason):
    assert judged(approval, facts, parameters) == (state, reason)


BARE = (hotfix(reviews=()),)
EMERGENCIES = {
    "nobody left": (
        emergency(pull_requests=BARE, releases=(), approvers=(MAKER,)),
        "waiting",
        "Emergency: nobody is left in the portal who may give the +1: ann took part.",
    ),
    "waived": (
        emergency(pull_requests=BARE, waivers=(waiver(head=build.HEAD),)),
        "met",
        f"Emergency: {BY}.",
    ),
    "waived for another text": (
        emergency(pull_requests=BARE, waivers=(waiver(head=build.HEAD, revision_digest="older"),)),
        "met",
        f"Emergency: {BY}.",
    ),
    "waived before there was a commit": (draft(category="emergency", waivers=(waiver(head=""),)), "met", f"Emergency: {BY}."),
    "waived before there was a commit, which came": (
        emergency(pull_requests=BARE, waivers=(waiver(head=""),)),
        "met",
        f"Emergency: {BY}.",
    ),
    "waived after the release": (
        emergency(pull_requests=BARE, waivers=(waiver(head="", at=66),)),
        "failed",
        "Emergency: it was released at 2026-02-02 10:05 UTC without a +1 by somebody else.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), EMERGENCIES.values(), ids=EMERGENCIES.keys())
def test_the_same_for_an_emergency(facts, state, reason):
    assert judged(approval, facts) == (state, reason)


def test_it_names_who_can_do_what():
    ordinary = approval(change(**OPEN, approvers=(MAKER,), deciders=("Cleo", "Mia")), DEFAULT)
    urgent = approval(emergency(pull_requests=BARE, releases=(), approvers=(MAKER,)), DEFAULT)

    assert ordinary.who == (
        "Chair and compliance manager (Cleo and Mia) decide together on a waiver, on the change's page;"
        " or somebody else is given the right to approve."
    )
    assert urgent.who.endswith(
        "Chair and compliance manager decide together on a waiver, on the change's page;"
        " or somebody else is given the right to approve."
    )
    assert [item.ref for item in ordinary.evidence][-1] == "waiver:needed"
    assert [item.ref for item in urgent.evidence][-1] == "waiver:needed"


def test_a_waiver_is_never_proof():
    facts = change(approved_by="portal", sign_offs=(build.sign_off(),), waivers=(waiver(),))
    waived = evaluate(facts, DEFAULT)

    assert waived[7].doubt.startswith("Passed by a waiver, not by an approval; it is reviewed until 2026-02-09")
    assert outcome(waived, through=9) == "unproven"


def condition(before="merge", state="open", **more):
    values = {
        "number": 5,
        "text": "Watch the\nqueue",
        "owner": ANN,
        "before": before,
        "due_at": minute(80),
        "set_by": BOB_IN_PORTAL,
        "state": state,
        "done_at": None,
    }
    return ConditionFact(**{**values, **more})


APPROVED = {**OPEN, "approvals": (word(),)}
NAMED = "Condition of Bob Brown “Watch the queue”"
BOBS = f"{SUBJECT}: approved by Bob Brown in the portal at 2026-02-02 09:45 UTC"
BEFORE_MERGE = {
    "open": (change(**APPROVED, conditions=(condition(),)), "waiting", f"{NAMED} is not done yet."),
    "to be confirmed": (
        change(**APPROVED, conditions=(condition(state="to_confirm"),)),
        "waiting",
        f"{NAMED} is not confirmed yet.",
    ),
    "done": (
        change(**APPROVED, conditions=(condition(state="done", done_at=minute(50)),)),
        "met",
        f"{BOBS}; {NAMED}: done.",
    ),
    "its approval lapsed": (change(**APPROVED, conditions=(condition(ended_at=minute(50)),)), "met", f"{BOBS}."),
    "for later": (change(**APPROVED, conditions=(condition("release"), condition("after"))), "met", f"{BOBS}."),
    "merged with it open": (
        change(approvals=(word(),), approved_by="portal", conditions=(condition(),)),
        "failed",
        f"{NAMED} is not done.",
    ),
    "done in the second of the merge": (
        change(
            approvals=(word(),),
            approved_by="portal",
            conditions=(condition(state="done", done_at=minute(build.MERGED_TO_PROD)),),
        ),
        "met",
        f"{BOBS}; {NAMED}: done.",
    ),
    "done after the merge": (
        change(approvals=(word(),), approved_by="portal", conditions=(condition(state="done", done_at=minute(61)),)),
        "failed",
        f"{NAMED} is not done.",
    ),
    "its approval lapsed after the merge": (
        change(approvals=(word(),), approved_by="portal", conditions=(condition(ended_at=minute(61)),)),
        "failed",
        f"{NAMED} is not done.",
    ),
    "pushed past": (
        pushed_past(category="emergency", direct_pushes=(build.push(),), approvals=(word(head=""),), conditions=(condition(),)),
        "failed",
        f"{NAMED} is not done.",
    ),
    "long words": (
        change(**APPROVED, conditions=(condition(text="x" * 100),)),
        "waiting",
        f"Condition of Bob Brown “{'x' * 79}…” is not done yet.",
    ),
}


@pytest.mark.parametrize(("facts", "state", "reason"), BEFORE_MERGE.values(), ids=BEFORE_MERGE.keys())
def test_conditions_before_the_merge_belong_to_gate_8(facts, state, reason):
    assert judged(approval, facts) == (state, reason)


def test_an_open_condition_names_who_does_what():
    todo = approval(change(**APPROVED, conditions=(condition(),)), DEFAULT)
    confirm = approval(change(**APPROVED, conditions=(condition(state="to_confirm"),)), DEFAULT)

    assert todo.who == "ann does it until 2026-02-02 10:20 UTC and says so on the change's page."
    assert confirm.who == "Bob Brown confirms it on the change's page."
    assert "condition:5" in [item.ref for item in todo.evidence]


def test_conditions_before_the_release_hold_gate_10_and_the_deploy():
    merged_only = change(releases=(build.staged(),), conditions=(condition("release"),))
    gate = release(merged_only, DEFAULT)

    assert (gate.state, gate.held) == ("waiting", True)
    assert gate.reason.endswith(f"{NAMED} is not done yet.")
    decision = allow(evaluate(merged_only, DEFAULT), "production", ON_PROD)
    assert not decision.allow
    assert any(NAMED in reason for reason in decision.reasons)
    done = change(releases=(build.staged(),), conditions=(condition("release", state="done", done_at=minute(61)),))
    assert allow(evaluate(done, DEFAULT), "production", ON_PROD).allow


def test_before_the_merge_a_condition_of_the_release_holds_nothing():
    assert not release(change(**APPROVED, conditions=(condition("release"),)), DEFAULT).held


def test_released_with_an_open_condition_is_a_failure():
    late = change(conditions=(condition("release"),))

    assert judged(release, late) == ("failed", f"{NAMED} is not done.")


AFTER = {
    "open": (condition("after", due_at=minute(100)), "waiting", f"{NAMED} is not done yet."),
    "overdue": (condition("after", due_at=minute(80)), "failed", f"{NAMED} is not done."),
    "done in time": (condition("after", state="done", done_at=minute(80), due_at=minute(80)), "met", f"{NAMED}: done."),
    "done too late": (
        condition("after", state="done", done_at=minute(81), due_at=minute(80)),
        "failed",
        f"{NAMED}: done at 2026-02-02 10:21 UTC, but it was due 2026-02-02 10:20 UTC.",
    ),
}


@pytest.mark.parametrize(("item", "state", "words"), AFTER.values(), ids=AFTER.keys())
def test_conditions_afterwards_belong_to_gate_12(item, state, words):
    found, reason = judged(review_after, change(conditions=(item,)))

    assert found == state
    assert reason.endswith(words)
