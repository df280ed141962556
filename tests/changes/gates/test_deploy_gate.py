"""The deploy gate: closed on any doubt, open when the policy is kept."""

import pytest

from changes.gates.verdict import Decision, allow, decide, evaluate
from portal.policy.parameters import DEFAULT
from tests.changes.gates import build
from tests.changes.gates.build import (
    BOB,
    DEV,
    HEAD,
    OLD,
    ON_MAIN,
    ON_PROD,
    STRANGER,
    change,
    check,
    emergency,
    hotfix,
    merged,
    promoted,
    promotion,
    pull_request,
    pushed_past,
    staged,
    unconfirmed,
)

NOTHING_CONNECTED = frozenset()


def of(facts):
    return evaluate(facts, DEFAULT)


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
    facts = change(connected=NOTHING_CONNECTED, authorised_mergers=None, size="large")

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
