"""Everybody involved is trained: a part of gate 8, silent while there is no course. And who is involved."""

import pytest

from changes.gates.explain import looked_at
from changes.gates.facts import TrainingFact
from changes.gates.gate import Code
from changes.gates.rules.approving import approval
from changes.gates.trained import involved
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import (
    ANN,
    BOB,
    BOB_IN_PORTAL,
    CLEO,
    MIA,
    change,
    emergency,
    judged,
    merged,
    minute,
    promotion,
    sign_off,
)
from tests.changes.gates.build import approval as word

NEVER = "has never signed the policy"
CONNECTED = change().connected | {"training"}
YES, NO = TrainingFact(ANN, True), TrainingFact(BOB, False, NEVER, minute(0))

CASES = {
    "nobody is asked": (change(), "met", ""),
    "one is trained": (change(training=(YES,), connected=CONNECTED), "met", "the one person involved is trained"),
    "all are trained": (change(training=(YES, YES), connected=CONNECTED), "met", "the 2 people involved are trained"),
    "one is not, before the merge": (
        change(training=(YES, NO), connected=CONNECTED, pull_requests=(merged(), promotion()), releases=()),
        "waiting",
        "not everybody involved is trained: bob has never signed the policy (since 2026-02-02 09:00 UTC)",
    ),
    "one was not, at the merge": (
        change(training=(TrainingFact(BOB, False, NEVER), TrainingFact(ANN, False, NEVER)), connected=CONNECTED),
        "failed",
        "bob has never signed the policy; ann has never signed the policy",
    ),
    "an emergency does not wait": (emergency(training=(NO,), connected=CONNECTED), "met", ""),
}


@pytest.mark.parametrize(("facts", "state", "words"), CASES.values(), ids=CASES.keys())
def test_what_the_gate_says_about_training(facts, state, words):
    found = judged(approval, facts)

    assert found[0] == state
    assert words in found[1]


def test_who_is_to_take_the_course_is_named_and_the_clause_is():
    one = approval(CASES["one is not, before the merge"][0], DEFAULT)
    both = approval(
        change(training=(NO,), connected=CONNECTED, pull_requests=(merged(), promotion()), releases=(), approved_by="portal"),
        DEFAULT,
    )
    two = approval(change(training=(NO, NO), connected=CONNECTED, pull_requests=(merged(), promotion()), releases=()), DEFAULT)

    assert (one.clause, one.who) == ("P-28", "bob takes the course on the policy, under Training.")
    assert "take the course" in two.who
    assert both.clause != "P-28"
    assert "not everybody involved is trained" in both.reason
    assert [item.ref for item in one.evidence][-1] == "training:"


def test_a_policy_without_a_course_leaves_it_in_doubt():
    assert approval(change(training=(YES,)), DEFAULT).doubt == "The policy in force has no course yet, so nobody is trained on it."
    assert approval(change(training=(YES,), connected=CONNECTED), DEFAULT).doubt == ""


def test_the_facts_behind_it_are_told():
    told = looked_at(Code.APPROVAL, change(training=(YES, NO), connected=CONNECTED))

    assert told[-2:] == ["ann is trained.", "bob has never signed the policy."]


def test_who_is_involved():
    facts = change(requester=CLEO, approvals=(word(by=BOB_IN_PORTAL), word(by=MIA, lapsed="a new push")), sign_offs=(sign_off(),))

    assert {actor.name for actor in involved(facts)} == {"ann", "cleo", "bob", "Bob Brown", "Mia"}
