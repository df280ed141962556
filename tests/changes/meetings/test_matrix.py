"""Decisions against changes: who stands in the list, and what each change comes to (P-01)."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from changes.desk.meetings.matrix_views import with_standing
from changes.proposals.models import Change
from tests.audits.engagements.opened import admitted
from tests.changes.desk.calendars import text
from tests.changes.meetings.situations import DAY, board, decided, large, somebody
from tests.changes.people import sign_in
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/decisions/matrix/"


@pytest.fixture
def at():
    board(at=timezone.now() - 9 * DAY)
    return timezone.now()


@transaction.atomic
def classed(change, **values):
    """The change with other classes, its entry in the ledger included."""
    Change.objects.filter(pk=change.pk).update(**values)
    cover(Change.objects.get(pk=change.pk))


def stands(change):
    return with_standing(Change.objects.filter(pk=change.pk)).get().stands


def merged(change, at):
    Change.objects.filter(pk=change.pk).update(merged_at=at)


def seen(client, show="", by="Ann"):
    """Numbers of the changes in the list, in its order."""
    client.logout()
    sign_in(client, somebody(by) if isinstance(by, str) else by)
    return [row.number for row in client.get(ADDRESS, {"show": show}).context["rows"]]


@pytest.mark.parametrize(
    ("decision", "merge", "comes_to"),
    [
        (None, None, "waiting"),
        (None, 0, "late"),
        ({"at": -1}, None, "decided"),
        ({"at": -1}, 0, "decided"),
        ({"at": 0}, 0, "decided"),
        ({"at": 1}, 0, "late"),
        ({"at": -1, "outcome": "rejected"}, 0, "late"),
        ({"at": -1, "outcome": "deferred"}, None, "waiting"),
        ({"at": -1, "outcome": "conditional"}, 0, "decided"),
        ({"at": -1, "lapsed": "it was edited"}, None, "waiting"),
        ({"at": -1, "lapsed": "it was edited"}, 0, "late"),
    ],
)
def test_a_change_is_decided_when_a_decision_for_it_stood_at_its_first_merge(at, decision, merge, comes_to):
    change = large(at=at - 5 * DAY)
    if decision is not None:
        decided(change, **{**decision, "at": at - 2 * DAY + timedelta(hours=decision["at"])})
    if merge is not None:
        merged(change, at - 2 * DAY)

    assert stands(change) == comes_to


def test_a_decision_that_lapsed_after_the_merge_counted_at_the_merge(client, at):
    change = large(at=at - 5 * DAY)
    decided(change, at=at - 3 * DAY)
    merged(change, at - 2 * DAY)
    assert seen(client, "late") == []

    later = decided(change, at=at - 1 * DAY, lapsed="another took its place")

    assert later.at > at - 2 * DAY
    assert stands(change) == "decided"


def test_a_declared_emergency_is_excused_and_an_undeclared_one_is_not(client, at):
    change = large(at=at - 5 * DAY)
    merged(change, at - 2 * DAY)
    classed(change, category="emergency")
    assert stands(change) == "emergency"
    assert seen(client, "late") == []

    classed(change, undeclared=True)

    assert stands(change) == "late"
    assert seen(client, "late") == [change.number]


def test_the_filters_show_what_they_say(client, at):
    waiting, late, done, normal = (large(title, at=at - 5 * DAY) for title in ("One", "Two", "Three", "Four"))
    decided(done, at=at - 3 * DAY)
    for change in (late, done):
        merged(change, at - 2 * DAY)
    classed(normal, size="normal")

    assert seen(client) == [done.number, late.number, waiting.number]
    assert seen(client, "bare") == [late.number, waiting.number]
    assert seen(client, "late") == [late.number]

    decided(normal, at=at - DAY)
    assert normal.number in seen(client)


def test_the_page_names_decision_and_outcome_with_few_queries(client, at, django_assert_max_num_queries):
    for title in ("One", "Two", "Three"):
        decided(large(title, at=at - 5 * DAY), at=at - DAY, lapsed="the proposal was edited")
    sign_in(client, somebody("Ann"))
    with django_assert_max_num_queries(12):
        page = text(client.get(ADDRESS))

    assert "Decision 3" in page
    assert "the proposal was edited" in page
    assert "No decision stands" in page
    assert ADDRESS in text(client.get("/decisions/"))


def test_an_empty_list_says_so(client, at):
    sign_in(client, somebody("Ann"))

    assert "No such change" in text(client.get(ADDRESS, {"show": "late"}))


def test_an_auditor_sees_the_changes_of_the_engagement_only(client, at):
    change = large(at=at - 5 * DAY)
    Change.objects.filter(pk=change.pk).update(repository_names=["northwind/secret"])
    uma, _ = admitted(repositories=["acme/web"])

    assert seen(client, by=uma) == []
