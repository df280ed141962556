"""The +1 of an emergency, with a commit and before there is one (P-22)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from changes.delivery.models import PullRequest
from changes.gates.actions import assess
from changes.proposals import actions, submitting
from changes.proposals.models import Approval, ApprovalLapse
from changes.proposals.refreshing import refresh
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import AT, TEXTS, kinds, proposed, with_pull_request
from tests.changes.people import linked, person
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)
SOON = AT + timedelta(minutes=1)


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def emergency(ann):
    return proposed(ann, category="emergency")


def plus_one(change, by, via="portal", **more):
    return actions.plus_one(change=change, by=by, via=via, **{"authenticated_at": AT, "at": AT, **more})


def gate(change, at=SOON):
    _, gates = assess(change=change, at=at)
    return gates[7]


def test_it_opens_the_gate_at_once_and_before_there_is_a_commit(emergency, bob):
    given = plus_one(emergency, bob)

    emergency.refresh_from_db()
    assert (given.head_sha, given.via, emergency.state) == ("", "portal", "approved")
    assert kinds(emergency)[-2:] == ["emergency.plus_one", "change.approve"]
    found = gate(emergency)
    assert found.state == "met"
    assert found.reason == "Emergency: +1 by Bob in the portal at 2026-11-02 10:00 UTC, given before there was a commit."


def test_it_counts_for_whatever_commit_follows(emergency, bob):
    plus_one(emergency, bob)
    pull = with_pull_request(emergency)
    refresh(change=emergency, at=SOON)
    PullRequest.objects.filter(pk=pull.pk).update(head_sha="b" * 40)
    refresh(change=emergency, at=SOON)

    assert gate(emergency).state == "met"
    assert not ApprovalLapse.objects.exists()


def test_with_a_commit_it_is_bound_to_it(emergency, bob):
    pull = with_pull_request(emergency)
    given = plus_one(emergency, bob)
    assert given.head_sha == pull.head_sha
    PullRequest.objects.filter(pk=pull.pk).update(head_sha="b" * 40)

    refresh(change=emergency, at=SOON)

    assert ApprovalLapse.objects.get().approval == given
    assert gate(emergency).state == "waiting"


def test_the_text_of_an_emergency_may_be_written_afterwards(emergency, ann, bob):
    plus_one(emergency, bob)

    submitting.resubmit(
        change=emergency,
        given={**TEXTS, "why": "the queue stood still", "category": "emergency", "size": "normal"},
        by=ann,
        at=SOON,
    )

    assert emergency.revisions.count() == 2
    assert gate(emergency).state == "met"


def test_who_then_writes_the_commit_loses_it(emergency, bob):
    linked(bob, 77)
    plus_one(emergency, bob)
    with_pull_request(emergency, author_uid=77, author_login="bobby")

    refresh(change=emergency, at=SOON)

    assert ApprovalLapse.objects.get().reason == "the approver has become a contributor"
    assert gate(emergency).state == "waiting"


def test_it_is_given_once(emergency, bob):
    plus_one(emergency, bob)
    with pytest.raises(Stale, match="already given the \\+1"):
        plus_one(emergency, bob, via="slack")
    with_pull_request(emergency)
    with pytest.raises(Stale, match="already given the \\+1"):
        plus_one(emergency, bob)

    assert Approval.objects.count() == 1


def test_taken_back_it_can_be_given_again(emergency, bob):
    first = plus_one(emergency, bob)
    actions.withdraw_approval(approval=first, by=bob, at=SOON)
    emergency.refresh_from_db()
    assert (emergency.state, gate(emergency).state) == ("proposed", "waiting")

    plus_one(emergency, bob, at=SOON)

    assert gate(emergency, at=SOON).state == "met"


def test_from_slack_the_signed_request_is_the_proof(emergency, bob):
    given = plus_one(emergency, bob, via="slack", authenticated_at=None)

    assert (given.via, given.authenticated_at) == ("slack", AT)
    assert "by Bob in Slack at" in gate(emergency).reason


def test_in_the_portal_it_needs_a_fresh_sign_in(emergency, bob):
    with pytest.raises(Refused, match="not older than 5 minutes"):
        plus_one(emergency, bob, authenticated_at=AT - timedelta(minutes=6))


@pytest.mark.parametrize("name", ["Bob", "Cleo", "Dev"])
def test_approvers_architects_and_the_chair_may_give_it(emergency, name):
    assert plus_one(emergency, person(name)).by.name == name


@pytest.mark.parametrize("name", ["Mia", "Uma", "Rex", "Eve"])
def test_nobody_else_may(emergency, name):
    with pytest.raises(Refused, match=f"{name} may not give the \\+1"):
        plus_one(emergency, person(name, *(["engineer"] if name == "Eve" else [])))


def test_a_right_counts_as_of_that_moment(emergency):
    late = person("Zoe", "approver", since=AT + timedelta(hours=1))

    with pytest.raises(Refused, match="may not give"):
        plus_one(emergency, late)


def test_the_requester_and_contributors_do_not_give_it(emergency, bob):
    both = person("Eve", "approver")
    with pytest.raises(Refused, match="You asked for this change"):
        plus_one(proposed(both, category="emergency"), both)
    linked(bob, 77)
    with_pull_request(emergency, author_uid=77, author_login="bobby")
    with pytest.raises(Refused, match="You contributed"):
        plus_one(emergency, bob, via="slack", authenticated_at=None)


def test_a_standard_change_has_none(ann, bob):
    with pytest.raises(Refused, match="no emergency"):
        plus_one(proposed(ann), bob)


def insert(change, by, head=""):
    """A word past all rules in Python, with its ledger entry: only the database can refuse it."""
    with transaction.atomic():
        row = Approval.objects.create(
            change=change,
            revision=change.revisions.get(),
            head_sha=head,
            by=by,
            verdict="yes",
            authenticated_at=AT,
            at=AT,
        )
        cover(row)


def test_the_database_takes_a_word_without_a_commit_for_an_emergency_only(ann, bob, emergency):
    standard = proposed(ann)
    with pytest.raises(IntegrityError, match="before there is a commit"):
        insert(standard, bob)
    insert(emergency, bob)

    assert Approval.objects.get().change == emergency


def test_the_database_refuses_it_from_requester_and_contributor(ann, bob, emergency):
    linked(bob, 77)
    with_pull_request(emergency, author_uid=77, author_login="bobby")
    with pytest.raises(IntegrityError, match="the requester cannot approve"):
        insert(emergency, ann)
    with pytest.raises(IntegrityError, match="a contributor cannot approve"):
        insert(emergency, bob)


def test_the_database_takes_one_word_of_a_person_on_a_commit(emergency, bob):
    insert(emergency, bob, head="a" * 40)
    with pytest.raises(IntegrityError, match="one word on one commit"):
        insert(emergency, bob, head="a" * 40)
    actions.lapse_approvals(change=emergency, reason="test", at=AT)
    insert(emergency, bob, head="a" * 40)

    assert Approval.objects.count() == 2
