"""Why a gate says what it says: rule, parameters, facts, and what would have to happen."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from changes.gates.actions import gate_json
from changes.gates.explain import (
    MOST,
    NOTHING,
    PARAMETERS_USED,
    RULES_IN_WORDS,
    WORDS_OF,
    Explanation,
    Used,
    explanation,
    kept_about,
    looked_at,
    used_by,
    value_of,
)
from changes.gates.facts import ConditionFact, DecisionFact, FreezeFact, WaiverFact
from changes.gates.gate import Code
from changes.gates.rules import RULES
from portal.policy.approvals import ApprovalRule
from portal.policy.parameters import DEFAULT, Parameters
from tests.changes.gates import build
from tests.changes.gates.build import (
    ANN,
    BOB,
    CLEO,
    MIA,
    ON_MAIN,
    ROBOT,
    approval,
    change,
    check,
    draft,
    emergency,
    merged,
    minute,
    promoted,
    pull_request,
    pushed_past,
    review,
    sign_off,
    staged,
    written,
)

FREEZE = FreezeFact("Holidays", True, minute(0), minute(60), ("production",), (build.WEB,))
WAIVER = WaiverFact(CLEO, MIA, "nobody left", minute(9000), "digest", ON_MAIN, minute(50))
DECISION = DecisionFact(4, "approved", "digest", minute(5), CLEO, "Meeting 12", minute(9400))
CONDITION = ConditionFact(1, "Tell support", ANN, "merge", minute(55), BOB, "open")


@pytest.mark.parametrize("code", list(Code))
def test_every_gate_has_its_rule_in_words_and_its_parameters_have_names(code):
    assert RULES_IN_WORDS[code].endswith(".")
    assert set(PARAMETERS_USED[code]) <= set(WORDS_OF) & {field.name for field in fields(Parameters)}


def explain(gate, facts, parameters):
    """As it is kept, and read again."""
    return explanation({**gate_json(gate), **kept_about(gate.code, facts, used_by(parameters))}, policy_version=parameters.version)


@pytest.mark.parametrize("code", list(Code))
def test_a_whole_change_is_explained(code):
    facts = change()
    gate = RULES[code](facts, DEFAULT)

    found = explain(gate, facts, DEFAULT)

    assert found.rule == RULES_IN_WORDS[code]
    assert [one.name for one in found.parameters] == list(PARAMETERS_USED[code])
    assert found.looked_at
    assert all(sentence.endswith(".") for sentence in found.looked_at)
    assert found.next == (gate.who or NOTHING)
    assert found.policy_version == DEFAULT.version


def test_what_would_have_to_happen_is_who_can_do_what():
    facts = change(pull_requests=(pull_request(reviews=()),))
    gate = RULES[Code.REVIEW](facts, DEFAULT)

    assert explain(gate, facts, DEFAULT) == Explanation(
        RULES_IN_WORDS[Code.REVIEW],
        (Used("ai_co_authors", "Machines that count as contributors", value_of(DEFAULT.ai_co_authors)),),
        ("acme/web#17 is open, head bbbbbbb; its commits are by ann.", "acme/web#17 has no review."),
        "Anybody but ann can review acme/web#17 at bbbbbbb.",
        DEFAULT.version,
    )


# Gate, facts, and the sentences that say what was looked at.
LOOKS = {
    "a draft without a word": (
        Code.PROPOSAL,
        draft(why="", what="", tested="", rollback=""),
        [
            "Revision 3 is called “Raise the memory of web”.",
            "It says nothing else.",
            "Its category is standard; it was opened by form.",
        ],
    ),
    "a description": (
        Code.PROPOSAL,
        change(),
        [
            "Revision 3 is called “Raise the memory of web”.",
            "It says why, what, how it was tested and how to undo it.",
            "Its category is standard; it was opened by pull request.",
        ],
    ),
    "the size, with meetings": (Code.DECISION, change(), ["Its size is normal.", "Meetings are kept in the portal."]),
    "the size, without meetings": (
        Code.DECISION,
        change(size="large", connected=frozenset()),
        ["Its size is large.", "Meetings are not kept in the portal yet."],
    ),
    "the size, with decisions": (
        Code.DECISION,
        change(size="large", decisions=(DECISION, replace(DECISION, number=5, meeting="", digest="old", lapsed="edited"))),
        [
            "Its size is large.",
            "Meetings are kept in the portal.",
            "Decision 4 of Meeting 12 approved it at 2026-02-02 09:05 UTC, until 2026-02-08 21:40 UTC, on the present text.",
            "Decision 5 of a written vote approved it at 2026-02-02 09:05 UTC, until 2026-02-08 21:40 UTC, on an earlier text;"
            " it lapsed: edited.",
        ],
    ),
    "no pull request": (Code.PULL_REQUEST, draft(), ["No pull request is linked."]),
    "a push past the rules": (
        Code.PULL_REQUEST,
        pushed_past(),
        ["dev pushed aaaaaaa to prod of acme/web at 2026-02-02 09:50 UTC."],
    ),
    "pull requests": (
        Code.PULL_REQUEST,
        change(pull_requests=(pull_request(), merged(number=16, merged_by=None), promoted())),
        [
            "acme/web#17 (work into main) is open, head bbbbbbb.",
            "acme/web#16 (work into main) is merged at 2026-02-02 09:20 UTC as ccccccc, head bbbbbbb.",
            "acme/web#18 (promotion into prod) is merged at 2026-02-02 10:00 UTC by bob as ddddddd, head ccccccc.",
        ],
    ),
    "reviews": (
        Code.REVIEW,
        change(pull_requests=(pull_request(reviews=(review(), review(by=ROBOT, at=None, state="changes_requested"))),)),
        [
            "acme/web#17 is open, head bbbbbbb; its commits are by ann.",
            "bob: approved on bbbbbbb at 2026-02-02 09:10 UTC.",
            "renovate[bot] (a bot): changes requested on bbbbbbb at a time that is not known.",
        ],
    ),
    "checks, with none required": (
        Code.CI,
        change(pull_requests=(pull_request(required_checks=(), checks=(check(at=None, status="queued", conclusion=""),)),)),
        ["acme/web#17 is open, head bbbbbbb.", "main requires no check.", "tests on bbbbbbb: queued."],
    ),
    "checks, with some required": (
        Code.CI,
        change(pull_requests=(pull_request(required_checks=("lint", "tests"), checks=(check("Countersign", "failure"), check())),)),
        [
            "acme/web#17 is open, head bbbbbbb.",
            "main requires lint and tests.",
            "tests on bbbbbbb: success at 2026-02-02 09:15 UTC.",
        ],
    ),
    "checks, with the rules not read": (
        Code.CI,
        change(pull_requests=(pull_request(checks=()),)),
        ["acme/web#17 is open, head bbbbbbb.", "The checks that main requires have not been read."],
    ),
    "the way back": (
        Code.ROLLBACK,
        change(snapshot="nightly-7", data_loss="None.", target_release="web v11", has_migration=True),
        [
            "How to undo it is said in revision 3.",
            "It goes back to web v11.",
            "A snapshot is named.",
            "What data is lost is said.",
            "It has a migration. Its kind is application.",
        ],
    ),
    "no way back": (
        Code.ROLLBACK,
        change(rollback="", has_migration=None),
        [
            "How to undo it is not said in revision 3.",
            "A snapshot is not named.",
            "What data is lost is not said.",
            "The changed paths have not been read. Its kind is application.",
        ],
    ),
    "nothing in staging": (
        Code.STAGING,
        change(releases=(), approved_by="portal"),
        ["Its category is standard; approvals are given in the portal alone.", "No release of it to staging is known."],
    ),
    "staging": (
        Code.STAGING,
        change(releases=(staged(), staged(state="failed", succeeded=None, label="r0", began=20)), sign_offs=(sign_off(),)),
        [
            "Its category is standard; approvals are given in the portal or by an approving review.",
            "r0 of ccccccc to staging: failed.",
            "r1 of ccccccc to staging: succeeded at 2026-02-02 09:30 UTC.",
            "Mia signed ccccccc off at 2026-02-02 09:35 UTC.",
        ],
    ),
    "approvals in the portal": (
        Code.APPROVAL,
        change(
            approved_by="portal",
            risk="high",
            approvals=(
                approval(lapsed="a new push", lapsed_at=50),
                replace(approval(head="", at=51), via="slack", on_behalf_of="Cleo"),
            ),
            waivers=(WAIVER, replace(WAIVER, ended_at=minute(58))),
            conditions=(CONDITION, replace(CONDITION, number=2, before="after")),
        ),
        [
            "It is standard, of size normal, kind application and high risk.",
            "Approvals are given in the portal alone.",
            "ann took part in it.",
            "Bob Brown: yes on ccccccc by portal at 2026-02-02 09:45 UTC; it lapsed: a new push.",
            "Bob Brown for Cleo: yes on no commit yet by slack at 2026-02-02 09:51 UTC.",
            "cleo and Mia decided on a waiver at 2026-02-02 09:50 UTC.",
            "cleo and Mia decided on a waiver at 2026-02-02 09:50 UTC; it has ended.",
            "Training is not connected: the policy in force has no course.",
            "Condition 1 of bob: open.",
        ],
    ),
    "approvals by review": (
        Code.APPROVAL,
        change(),
        [
            "It is standard, of size normal, kind application and unknown risk.",
            "Approvals are given in the portal or by an approving review.",
            "ann took part in it.",
            "bob on acme/web#18: approved on ccccccc.",
            "Training is not connected: the policy in force has no course.",
        ],
    ),
    "the merge": (
        Code.MERGE,
        change(freezes=(FREEZE, replace(FREEZE, name="Sale", hard=False, overridden_at=minute(5), overridden_by=("Bob", "Cleo")))),
        [
            "acme/web#18 is merged at 2026-02-02 10:00 UTC by bob as ddddddd, head ccccccc.",
            "On the list of authorised mergers: bob and cleo.",
            "Freeze Holidays (hard): 2026-02-02 09:00 UTC to 2026-02-02 10:00 UTC.",
            "Freeze Sale (soft): 2026-02-02 09:00 UTC to 2026-02-02 10:00 UTC, overridden by Bob and Cleo.",
        ],
    ),
    "the merge, with nobody on the list": (
        Code.MERGE,
        draft(pull_requests=(promoted(merged_at=None),), authorised_mergers=()),
        ["acme/web#18 is merged, head ccccccc.", "On the list of authorised mergers: nobody."],
    ),
    "the merge, without a list": (
        Code.MERGE,
        draft(pull_requests=(promoted(merged_at=None),), authorised_mergers=None),
        ["acme/web#18 is merged, head ccccccc.", "No list of authorised mergers has been approved."],
    ),
    "no release": (
        Code.RELEASE,
        draft(conditions=(replace(CONDITION, before="release", state="to_confirm", ended_at=minute(9)),)),
        ["No release of it to production is known.", "Condition 1 of bob: to confirm; it ended with its approval."],
    ),
    "a release": (
        Code.RELEASE,
        change(),
        [
            "acme/web#18 is merged at 2026-02-02 10:00 UTC by bob as ddddddd, head ccccccc.",
            "r2 of ddddddd to production: succeeded at 2026-02-02 10:10 UTC.",
        ],
    ),
    "the log": (
        Code.LOG,
        change(),
        ["Slack feeds the portal.", "r2 of ddddddd to production: succeeded at 2026-02-02 10:10 UTC."],
    ),
    "the log without Slack": (Code.LOG, draft(connected=frozenset()), ["Slack does not feed the portal."]),
    "no review afterwards": (Code.REVIEW_AFTER, draft(review_due_at=None), ["No review has been written."]),
    "reviews afterwards": (
        Code.REVIEW_AFTER,
        emergency(reviews_after=(written(kind="retrospective", by=CLEO, outcome="partly"),)),
        [
            "The post-implementation review is due 2026-02-09 07:40 UTC.",
            "The retrospective review is due 2026-02-05 20:20 UTC.",
            "cleo wrote the retrospective review at 2026-02-02 10:20 UTC: partly.",
        ],
    ),
}


@pytest.mark.parametrize(("code", "facts", "sentences"), LOOKS.values(), ids=LOOKS.keys())
def test_what_a_gate_looks_at(code, facts, sentences):
    assert looked_at(code, facts) == sentences


def test_many_facts_are_counted():
    many = tuple(check(f"check {number}") for number in range(30))
    found = looked_at(Code.CI, change(pull_requests=(pull_request(checks=many),)))

    assert len(found) == MOST + 1
    assert found[-1] == "And 12 more."


VALUES = {
    "a number": (800, "800"),
    "nothing": ("", "none"),
    "yes": (True, "yes"),
    "no": (False, "no"),
    "days": (timedelta(days=2), "2 days"),
    "a day": (timedelta(hours=24), "1 day"),
    "hours": (timedelta(hours=5), "5 hours"),
    "minutes": (timedelta(minutes=15), "15 minutes"),
    "a minute": (timedelta(minutes=1), "1 minute"),
    "seconds": (timedelta(seconds=61), "61 seconds"),
    "no time": (timedelta(0), "none"),
    "patterns": (("a/", "*.b"), "a/; *.b"),
    "no patterns": ((), "none"),
    "a table": ((ApprovalRule(1), ApprovalRule(2, "a change of high risk")), "1 for every change; 2 for a change of high risk"),
    "rules": (DEFAULT.large_rules[:2], "a new infrastructure app; a new third-party integration"),
}


@pytest.mark.parametrize(("value", "words"), VALUES.values(), ids=VALUES.keys())
def test_a_parameter_in_words(value, words):
    assert value_of(value) == words


def test_nothing_that_a_gate_looks_at_depends_on_the_clock():
    for code in Code:
        assert looked_at(code, change()) == looked_at(code, change(as_of=minute(50_000)))
