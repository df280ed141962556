"""A frozen verdict stands: a second freezing returns the first, whatever has become known since."""

from datetime import UTC, datetime

import pytest

from changes.gates.actions import freeze, reassess
from changes.gates.models import Verdict
from changes.proposals import submitting
from portal.ledger.queries import entries_about
from tests.changes.people import person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}


def test_the_first_verdict_stands():
    ann = person("Ann")
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=AT)

    first = freeze(change=change, moment="merge", subject="acme/web#1", at=AT)
    submitting.resubmit(change=change, given={**GIVEN, "why": "very slow"}, by=ann, at=AT)
    second = freeze(change=change, moment="merge", subject="acme/web#1", at=AT)

    assert first == second
    assert (str(first), len(first.letters)) == ("CHG-1001 merge unproven", 12)
    assert Verdict.objects.count() == 1
    assert [entry.kind for entry in entries_about(stream="change:1001")].count("verdict.merge") == 1


def test_judging_again_without_news_writes_nothing(django_assert_num_queries):
    change = submitting.submit(given=GIVEN, by=person("Ann"), ready=True, at=AT)
    reassess(change=change, at=AT)
    judged = change.gates_at

    reassess(change=change, at=datetime(2026, 11, 2, 11, 0, tzinfo=UTC))

    assert change.gates_at == judged
