"""The verdict: twelve gates together, in words, frozen, and as the answer of the deploy gate."""

import json
from dataclasses import replace

import pytest

from changes.gates.facts import GateState
from changes.gates.gate import Code
from changes.gates.rules import RULES
from changes.gates.verdict import (
    AT_MERGE,
    AT_RELEASE,
    evaluate,
    facts_digest,
    facts_json,
    letters,
    outcome,
    summary,
)
from portal.ledger.canonical import canonical
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    ANN,
    CLEO,
    OLD,
    ON_MAIN,
    change,
    check,
    draft,
    emergency,
    merged,
    minute,
    promoted,
    promotion,
    pull_request,
    pushed_past,
    staged,
    unconfirmed,
)

THIS_RELEASE = frozenset()
"""What is connected in the first release of the portal: none of the later sources."""


def of(facts):
    return evaluate(facts, DEFAULT)


WHOLE = {
    "everything right": (change(), "mnmmmmmmmmfm"),
    "everything right, in the first release": (change(connected=THIS_RELEASE, authorised_mergers=None), "mnmmmmmmcmcm"),
    "a proposal before any code": (draft(connected=THIS_RELEASE), "mnwwwmwwwwcw"),
    "work under review": (
        change(pull_requests=(pull_request(reviews=()),), releases=(), connected=THIS_RELEASE),
        "mnmwmmwwwwcw",
    ),
    "promotion ready": (
        change(pull_requests=(merged(), promotion()), releases=(staged(),), connected=THIS_RELEASE),
        "mnmmmmmmwwcw",
    ),
    "an emergency": (emergency(connected=THIS_RELEASE, authorised_mergers=None), "mnmmmmnmcmcm"),
    "a push past everything": (
        pushed_past(why="", what="", tested="", rollback="", connected=THIS_RELEASE),
        "fnffffffffcw",
    ),
    "large": (change(size="large", connected=THIS_RELEASE), "mcmmmmmmmmcm"),
}


@pytest.mark.parametrize(("facts", "expected"), WHOLE.values(), ids=WHOLE.keys())
def test_letters_of_a_whole_change(facts, expected):
    assert letters(of(facts)) == expected


def test_evaluate_asks_every_rule_once_and_in_order():
    assert [gate.code for gate in of(change())] == [str(code) for code in Code]
    assert list(RULES) == list(Code)


def test_evaluate_gives_the_same_for_the_same():
    assert of(change()) == of(change())


@pytest.mark.parametrize("facts", [facts for facts, _ in WHOLE.values()], ids=WHOLE.keys())
def test_every_gate_says_one_sentence_and_every_open_one_says_who(facts):
    for gate in of(facts):
        assert gate.reason.endswith(".")
        assert not gate.reason.endswith("..")
        assert bool(gate.who) == (gate.state not in (GateState.MET, GateState.NOT_NEEDED))


def test_nothing_is_met_when_nothing_is_known():
    blank = pull_request(
        head_sha="",
        reviews=(),
        checks=(),
        contributors=(),
        merged_at=None,
        merged_by=None,
        merge_sha="",
        base="prod",
        confirmed=False,
    )
    facts = change(
        category="",
        size="large",
        title="",
        why="",
        what="",
        tested="",
        rollback="",
        has_migration=None,
        pull_requests=(replace(blank, state="merged"),),
        releases=(),
        reviews_after=(),
        review_due_at=None,
        authorised_mergers=None,
        connected=THIS_RELEASE,
    )

    assert [gate.code for gate in of(facts) if gate.state == GateState.MET] == ["pull_request"]
    assert letters(of(facts)) == "wcmwcwwwwwcw"


def test_what_only_webhooks_said_is_met_with_the_words_and_never_proof():
    gates = of(unconfirmed())
    from_the_forge = [gate for gate in gates if gate.code not in ("decision", "log", "review_after")]

    assert {gate.state for gate in from_the_forge} == {GateState.MET}
    assert {gate.confirmed for gate in from_the_forge} == {False}
    assert all("(reported, not confirmed yet)" in gate.reason for gate in from_the_forge)
    assert outcome(gates, through=AT_MERGE) == "unproven"


OUTCOMES = {
    "proven at the merge": (change(), AT_MERGE, "compliant"),
    "proven at the release": (change(), AT_RELEASE, "compliant"),
    "no log message": (change(), 12, "not_compliant"),
    "a gate waits": (change(pull_requests=(merged(), promotion())), 12, "unproven"),
    "a gate is not connected": (change(connected=THIS_RELEASE, authorised_mergers=None), AT_MERGE, "unproven"),
    "one failed": (change(pull_requests=(merged(reviews=()), promoted())), AT_MERGE, "not_compliant"),
    "failed only later than asked": (change(pull_requests=(merged(), promoted(merge_sha=OLD))), AT_MERGE, "compliant"),
    "accounts that nobody knows the people of": (
        change(pull_requests=(merged(), promoted(author=build.Actor("github:77", "bo-dev")))),
        AT_MERGE,
        "unproven",
    ),
    "an emergency that did what it must": (emergency(), AT_RELEASE, "compliant"),
}


@pytest.mark.parametrize(("facts", "through", "expected"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_outcome(facts, through, expected):
    assert outcome(of(facts), through=through) == expected


def test_no_gates_prove_nothing():
    assert outcome([]) == "unproven"


NOTHING_LATER = "Not connected: authorised merge and log message in Slack."
SUMMARIES = {
    "not reviewed, not green": (
        change(pull_requests=(merged(), promotion(reviews=(), checks=(check(commit=ON_MAIN, status="queued", conclusion=""),)))),
        ("warn", "Not ready: 3 gates open.", "Waiting for review, CI and production approval."),
    ),
    "one gate open": (
        change(pull_requests=(merged(), promotion()), approved_by="portal", sign_offs=(build.sign_off(),)),
        ("warn", "Not ready: 1 gate open.", "Waiting for production approval."),
    ),
    "checks that nobody knows of": (
        change(pull_requests=(merged(), promotion(checks=())), connected=THIS_RELEASE),
        ("warn", "Not ready: 1 gate open.", "Not connected: CI and log message in Slack."),
    ),
    "ready for production": (
        change(pull_requests=(merged(), promotion())),
        ("ok", "Ready for production.", "Waiting for authorised merge."),
    ),
    "ready, with sources that come later": (
        change(pull_requests=(merged(), promotion()), size="large", connected=THIS_RELEASE),
        (
            "ok",
            "Ready for production.",
            "Waiting for authorised merge. Not connected: decision of the meeting and log message in Slack.",
        ),
    ),
    "merged, waiting for its release": (
        change(releases=(staged(),), reviews_after=(), as_of=minute(61)),
        ("warn", "Not ready: 3 gates open.", "Waiting for release, log message in Slack and review afterwards."),
    ),
    "failed": (
        change(pull_requests=(merged(reviews=()), promotion())),
        ("bad", "Not compliant: 1 gate failed.", "Failed: review."),
    ),
    "failed, and more to come": (
        change(pull_requests=(merged(reviews=()), promotion(reviews=()))),
        ("bad", "Not compliant: 1 gate failed.", "Failed: review. Waiting for production approval."),
    ),
    "everything that can be judged": (
        change(connected=THIS_RELEASE, authorised_mergers=None),
        ("ok", "Every gate that can be judged is met.", NOTHING_LATER),
    ),
}


@pytest.mark.parametrize(("facts", "expected"), SUMMARIES.values(), ids=SUMMARIES.keys())
def test_summary(facts, expected):
    assert summary(of(facts)) == expected


def test_summary_when_everything_is_met():
    gates = [gate for gate in of(change()) if gate.state in (GateState.MET, GateState.NOT_NEEDED)]

    assert summary(gates) == ("ok", "All gates are met.", "")


def test_facts_are_kept_as_plain_json_and_their_digest_can_be_checked():
    kept = json.loads(json.dumps(facts_json(change())))

    assert kept == facts_json(change())
    assert kept["as_of"] == "2026-02-02T10:30:00+00:00"
    assert kept["connected"] == ["fly", "meetings", "mergers", "slack"]
    assert kept["pull_requests"][0]["author"] == {"account": "github:1", "name": "ann", "person": 1, "bot": False}
    assert canonical(kept) == canonical(facts_json(change()))


def test_the_digest_is_that_of_the_facts_and_of_nothing_else():
    assert facts_digest(change()) == facts_digest(change())
    assert facts_digest(change()) != facts_digest(change(rollback="Another way."))
    assert facts_digest(change(connected=frozenset({"fly", "slack"}))) == facts_digest(
        change(connected=frozenset({"slack", "fly"}))
    )
    assert facts_digest(change(requester=CLEO)) != facts_digest(change(requester=ANN))
