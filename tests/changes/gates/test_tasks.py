"""A review that becomes overdue fails its gate by the clock alone."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from changes.approvals import actions as approvals
from changes.gates.actions import reassess
from changes.gates.tasks import forgotten, judge_overdue, overdue, stirred
from changes.proposals import actions, submitting
from changes.proposals.models import Change
from tests.changes.people import person
from tests.portal.access.people import hold

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


def test_an_overdue_review_is_judged_again_once():
    at = now()
    change = submitting.submit(given=GIVEN, by=person("Ann"), ready=True, at=at)
    actions.move(change=change, verb="merge", actor="portal", at=at)
    reassess(change=change, at=at - timedelta(days=9))
    Change.objects.filter(pk=change.pk).update(gates_at=at - timedelta(days=9), review_due_at=at - timedelta(days=2))

    assert overdue(at=at) == [change]
    judge_overdue()

    assert overdue(at=now()) == []


def test_what_nothing_has_judged_is_judged_after_ten_minutes():
    at = now()
    change = submitting.submit(given=GIVEN, by=person("Ann"), ready=True, at=at - timedelta(minutes=11))
    submitting.submit(given=GIVEN, by=change.requester, ready=False, at=at - timedelta(minutes=11))
    submitting.submit(given=GIVEN, by=change.requester, ready=True, at=at)
    assert forgotten(at=at) == [change]

    judge_overdue()

    change.refresh_from_db()
    assert change.gates_at is not None
    assert "m" in change.gates
    assert forgotten(at=at) == []


def test_what_is_not_due_is_left_alone():
    at = now()
    change = submitting.submit(given=GIVEN, by=person("Ann"), ready=True, at=at)
    reassess(change=change, at=at)
    Change.objects.filter(pk=change.pk).update(review_due_at=at + timedelta(days=2))

    assert overdue(at=at) == []


def test_who_goes_away_or_comes_back_moves_the_gates_of_what_is_in_review():
    at = now()
    ann, bob, dev = person("Ann"), person("Bob"), person("Dev")
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=at)
    draft = submitting.submit(given=GIVEN, by=ann, ready=False, at=at)
    for each in (change, draft):
        reassess(change=each, at=at)
    assert stirred(at=at) == []

    soon, later = at + timedelta(hours=1), at + timedelta(days=2)
    row = approvals.delegate(absent=bob, to=dev, starts_at=soon, ends_at=later, reason="holiday", by=bob, at=at)
    assert stirred(at=at) == []
    assert stirred(at=soon) == [change]
    Change.objects.update(gates_at=soon)
    assert stirred(at=soon) == []
    assert stirred(at=later) == [change]
    approvals.end_delegation(delegation=row, by=bob, at=soon + timedelta(hours=1))
    assert stirred(at=soon + timedelta(hours=1)) == [change]


def test_a_role_that_ends_moves_them_too():
    at = now()
    change = submitting.submit(given=GIVEN, by=person("Ann"), ready=True, at=at)
    reassess(change=change, at=at)
    hold(person("Zoe", "engineer"), "approver", since=at - timedelta(days=1), until=at + timedelta(hours=1))

    assert stirred(at=at) == []
    assert stirred(at=at + timedelta(hours=1)) == [change]


def test_a_condition_that_becomes_due_moves_its_change():
    at = now()
    ann, bob = person("Ann"), person("Bob")
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=at)
    wanted = approvals.Wanted(text="Watch it", owner=ann, before="after", due_at=at + timedelta(hours=1))
    approvals.set_condition(change=change, approval=None, wanted=wanted, by=bob, at=at)
    actions.move(change=change, verb="merge", actor="portal", at=at)
    reassess(change=change, at=at)

    assert stirred(at=at) == []
    assert stirred(at=at + timedelta(hours=1)) == [change]
