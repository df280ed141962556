"""How many words make an approved change, and what ends that; what lapses and what stands."""

from dataclasses import replace
from datetime import timedelta

import pytest

from changes.approvals import actions
from changes.delivery.models import PullRequest
from changes.gates.actions import reassess
from changes.proposals import actions as proposals
from changes.proposals import queries
from changes.proposals.models import Approval, ApprovalLapse, Change
from portal.policy.approvals import ApprovalRule
from portal.policy.parameters import DEFAULT
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import AT, TEXTS, approve, kinds, seen, waiting_change
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def dev():
    return person("Dev")


@pytest.fixture
def change(ann):
    return waiting_change(ann)


@pytest.fixture
def two_needed(monkeypatch):
    """The policy in force asks for two approvals."""
    rules = (ApprovalRule(2, "everything"),)
    monkeypatch.setattr(queries, "parameters_at", lambda at: replace(DEFAULT, approval_rules=rules))


def state(change):
    return Change.objects.get(pk=change.pk).state


def test_one_of_two_leaves_it_in_review_and_two_of_two_approve_it(two_needed, change, bob, dev):
    approve(change, bob)
    assert state(change) == "proposed"
    second = approve(change, dev)
    assert state(change) == "approved"

    proposals.withdraw_approval(approval=second, by=dev, at=AT)

    assert state(change) == "proposed"
    assert kinds(change)[-2:] == ["approval.lapsed", "change.lapse"]


def test_a_third_word_that_goes_changes_nothing(change, bob, dev):
    approve(change, bob)
    second = approve(change, dev)

    proposals.withdraw_approval(approval=second, by=dev, at=AT)

    assert state(change) == "approved"


def test_a_no_beside_a_yes_keeps_it_in_review_until_it_is_taken_back(change, bob, dev):
    no = approve(change, dev, "no")
    approve(change, bob)
    assert state(change) == "proposed"

    proposals.withdraw_approval(approval=no, by=dev, at=AT)

    assert state(change) == "approved"


def test_a_no_after_a_yes_takes_it_back_to_review(change, bob, dev):
    approve(change, bob)
    approve(change, dev, "no")

    assert state(change) == "proposed"


def test_a_higher_need_takes_an_approved_change_back_when_it_is_judged_again(change, bob, monkeypatch):
    approve(change, bob)
    rules = (ApprovalRule(2),)
    monkeypatch.setattr(queries, "parameters_at", lambda at: replace(DEFAULT, approval_rules=rules))

    reassess(change=Change.objects.get(pk=change.pk), at=AT)

    assert state(change) == "proposed"
    assert not ApprovalLapse.objects.exists()


def test_an_immaterial_edit_keeps_the_approval_and_what_was_seen(change, ann, bob):
    given = approve(change, bob)
    before = seen(change)
    proposals.revise(change=change, texts={**TEXTS, "why": "slaw"}, source="form", at=AT, by=ann, actor="user:1")

    assert change.revisions.count() == 2
    assert not ApprovalLapse.objects.exists()
    assert seen(change) == before
    with pytest.raises(Stale, match="already given your word"):
        approve(change, bob)
    assert Approval.objects.get() == given
    assert state(change) == "approved"


def test_a_role_that_ended_since_the_page_was_opened_approves_nothing(change):
    late = person("Zoe", "approver", since=AT + timedelta(seconds=1))

    with pytest.raises(Refused, match="Zoe may not approve changes for production"):
        approve(change, late)


def test_the_very_same_word_on_another_commit_is_another_word(change, bob):
    approve(change, bob)
    PullRequest.objects.update(head_sha="b" * 40)

    approve(change, bob)

    assert Approval.objects.count() == 2


def test_a_text_that_nobody_knows_is_answered_without_guessing(change, bob):
    values = {"verdict": "yes", "note": "", "authenticated_at": AT, "at": AT}
    with pytest.raises(Stale) as told:
        actions.give(change=change, by=bob, seen=actions.Seen("0" * 64, seen(change).head), **values)

    assert str(told.value) == "The proposal was edited after you opened the page. Read the present revision, then decide."
