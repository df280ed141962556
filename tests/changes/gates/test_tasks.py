"""A review that becomes overdue fails its gate by the clock alone."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from changes.gates.actions import reassess
from changes.gates.tasks import judge_overdue, overdue
from changes.proposals import actions, submitting
from changes.proposals.models import Change
from tests.changes.people import person

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


def test_what_is_not_due_is_left_alone():
    at = now()
    change = submitting.submit(given=GIVEN, by=person("Ann"), ready=True, at=at)
    reassess(change=change, at=at)
    Change.objects.filter(pk=change.pk).update(review_due_at=at + timedelta(days=2))

    assert overdue(at=at) == []
