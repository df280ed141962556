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
    Decision,
    allow,
    decide,
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
    BOB,
    CLEO,
    DEV,
    HEAD,
    OLD,
    ON_MAIN,
    ON_PROD,
    STRANGER,
    change,
    check,
    draft,
    emergency,
    hotfix,
    merged,
    minute,
    promoted,
    promotion,
    pull_request,
    pushed_past,
    review,
    staged,
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


def unconfirmed():
    """Everything right, as webhooks alone told it."""
    reviews, checks = (review(confirmed=False),), (check(confirmed=False),)
    on_main = (review(commit=ON_MAIN, at=40, confirmed=False),), (check(commit=ON_MAIN, at=41, confirmed=False),)
    return change(
        pull_requests=(
            merged(reviews=reviews, checks=checks, confirmed=False),
            promoted(reviews=on_main[0], checks=on_main[1], confirmed=False),
        ),
        releases=(staged(confirmed=False), build.release(confirmed=False)),
    )


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


def failing(code):
    """The complete change with one thing missing, so that exactly this gate is open or failed."""
    return {
        "proposal": change(why="", what="", tested=""),
        "decision": change(size="large"),
        "review": change(pull_requests=(merged(reviews=()), promoted())),
        "ci": change(pull_requests=(merged(checks=(check(conclusion="failure"),)), promoted())),
        "rollback": change(rollback=""),
        "staging": change(releases=(build.release(),)),
        "approval": change(requester=BOB),
        "merge": change(pull_requests=(merged(), promoted(merged_by=DEV))),
    }[code]


@pytest.mark.parametrize("code", ["proposal", "decision", "review", "ci", "rollback", "staging", "approval", "merge"])
def test_production_is_closed_by_every_gate_before_it(code):
    decision = allow(of(failing(code)), "production", ON_PROD)
    gate = next(gate for gate in of(failing(code)) if gate.code == code)

    assert decision == Decision(False, (f"{gate.name}: {gate.reason}",))


def test_production_is_open_when_the_nine_gates_are():
    assert allow(of(change()), "production", ON_PROD) == Decision(True, ())


def test_what_comes_after_the_deploy_does_not_close_production():
    facts = change(releases=(staged(),), reviews_after=())

    assert allow(of(facts), "production", ON_PROD) == Decision(True, ())


def test_sources_that_come_later_are_noted_and_do_not_close_production():
    facts = change(connected=THIS_RELEASE, authorised_mergers=None, size="large")

    decision = allow(of(facts), "production", ON_PROD)

    assert decision.allow
    assert [note.partition(":")[0] for note in decision.notes] == ["Decision", "Merge"]


def test_checks_that_nobody_knows_of_close_production():
    decision = allow(of(change(pull_requests=(merged(checks=()), promoted()))), "production", ON_PROD)

    assert [reason.partition(":")[0] for reason in decision.reasons] == ["CI"]


def test_a_stranger_among_the_contributors_closes_production():
    decision = allow(of(change(pull_requests=(merged(contributors=(STRANGER,)), promoted()))), "production", ON_PROD)

    assert [reason.partition(":")[0] for reason in decision.reasons] == ["Review", "Approval"]


def test_what_only_webhooks_said_is_noted():
    decision = allow(of(unconfirmed()), "production", ON_PROD)

    assert (decision.allow, len(decision.notes)) == (True, 8)


COMMITS = {
    "the merged one": (ON_PROD, True),
    "its first seven digits": (ON_PROD[:7], True),
    "its first six digits": (ON_PROD[:6], False),
    "nothing": ("", False),
    "the head of the promotion": (ON_MAIN, False),
    "another": (OLD, False),
}


@pytest.mark.parametrize(("commit", "allowed"), COMMITS.values(), ids=COMMITS.keys())
def test_production_takes_the_merged_commit_only(commit, allowed):
    assert allow(of(change()), "production", commit).allow == allowed


def test_a_wrong_commit_is_named():
    assert allow(of(change()), "production", OLD).reasons == ("aaaaaaa is not what the change merged.",)
    assert allow(of(change()), "production", "").reasons == ("The commit is not what the change merged.",)


def test_a_change_that_is_not_merged_goes_nowhere():
    decision = allow(of(change(pull_requests=(merged(), promotion()))), "production", ON_MAIN)

    assert decision.reasons == ("ccccccc is not what the change merged.", "Merge: acme/web#18 is not merged yet.")


def test_a_push_past_everything_goes_nowhere():
    assert not allow(of(pushed_past()), "production", OLD).allow


def test_a_gate_that_was_not_judged_closes_production():
    gates = [gate for gate in of(change()) if gate.code != "ci"]

    assert allow(gates, "production", ON_PROD).reasons == ("The gate CI was not judged.",)
    assert not allow([], "production", ON_PROD).allow


EMERGENCIES = {
    "with the +1": (emergency(rollback="", why="", what="", tested="", releases=()), True, ["Proposal", "Rollback plan"]),
    "with red checks": (emergency(pull_requests=(hotfix(checks=(check(conclusion="failure"),)),), releases=()), True, ["CI"]),
    "without the +1": (emergency(pull_requests=(hotfix(reviews=()),), releases=()), False, []),
}


@pytest.mark.parametrize(("facts", "allowed", "noted"), EMERGENCIES.values(), ids=EMERGENCIES.keys())
def test_one_plus_one_opens_production_for_an_emergency(facts, allowed, noted):
    decision = allow(of(facts), "production", ON_PROD)

    assert (decision.allow, [note.partition(":")[0] for note in decision.notes]) == (allowed, noted)


STAGING = {
    "reviewed and green": (change(pull_requests=(merged(),), releases=()), ON_MAIN, True),
    "whatever its promotion lacks": (
        change(pull_requests=(merged(), promotion(reviews=(), checks=())), releases=()),
        ON_MAIN,
        True,
    ),
    "by a short commit": (change(pull_requests=(merged(),)), ON_MAIN[:7], True),
    "not reviewed": (change(pull_requests=(merged(reviews=()),)), ON_MAIN, False),
    "red": (change(pull_requests=(merged(checks=(check(conclusion="failure"),)),)), ON_MAIN, False),
    "not merged": (change(pull_requests=(pull_request(),)), HEAD, False),
    "another commit": (change(pull_requests=(merged(),)), OLD, False),
    "the commit on prod": (change(), ON_PROD, False),
    "no commit": (change(), "", False),
}


@pytest.mark.parametrize(("facts", "commit", "allowed"), STAGING.values(), ids=STAGING.keys())
def test_staging_takes_what_was_merged_to_main_with_review_and_green_checks(facts, commit, allowed):
    assert decide(facts, DEFAULT, environment="staging", commit=commit).allow == allowed


def test_decide_for_production_is_allow_over_the_gates():
    assert decide(change(), DEFAULT, environment="production", commit=ON_PROD) == allow(of(change()), "production", ON_PROD)


def test_development_is_not_gated():
    assert allow((), "development", "") == Decision(True, (), ("Development is not gated by the policy.",))


@pytest.mark.parametrize("environment", ["", "prod", "PRODUCTION", "preview"])
def test_an_environment_that_the_policy_does_not_know_is_closed(environment):
    named = environment or "The environment"

    assert allow(of(change()), environment, ON_PROD) == Decision(False, (f"{named} is no environment that the policy knows.",))


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
