"""A flood of deliveries: settled slice by slice, drained run by run, and two workers that meet give way to each other."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction
from psycopg.errors import DeadlockDetected

from changes.connectors import inbox, readings, settling
from changes.connectors.models import Delivery, Reading, Settling
from changes.delivery.models import PullRequest, Repository
from changes.proposals.actions import NUMBERS
from tests.changes.connectors.github.conftest import NOW
from tests.changes.connectors.test_door import STORY, body_of, opened, send
from tests.changes.stories import NAMES, Clock, connect, findings, post, read_story, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_story_settled_in_slices_of_one_ends_with_the_same_findings(client, monkeypatch, name):
    monkeypatch.setattr(settling, "SLICE", 1)
    story = read_story(name)
    connect(story)

    for delivery in story["deliveries"]:
        post(client, delivery)
    work(Clock())

    assert findings() == sorted(story["expect"]["violations"])


def test_what_is_behind_a_slice_stays_due(client, monkeypatch):
    monkeypatch.setattr(settling, "SLICE", 2)
    connect(STORY)
    for number in (1, 2, 3, 4, 5):
        send(client, body_of(opened(number=number)))
    clock = Clock()
    inbox.drain(now=clock)
    clock.wait(6)

    settled = [settling.settle_one(pk=Settling.objects.get().pk, at=clock()) for _ in range(3)]

    assert settled == [1, 1, 1]
    assert not Settling.objects.exists()


def test_what_was_read_at_one_moment_is_one_slice_and_later_pages_have_their_own(db, monkeypatch):
    monkeypatch.setattr(settling, "SLICE", 2)
    first, second = NOW, NOW + timedelta(microseconds=1)
    repository = Repository.objects.create(name="acme/web", in_scope_from=NOW)
    given = {"repository": repository, "title": "t", "state": "open", "head_ref": "b", "base_ref": "main", "reported_at": NOW}
    PullRequest.objects.bulk_create([PullRequest(number=at, touched_at=first if at < 4 else second, **given) for at in range(8)])

    assert settling._end_of_slice(repository, first) == second
    assert settling._end_of_slice(repository, second) is None


def test_a_run_over_a_flood_ends_in_time_and_the_next_one_goes_on(client, monkeypatch):
    monkeypatch.setattr(inbox, "RUN", timedelta(milliseconds=5))
    monkeypatch.setattr(inbox, "BATCH", 1)
    connect(STORY)
    for number in range(1, 9):
        send(client, body_of(opened(number=number)))
    clock = Clock()

    first = inbox.drain(now=clock)
    while inbox.drain(now=clock):
        pass

    assert 0 < first < 8
    assert Delivery.objects.filter(state="applied").count() == 8


def gives_way(monkeypatch, *, times):
    """The first ``times`` attempts to apply lose a deadlock."""
    apply, left = inbox.APPLY["github"], [times]

    def losing(**values):
        if left[0]:
            left[0] -= 1
            raise OperationalError("deadlock detected") from DeadlockDetected("deadlock detected")
        return apply(**values)

    monkeypatch.setitem(inbox.APPLY, "github", losing)


def test_a_delivery_that_gave_way_in_a_deadlock_is_applied_at_once(client, monkeypatch):
    gives_way(monkeypatch, times=inbox.TOGETHER - 1)
    connect(STORY)
    send(client, body_of(opened()))

    inbox.drain(now=Clock())

    assert Delivery.objects.get().state == "applied"


def test_a_delivery_that_gives_way_again_and_again_waits_for_its_lease(client, monkeypatch):
    gives_way(monkeypatch, times=inbox.TOGETHER)
    connect(STORY)
    send(client, body_of(opened()))
    clock = Clock()

    with pytest.raises(OperationalError):
        inbox.drain(now=clock)
    clock.wait(11)
    inbox.drain(now=clock)

    assert Delivery.objects.get().state == "applied"


WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid())"
FREE = {
    "the numbers of changes": f"SELECT pg_try_advisory_xact_lock({NUMBERS})",
    "the pull request": "SELECT true FROM changes_pullrequest WHERE number = 1 FOR UPDATE NOWAIT",
}
"""What nobody else may hold who waits for the repository. Each raises, or is false, where it is held."""


def apply(repository, row, clock):
    inbox.apply_one(pk=row.pk, at=clock())


def finish(repository, row, clock):
    reading = Reading.objects.create(source=row.source, repository=repository, subject="pull_request:1", wanted_at=clock())
    readings._finish(reading, "", clock(), good=False)


@pytest.mark.parametrize(("work_of", "free"), [(apply, "the numbers of changes"), (finish, "the pull request")])
def test_two_workers_take_the_repository_first_and_so_never_wait_for_each_other(client, work_of, free):
    connect(STORY)
    clock = Clock()
    send(client, body_of(opened(number=1)))
    inbox.drain(now=clock)
    send(client, body_of(opened(number=2)))
    repository, waits = Repository.objects.get(), Delivery.objects.get(state="new")

    def work_beside():
        try:
            work_of(repository, waits, clock)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as beside:
        with transaction.atomic(), connection.cursor() as cursor:
            settling.touch(repository=repository, at=clock())
            other = beside.submit(work_beside)
            until = time.monotonic() + 20
            while not cursor.execute(WAITING).fetchone()[0]:
                assert time.monotonic() < until, "it did not come to the repository"
                time.sleep(0.01)
            assert cursor.execute(FREE[free]).fetchone()[0]
        other.result()


def test_what_comes_while_the_clock_is_turned_back_waits_for_the_present(client):
    connect(STORY)
    for number in (1, 2):
        send(client, body_of(opened(number=number)))
    early, clock = NOW - timedelta(days=200), Clock()
    Delivery.objects.filter(pk=Delivery.objects.earliest("id").pk).update(received_at=early)

    handled = [inbox.drain(now=lambda: early, past=True), inbox.drain(now=lambda: early, past=True)]

    assert handled == [1, 0]
    assert [row.number for row in PullRequest.objects.all()] == [1]
    assert Delivery.objects.get(state=Delivery.State.NEW).attempts == 0
    assert inbox.drain(now=clock) == 1
    assert PullRequest.objects.get(number=2).reported_at > early
