"""The five numbers: from rows that can be counted by hand; unknown is not zero."""

from datetime import timedelta

import pytest

from changes.delivery.models import Release
from changes.outcomes import actions
from changes.outcomes.dora import Deploy, deploys_between, numbers, numbers_between
from changes.proposals.models import Change
from portal.access.scope import Scope
from tests.changes.outcomes.world import AT, HOUR, in_production, pull, released, repository, sha
from tests.changes.people import person

DAY = timedelta(days=1)
MINUTES = timedelta(minutes=3)


def deploy(pk, *, failed=False, recovered=None, rework=False):
    return Deploy(release=pk, succeeded_at=AT, failed=failed, recovered_at=recovered, rework=rework)


def test_nothing_measured_is_unknown():
    found = numbers(deploys=[], lead_times=[], days=90)

    assert (found.deploys, found.per_week, found.lead_time) == (0, None, None)
    assert (found.fail_rate, found.recovery, found.rework_rate) == (None, None, None)


def test_the_five_numbers_by_hand():
    rows = [deploy(1), deploy(2, failed=True, recovered=AT + HOUR), deploy(3, failed=True), deploy(4, rework=True)]

    found = numbers(deploys=rows, lead_times=[HOUR, 2 * HOUR, 9 * HOUR], days=14)

    assert (found.per_week, found.lead_time) == (2.0, 2 * HOUR)
    assert (found.fail_rate, found.failed, found.unrecovered) == (0.5, 2, 1)
    assert (found.recovery, found.rework_rate, found.rework) == (HOUR, 0.25, 1)


@pytest.mark.django_db(transaction=True)
def test_they_come_from_releases_marks_rollbacks_and_emergencies():
    ann = person("Ann")
    change = in_production(ann, pull(1, merge="b"))
    urgent = in_production(ann, pull(2, merge="c"), category="emergency")
    Change.objects.filter(pk=change.pk).update(released_at=AT + HOUR)
    good = released("a", 1, at=AT)
    marked = released("b", 2, at=AT + HOUR)
    fix = released("c", 3, at=AT + 3 * HOUR)
    undone = released("d", 4, at=AT + 5 * HOUR)
    released("c", 5, at=AT + 6 * HOUR, rolls_back=undone)
    released("e", 6, at=AT + 7 * HOUR, state="failed")
    failure = actions.mark_deploy(release=marked, what="failed", note="", by=ann, at=AT)
    actions.mark_deploy(release=fix, what="fixed", note="", by=ann, at=AT, resolves=failure)

    found = numbers_between(since=AT - DAY, until=AT + 6 * DAY, scope=Scope())

    assert urgent.category == "emergency"
    assert good.succeeded_at is not None
    assert (found.deploys, found.failed, found.unrecovered) == (5, 2, 0)
    assert found.recovery == (2 * HOUR + 1 * HOUR) / 2
    assert found.rework == 2
    assert found.lead_time == 2 * HOUR
    elsewhere = numbers_between(since=AT - DAY, until=AT + DAY, scope=Scope(repositories=frozenset({"acme/api"})))
    assert (elsewhere.deploys, elsewhere.lead_time) == (0, None)


@pytest.mark.django_db(transaction=True)
def test_a_deployment_at_the_forge_and_its_release_at_fly_are_one_deploy():
    ann = person("Ann")
    fly = released("a", 1, at=AT)
    forge = {"source": "github", "repository": repository(), "environment": "production", "state": "succeeded", "reported_at": AT}
    twin = Release.objects.create(vendor_id="1", commit_sha=sha("a"), created_at=AT, succeeded_at=AT + HOUR, **forge)
    again = Release.objects.create(vendor_id="2", commit_sha=sha("a"), created_at=AT, succeeded_at=AT + 5 * HOUR, **forge)
    actions.mark_deploy(release=twin, what="failed", note="", by=ann, at=AT)

    found = numbers_between(since=AT - DAY, until=AT + DAY, scope=Scope())

    assert (found.deploys, found.failed) == (2, 1)
    assert len({fly.pk, twin.pk, again.pk}) == 3


@pytest.mark.django_db(transaction=True)
def test_a_release_without_a_commit_is_not_of_an_emergency_that_was_not_merged_yet():
    in_production(person("Ann"), pull(4), category="emergency")
    released("4", 1, at=AT)
    bare = released("", 2, at=AT + HOUR)

    found = {row.release: row.emergency for row in deploys_between(since=AT - DAY, until=AT + DAY, scope=Scope())}

    assert (found.pop(bare.pk), list(found.values())) == (False, [True])
