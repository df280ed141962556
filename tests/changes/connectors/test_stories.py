"""Each recorded story ends with exactly the findings that it names: in order, shuffled, and with everything sent thrice."""

import random

import pytest

from changes.connectors.models import Delivery
from changes.delivery.models import Release
from changes.proposals.models import Change
from tests.changes.stories import NAMES, Clock, connect, findings, post, read_story, work

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS = ["in order", "shuffled 1", "shuffled 2", "reversed", "thrice"]


def ordered(deliveries, order):
    if order == "reversed":
        return deliveries[::-1]
    if order == "thrice":
        return [delivery for delivery in deliveries for _ in range(3)]
    if order.startswith("shuffled"):
        mixed = deliveries * 3
        random.Random(order).shuffle(mixed)
        return mixed
    return deliveries


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_story_ends_with_exactly_its_findings(client, name, order):
    story = read_story(name)
    connect(story)
    clock = Clock()

    for delivery in ordered(story["deliveries"], order):
        assert post(client, delivery).status_code == 202
    work(clock)

    assert findings() == sorted(story["expect"]["violations"])
    assert Delivery.objects.count() == len(story["deliveries"])
    assert not Delivery.objects.filter(state__in=["new", "quarantined"]).exists()


@pytest.mark.parametrize("order", ORDERS)
def test_the_standard_change_is_one_change_that_reached_production(client, order):
    story = read_story("dev.standard-change")
    connect(story)

    for delivery in ordered(story["deliveries"], order):
        post(client, delivery)
    work(Clock())

    change = Change.objects.get()
    assert (change.state, change.category) == ("released", "standard")
    assert sorted(change.links.values_list("pull_request__base_ref", "role")) == [("main", "work"), ("prod", "promotion")]
    assert sorted(change.verdicts.values_list("moment", flat=True)) == ["merge", "release"]


@pytest.mark.parametrize("order", ORDERS)
def test_the_emergency_is_rolled_back_and_its_retrospective_is_due(client, order):
    story = read_story("dev.emergency-with-rollback")
    connect(story)

    for delivery in ordered(story["deliveries"], order):
        post(client, delivery)
    work(Clock())

    change = Change.objects.get()
    back = Release.objects.get(commit_sha=story["expect"]["rollback_to"])
    assert (change.category, change.state) == ("emergency", "rolled_back")
    assert back.rolls_back.commit_sha == story["expect"]["failed_deploy"]
    assert back.rolls_back.state == "failed"
    assert change.retrospective_due_at is not None


def test_late_evidence_clears_a_finding_and_the_record_stays(client):
    story = read_story("dev.standard-change")
    connect(story)
    clock = Clock()
    staging = [item for item in story["deliveries"] if item["event"].startswith("deployment")]
    rest = [item for item in story["deliveries"] if item not in staging]

    for delivery in rest:
        post(client, delivery)
    work(clock)
    assert findings() == ["no_staging:#18"]
    for delivery in staging:
        post(client, delivery)
    work(clock)

    assert findings() == []
