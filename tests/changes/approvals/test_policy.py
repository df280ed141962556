"""Delegations, conditions, waivers: every refusal with its words, and every boundary."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.approvals import policy
from changes.approvals.policy import Candidate, Span
from changes.delivery.actor import Actor
from changes.proposals.lifecycle import State
from portal.access.roles import Role
from portal.policy.approvals import APPROVAL_RULES, ApprovalRule, Need, need_of
from portal.policy.refusal import Refused, Stale

NOW = datetime(2026, 2, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
ANN = Actor("user:1", "Ann", person=1)
BOB = Actor("user:2", "Bob", person=2)
BOB_AT_THE_FORGE = Actor("github:2", "bob", person=2)
CLEO = Actor("user:3", "Cleo", person=3)


def said(check, **values):
    """What the check says against it; empty when nothing."""
    try:
        check(**values)
    except Refused as refused:
        return refused.why
    except Stale as stale:
        return f"stale: {stale}"
    return ""


NEEDS = {
    "nothing special": ({}, 1, ""),
    "DNS and access": ({"kind": "access"}, 2, "2 are needed for a change of DNS or access"),
    "high risk": ({"risk": "high"}, 2, "2 are needed for a change of high risk"),
    "both": (
        {"kind": "access", "risk": "high"},
        2,
        "2 are needed for a change of DNS or access and a change of high risk",
    ),
    "medium risk": ({"risk": "medium"}, 1, ""),
    "large, which a meeting decides": ({"size": "large"}, 1, ""),
    "for staging": ({"kind": "access", "environment": "staging"}, 1, ""),
    "an emergency, whatever it is": ({"kind": "access", "risk": "high", "emergency": True}, 1, ""),
}


@pytest.mark.parametrize(("values", "count", "words"), NEEDS.values(), ids=NEEDS.keys())
def test_how_many_approvals(values, count, words):
    found = need_of(APPROVAL_RULES, **{"kind": "database", "size": "normal", "risk": "", **values})

    assert (found.count, found.sentence) == (count, words)


def test_another_table_asks_for_other_numbers():
    rules = (ApprovalRule(2, "a database", kind="database"), ApprovalRule(3, "a large database", kind="database", size="large"))

    assert need_of(rules, kind="database", size="large", risk="") == Need(3, ("a large database",))
    assert need_of(rules, kind="database", size="normal", risk="") == Need(2, ("a database",))
    assert need_of(rules, kind="policy", size="large", risk="") == Need(1)
    assert need_of((), kind="policy", size="large", risk="") == Need(1)
    assert need_of((ApprovalRule(0),), kind="policy", size="large", risk="") == Need(1)
    assert need_of((ApprovalRule(2),), kind="policy", size="large", risk="").sentence == ""


SPANS = {
    "a week": (NOW, NOW + 7 * DAY, ""),
    "ninety days": (NOW, NOW + 90 * DAY, ""),
    "longer": (NOW, NOW + 90 * DAY + MOMENT, "A delegation lasts at most 90 days."),
    "backwards": (NOW + DAY, NOW, "The end lies before the beginning."),
    "no time at all": (NOW, NOW, "The end lies before the beginning."),
    "in the past": (NOW - MOMENT, NOW + DAY, "A delegation cannot begin in the past."),
}


@pytest.mark.parametrize(("start", "end", "why"), SPANS.values(), ids=SPANS.keys())
def test_when_a_delegation_may_be(start, end, why):
    assert said(policy.check_span, span=Span(start, end), at=NOW, longest=90 * DAY) == why


def test_spans_that_only_touch_do_not_meet():
    day = Span(NOW, NOW + DAY)

    assert day.meets(Span(NOW + DAY - MOMENT, NOW + 2 * DAY))
    assert not day.meets(Span(NOW + DAY, NOW + 2 * DAY))
    assert not day.meets(Span(NOW - DAY, NOW))


MAKERS = {
    "oneself": ((True, (), True), ""),
    "oneself, without the right": ((True, (Role.ENGINEER,), False), "Only people who may approve hand approvals over."),
    "the chair for somebody": ((False, (Role.CHAIR,), True), ""),
    "somebody else": ((False, (Role.APPROVER, Role.ARCHITECT), True), "Only Bob or the chair can do that."),
}


@pytest.mark.parametrize(("values", "why"), MAKERS.values(), ids=MAKERS.keys())
def test_who_makes_a_delegation(values, why):
    by_self, roles, may = values

    assert said(policy.check_maker, absent="Bob", by_self=by_self, roles=roles, may_hand_over=may) == why


PAIRS = {
    "both may": ({}, ""),
    "to oneself": ({"same": True}, "Nobody stands in for themselves."),
    "nothing to hand over": ({"absent_may": False}, "Bob may not approve changes, so there is nothing to hand over."),
    "not at the beginning": ({"delegate_may": (False, True)}, "Dev may not approve changes at the beginning of that time."),
    "not at the end": ({"delegate_may": (True, False)}, "Dev may not approve changes at the end of that time."),
}


@pytest.mark.parametrize(("values", "why"), PAIRS.values(), ids=PAIRS.keys())
def test_who_stands_in_for_whom(values, why):
    standard = {"absent": "Bob", "delegate": "Dev", "same": False, "absent_may": True, "delegate_may": (True, True)}

    assert said(policy.check_pair, **standard | values) == why


CHAINS = {
    "nobody else": ({}, ""),
    "handed over already": ({"handed_over": True}, "Somebody stands in for Bob in that time already."),
    "the delegate is away": ({"away": "Cleo"}, "Dev is away in that time, and Cleo stands in. A delegation is not handed on."),
    "the absent stands in": ({"standing_in": "Cleo"}, "Bob stands in for Cleo in that time. A delegation is not handed on."),
}


@pytest.mark.parametrize(("values", "why"), CHAINS.values(), ids=CHAINS.keys())
def test_a_delegation_is_not_handed_on(values, why):
    standard = {"absent": "Bob", "delegate": "Dev", "away": "", "standing_in": "", "handed_over": False}

    assert said(policy.check_no_chain, **standard | values) == why


BEHALF = {
    "handed over": ({}, ""),
    "not handed over": ({"delegated": False}, "Bob has not handed approvals over to you for this time."),
    "the absent contributed": (
        {"contributors": (BOB_AT_THE_FORGE,)},
        "Bob took part in this change, so nobody approves it on behalf of Bob.",
    ),
    "the absent asked": ({"requester": BOB}, "Bob took part in this change, so nobody approves it on behalf of Bob."),
}


@pytest.mark.parametrize(("values", "why"), BEHALF.values(), ids=BEHALF.keys())
def test_on_whose_behalf(values, why):
    standard = {"absent": BOB, "delegated": True, "contributors": (CLEO,), "requester": ANN}

    assert said(policy.check_on_behalf, **standard | values) == why


FREE, BUSY = Candidate(BOB, ""), Candidate(CLEO, "contributed to it")


@pytest.mark.parametrize(
    ("need", "given", "candidates", "missing"),
    [
        (1, 0, (FREE,), 0),
        (1, 0, (BUSY,), 1),
        (1, 0, (), 1),
        (1, 1, (), 0),
        (2, 0, (FREE,), 1),
        (2, 1, (FREE, BUSY), 0),
        (2, 1, (BUSY,), 1),
        (2, 3, (), 0),
    ],
)
def test_how_many_nobody_is_left_to_give(need, given, candidates, missing):
    assert policy.missing_approvers(need=Need(need), given=given, candidates=candidates) == missing


LATER = "A waiver is decided while a change is in review."
WAIVERS = {
    "nobody is left": ({}, ""),
    "approved already, in part": ({"state": State.APPROVED}, ""),
    "somebody can": ({"missing": 0, "free": ("Bob", "Dev")}, "Bob and Dev can approve it."),
    "it has enough": ({"missing": 0}, "It has the approvals that it needs."),
    "a draft": ({"state": State.DRAFT}, LATER),
    "a draft emergency": ({"state": State.DRAFT, "emergency": True, "head_sha": ""}, ""),
    "merged": ({"state": State.MERGED}, LATER),
    "a merged emergency": ({"state": State.MERGED, "emergency": True}, ""),
    "released": ({"state": State.RELEASED}, LATER),
    "a released emergency": ({"state": State.RELEASED, "emergency": True}, LATER),
    "rolled back": ({"state": State.ROLLED_BACK}, LATER),
    "closed": ({"state": State.CLOSED}, LATER),
    "withdrawn": ({"state": State.WITHDRAWN}, LATER),
    "no commit": ({"head_sha": ""}, "There is no commit to approve yet."),
}


@pytest.mark.parametrize(("values", "why"), WAIVERS.values(), ids=WAIVERS.keys())
def test_when_a_waiver_may_be(values, why):
    standard = {"state": State.PROPOSED, "missing": 1, "free": (), "emergency": False, "head_sha": "a" * 40}

    assert said(policy.check_waiver, **standard | values) == why


TEXTS = {
    "a reason and a day": (("Nobody else is there", NOW + DAY), ""),
    "the last day": (("Nobody", NOW + 90 * DAY), ""),
    "later": (("Nobody", NOW + 90 * DAY + MOMENT), "The review of a waiver is due within 90 days."),
    "at once": (("Nobody", NOW), "The review of a waiver is due within 90 days."),
    "no reason": ((" \n", NOW + DAY), "A waiver needs a reason."),
}


@pytest.mark.parametrize(("values", "why"), TEXTS.values(), ids=TEXTS.keys())
def test_what_a_waiver_says(values, why):
    assert said(policy.check_waiver_text, reason=values[0], review_at=values[1], at=NOW, longest=90 * DAY) == why


def test_chair_and_compliance_sign_once_each():
    assert policy.check_signer(roles={Role.CHAIR}, signed=[Role.COMPLIANCE]) == Role.CHAIR
    assert policy.check_signer(roles={Role.COMPLIANCE}, signed=[]) == Role.COMPLIANCE
    assert said(policy.check_signer, roles={Role.CHAIR}, signed=[Role.CHAIR]) == "stale: The chair has signed this waiver already."
    for role in set(Role) - {Role.CHAIR, Role.COMPLIANCE}:
        assert "chair and the compliance manager decide" in said(policy.check_signer, roles={role}, signed=[])


def test_one_of_the_two_took_no_part():
    check = policy.check_one_took_no_part

    assert said(check, signers=(BOB, CLEO), contributors=(BOB_AT_THE_FORGE,), requester=ANN) == ""
    assert (
        said(check, signers=(BOB, ANN), contributors=(BOB_AT_THE_FORGE,), requester=ANN) == "Both of you took part in this change."
    )


@pytest.mark.parametrize(
    ("steps", "to_confirm", "state"),
    [
        ((), False, "open"),
        (("fulfilled",), False, "done"),
        (("fulfilled",), True, "to_confirm"),
        (("fulfilled", "sent_back"), True, "open"),
        (("fulfilled", "sent_back", "fulfilled"), True, "to_confirm"),
        (("fulfilled", "confirmed"), True, "done"),
    ],
)
def test_where_a_condition_stands(steps, to_confirm, state):
    assert policy.progress(steps=steps, to_confirm=to_confirm) == state


CONDITIONS = {
    "whole": ({}, ""),
    "no words": ({"text": " "}, "A condition needs words."),
    "due now": ({"due_at": NOW}, "A condition cannot be due in the past."),
    "an owner who cannot": ({"owner_may": False}, "Rex does not work with changes."),
}


@pytest.mark.parametrize(("values", "why"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_what_a_condition_says(values, why):
    standard = {"text": "Watch it", "owner": "Rex", "owner_may": True, "due_at": NOW + MOMENT, "at": NOW}

    assert said(policy.check_condition, **standard | values) == why


GONE = "stale: The approval with this condition no longer counts, and the condition neither."
FULFILLING = {
    "by its owner": ({}, ""),
    "by somebody else": ({"is_owner": False}, "The condition belongs to Ann."),
    "done already": ({"state": "done"}, "stale: Somebody has said that this condition is done already."),
    "waits to be confirmed": ({"state": "to_confirm"}, "stale: Somebody has said that this condition is done already."),
    "the approval is gone": ({"standing": False}, GONE),
    "without a note": ({"note": ""}, "Say how it was done."),
}


@pytest.mark.parametrize(("values", "why"), FULFILLING.values(), ids=FULFILLING.keys())
def test_fulfilling_a_condition(values, why):
    standard = {"owner": "Ann", "is_owner": True, "standing": True, "state": "open", "note": "done"}

    assert said(policy.check_fulfilling, **standard | values) == why


CONFIRMING = {
    "by who set it": ({}, ""),
    "by somebody else": ({"may_confirm": False}, "Bob set this condition and confirms it."),
    "by who did it": ({"did_it": True}, "You have done it yourself."),
    "not done yet": ({"state": "open"}, "stale: There is nothing to confirm here any more."),
    "confirmed already": ({"state": "done"}, "stale: There is nothing to confirm here any more."),
    "the approval is gone": ({"standing": False}, GONE),
    "sent back with words": ({"kind": "sent_back", "note": "the alarm is missing"}, ""),
    "sent back without words": ({"kind": "sent_back"}, "Say what is missing."),
}


@pytest.mark.parametrize(("values", "why"), CONFIRMING.values(), ids=CONFIRMING.keys())
def test_confirming_a_condition(values, why):
    standard = {
        "set_by": "Bob",
        "may_confirm": True,
        "did_it": False,
        "standing": True,
        "state": "to_confirm",
        "note": "",
        "kind": "confirmed",
    }

    assert said(policy.check_confirming, **standard | values) == why
