"""Approvals in somebody else's hands for some days: made, used, ended; evidence of each step."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from changes.approvals import actions, queries
from changes.approvals.models import Delegation
from changes.gates.actions import assess
from changes.proposals.models import Approval
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.approvals.situations import AT, seen, waiting_change
from tests.changes.people import linked, person
from tests.database import cover
from tests.portal.access.people import hold

pytestmark = pytest.mark.django_db(transaction=True)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@pytest.fixture
def bob():
    return person("Bob")


@pytest.fixture
def dev():
    return person("Dev")


def delegated(absent, to, **more):
    values = {"by": absent, "starts_at": AT, "ends_at": AT + WEEK, "reason": "holiday", "at": AT, **more}
    return actions.delegate(absent=absent, to=to, **values)


def test_one_hands_over_for_a_week_and_the_ledger_says_so(bob, dev):
    row = delegated(bob, dev)

    entry = entries_about(stream=f"person:{bob.pk}")[0]
    assert (entry.kind, entry.fact["for"], entry.fact["to"]) == ("approvals.delegated", "Bob", "Dev")
    assert [found.pk for found in queries.in_force(AT)] == [row.pk]
    assert not queries.in_force(AT - timedelta(microseconds=1)).exists()
    assert not queries.in_force(AT + WEEK).exists()
    assert queries.last_day(row) == (AT + WEEK).date()


def test_the_chair_does_it_for_somebody_ill(bob, dev):
    row = delegated(bob, dev, by=person("Cleo"))

    assert (row.made_by.name, str(row)) == ("Cleo", "Dev for Bob")


REFUSED = {
    "another approver": (lambda bob, dev, other: {"by": other}, "Only Bob or the chair"),
    "to oneself": (lambda bob, dev, other: {"to": bob}, "Nobody stands in for themselves"),
    "to an engineer": (lambda bob, dev, other: {"to": person("Ann")}, "Ann may not approve changes at the beginning"),
    "in the past": (lambda bob, dev, other: {"starts_at": AT - DAY}, "cannot begin in the past"),
    "too long": (lambda bob, dev, other: {"ends_at": AT + timedelta(days=91)}, "at most 90 days"),
    "without a reason": (lambda bob, dev, other: {"reason": " "}, "A reason is missing"),
}


@pytest.mark.parametrize(("values", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_delegation_that_is_refused_leaves_nothing(bob, dev, values, why):
    wanted = {"to": dev, **values(bob, dev, person("Eve", "approver"))}
    with pytest.raises(Refused, match=why):
        delegated(bob, wanted.pop("to"), **wanted)

    assert not Delegation.objects.exists()


def test_who_may_approve_no_longer_has_nothing_to_hand_over(dev):
    ann = person("Ann")
    with pytest.raises(Refused, match="Ann may not approve changes, so there is nothing"):
        delegated(ann, dev, by=person("Cleo"))
    with pytest.raises(Refused, match="Only people who may approve"):
        delegated(ann, dev)


def test_a_delegate_may_approve_until_the_end(bob):
    eve = person("Eve", "engineer")
    hold(eve, "approver", since=AT - DAY, until=AT + WEEK - timedelta(seconds=1))

    with pytest.raises(Refused, match="at the end of that time"):
        delegated(bob, eve)
    assert delegated(bob, eve, ends_at=AT + DAY).delegate == eve


def test_a_delegation_is_not_handed_on(bob, dev):
    cleo = person("Cleo")
    delegated(bob, dev)
    with pytest.raises(Refused, match="stands in for Bob in that time already"):
        delegated(bob, cleo, starts_at=AT + DAY)
    with pytest.raises(Refused, match="Dev stands in for Bob in that time"):
        delegated(dev, cleo, starts_at=AT + DAY)
    with pytest.raises(Refused, match="Bob is away in that time, and Dev stands in"):
        delegated(cleo, bob, starts_at=AT + DAY)

    assert delegated(bob, cleo, starts_at=AT + WEEK, ends_at=AT + 2 * WEEK).delegate == cleo


def test_the_database_refuses_a_second_and_a_chain_by_itself(bob, dev):
    cleo = person("Cleo")
    delegated(bob, dev)
    values = {"starts_at": AT + DAY, "ends_at": AT + 2 * DAY, "reason": "x", "made_by": cleo, "made_at": AT}
    for absent, to in ((bob, cleo), (dev, cleo), (cleo, bob)):
        with pytest.raises(IntegrityError, match="not handed on"), transaction.atomic():
            cover(Delegation.objects.create(absent=absent, delegate=to, **values))


@pytest.mark.parametrize("name", ["Bob", "Dev", "Cleo"])
def test_the_two_and_the_chair_end_it(bob, dev, name):
    row = delegated(bob, dev)
    by = {"Bob": bob, "Dev": dev}.get(name) or person(name)

    ended = actions.end_delegation(delegation=row, by=by, at=AT + DAY)

    assert ended.ended_by == by
    assert entries_about(stream=f"person:{bob.pk}")[0].kind == "approvals.delegation_ended"
    assert queries.in_force(AT + DAY - timedelta(seconds=1)).exists()
    assert not queries.in_force(AT + DAY).exists()
    with pytest.raises(Stale, match="ended already"):
        actions.end_delegation(delegation=row, by=by, at=AT + DAY)


def test_nobody_else_ends_it_and_what_is_over_is_over(bob, dev):
    row = delegated(bob, dev)
    with pytest.raises(Refused, match="Only Bob, Dev and the chair"):
        actions.end_delegation(delegation=row, by=person("Eve", "approver"), at=AT)
    with pytest.raises(Stale):
        actions.end_delegation(delegation=row, by=bob, at=AT + WEEK)


def test_taken_back_before_it_begins_it_leaves_room_for_another(bob, dev):
    row = delegated(bob, dev, starts_at=AT + DAY)
    actions.end_delegation(delegation=row, by=bob, at=AT)

    assert delegated(bob, person("Cleo"), starts_at=AT + DAY)


def given(change, by, absent, at=AT, **more):
    values = {"verdict": "yes", "note": "", "seen": seen(change), "authenticated_at": at, "at": at, **more}
    return actions.give(change=change, by=by, on_behalf_of=absent, **values)


def test_an_approval_says_on_whose_behalf(bob, dev):
    change = waiting_change(person("Ann"))
    delegated(bob, dev)

    approval = given(change, dev, bob)

    assert (approval.by, approval.on_behalf_of) == (dev, bob)
    entry = next(row for row in entries_about(stream=f"change:{change.number}") if row.kind == "approval.given")
    assert entry.fact["on_behalf_of"] == "Bob"
    facts, _ = assess(change=change, at=AT)
    assert facts.approvals[0].on_behalf_of == "Bob"


def test_only_within_its_time_and_only_by_the_delegate(bob, dev):
    change = waiting_change(person("Ann"))
    delegated(bob, dev, starts_at=AT + DAY)
    for by, at in ((dev, AT), (dev, AT + DAY + WEEK), (person("Cleo"), AT + DAY)):
        with pytest.raises(Refused, match="has not handed approvals over to you"):
            given(change, by, bob, at)

    assert given(change, dev, bob, AT + DAY)


def test_the_independence_of_the_delegate_is_checked(bob, dev):
    change = waiting_change(person("Ann"), author=(77, "devvy"))
    linked(dev, 77)
    delegated(bob, dev)

    with pytest.raises(Refused, match="You contributed"):
        given(change, dev, bob)


def test_nobody_approves_on_behalf_of_a_contributor(bob, dev):
    change = waiting_change(person("Ann"), author=(77, "bobby"))
    linked(bob, 77)
    delegated(bob, dev)

    with pytest.raises(Refused, match="Bob took part in this change"):
        given(change, dev, bob)
    assert given(change, dev, None)


def test_the_database_refuses_a_word_on_behalf_of_somebody_who_is_there(bob, dev):
    change = waiting_change(person("Ann"))
    row = delegated(bob, dev)
    actions.end_delegation(delegation=row, by=bob, at=AT)

    values = {"revision": change.revisions.get(), "head_sha": "x", "verdict": "yes", "authenticated_at": AT, "at": AT}
    with pytest.raises(IntegrityError, match="were not handed over"), transaction.atomic():
        cover(Approval.objects.create(change=change, by=dev, on_behalf_of=bob, **values))
