"""Frozen facts come back from their JSON, and today's rules are asked about them."""

import json
from dataclasses import replace

import pytest

from changes.gates.actions import gate_json
from changes.gates.facts import ApproverFact, ConditionFact, DecisionFact, FreezeFact, TrainingFact, WaiverFact
from changes.gates.loading import OldFacts, facts_from_json
from changes.gates.today import Difference, Today, is_present, today
from changes.gates.verdict import RULES_VERSION, evaluate, facts_digest, facts_json, outcome
from portal.policy.parameters import DEFAULT, Parameters
from tests.changes.gates import build
from tests.changes.gates.build import (
    ANN,
    BOB,
    CLEO,
    MIA,
    ON_MAIN,
    approval,
    change,
    draft,
    emergency,
    minute,
    pushed_past,
    sign_off,
    staged,
    unconfirmed,
)

EVERYTHING = change(
    approvals=(approval(), approval(lapsed="a new push", lapsed_at=50)),
    sign_offs=(sign_off(),),
    approvers=(ApproverFact(BOB), ApproverFact(CLEO, "is away")),
    deciders=("Cleo", "Mia"),
    decisions=(DecisionFact(4, "conditional", "digest", minute(5), CLEO, "Meeting 12", minute(9400), "edited", minute(6)),),
    training=(TrainingFact(ANN, True), TrainingFact(BOB, False, "has never signed the policy", minute(0))),
    waivers=(WaiverFact(CLEO, MIA, "nobody left", minute(9000), "digest", ON_MAIN, minute(50), minute(51)),),
    conditions=(ConditionFact(1, "Tell support", ANN, "merge", minute(55), BOB, "done", minute(54)),),
    freezes=(FreezeFact("Holidays", True, minute(0), minute(9), ("production",), (build.WEB,), minute(5), ("Bob", "Cleo")),),
)
FACTS = {
    "a whole change": change(),
    "everything": EVERYTHING,
    "an emergency": emergency(),
    "a push past the rules": pushed_past(),
    "a draft": draft(authorised_mergers=None, has_migration=None),
    "webhooks alone": unconfirmed(),
}


@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS.keys())
def test_facts_come_back_as_they_were(facts):
    kept = json.loads(json.dumps(facts_json(facts)))

    found = facts_from_json(kept)

    assert found == facts
    assert facts_digest(found) == facts_digest(facts)
    assert evaluate(found, DEFAULT) == evaluate(facts, DEFAULT)


def test_every_kind_of_fact_is_in_the_round_trip():
    empty = [name for name, value in vars(EVERYTHING).items() if value == ()]

    assert empty == ["direct_pushes"]  # which the case of a push past the rules has


def test_facts_from_before_a_field_was_known_take_its_default_and_dropped_ones_are_left_aside():
    kept = facts_json(change())
    for name in ("declared", "risk", "waivers", "freezes"):
        kept.pop(name)
    kept["weather"] = "fine"

    assert facts_from_json(kept) == change()


LACKING = {
    "a field": (lambda kept: kept.pop("size"), "ChangeFacts has no size"),
    "fields deep inside": (
        lambda kept: [kept["pull_requests"][0].pop(name) for name in ("head_sha", "author")],
        "PullRequestFact has no author, head_sha",
    ),
    "an object": (lambda kept: kept.update(requester="ann"), "Actor is no object"),
}


@pytest.mark.parametrize(("spoil", "words"), LACKING.values(), ids=LACKING.keys())
def test_facts_that_lack_something_say_what(spoil, words):
    kept = facts_json(change())
    spoil(kept)

    with pytest.raises(OldFacts, match=words):
        facts_from_json(kept)


def test_no_facts_are_no_facts():
    with pytest.raises(OldFacts, match="there are no facts"):
        facts_from_json(None)


def asked(facts, *, frozen=None, moment="release", parameters=DEFAULT):
    gates = [gate_json(gate) for gate in frozen or evaluate(facts, DEFAULT)]
    return today(
        moment=moment,
        frozen_outcome="compliant",
        gates=gates,
        facts=json.loads(json.dumps(facts_json(facts))),
        parameters=parameters,
    )


def test_the_same_rules_say_the_same():
    facts = change()

    assert asked(facts) == Today(RULES_VERSION, DEFAULT.version, outcome(evaluate(facts, DEFAULT), through=10), ())


def test_without_facts_the_rules_are_those_of_the_verdict():
    assert today(moment="merge", frozen_outcome="unproven", gates=[], facts=None) == Today(
        RULES_VERSION, DEFAULT.version, "unproven"
    )


def test_another_parameter_is_a_difference_with_its_reason():
    facts = change(approved_by="portal", approvals=(approval(),), sign_offs=(sign_off(),), releases=(staged(), build.release()))
    stricter = Parameters(version="2", approval_rules=(replace(DEFAULT.approval_rules[0], needed=2),))

    found = asked(facts, parameters=stricter)

    assert (found.policy_version, found.outcome) == ("2", "not_compliant")
    assert found.differences == (Difference(8, "approval", "Approval", "met", "failed", evaluate(facts, stricter)[7].reason),)
    assert found.as_json()["differences"][0]["frozen"] == "met"


def test_a_gate_that_was_not_judged_then_is_a_difference():
    found = asked(change(), frozen=evaluate(change(), DEFAULT)[:-1])

    assert [(one.code, one.frozen) for one in found.differences] == [("review_after", "not judged")]


def test_the_verdict_of_the_merge_is_judged_through_its_gates():
    facts = change(releases=(staged(),))

    assert asked(facts, moment="merge").outcome == outcome(evaluate(facts, DEFAULT), through=9)


def test_facts_that_cannot_be_read_are_a_problem_in_words():
    kept = facts_json(change())
    kept.pop("size")
    broken = {**facts_json(change()), "as_of": "yesterday"}

    without, wrong = (today(moment="merge", frozen_outcome="compliant", gates=[], facts=facts) for facts in (kept, broken))

    assert without.problem == "Today's rules cannot be asked about facts so old: ChangeFacts has no size."
    assert wrong.problem.startswith("Today's rules cannot be asked about facts so old: ")
    assert (without.outcome, without.differences) == ("", ())


def test_the_present_rules_are_told_from_others():
    assert is_present(RULES_VERSION, DEFAULT.version)
    assert not is_present("1", DEFAULT.version)
    assert not is_present(RULES_VERSION, "0")
