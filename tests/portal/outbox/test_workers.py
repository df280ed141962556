"""Several workers, and workers that are killed: every effect is delivered, and nobody delivers it beside another."""

import threading
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from portal.outbox import delivery
from portal.outbox.actions import enqueue
from portal.outbox.delivery import Outcome, deliver_due
from portal.outbox.models import Effect
from portal.outbox.tasks import deliver_outbox, sweep_outbox
from tests.portal.outbox.conftest import START

pytestmark = pytest.mark.django_db(transaction=True)


def wall_clock():
    return datetime.now(UTC)


def ask(*keys, subject=None, kind="test.note"):
    with transaction.atomic():
        for key in keys:
            enqueue(kind=kind, key=key, payload={}, at=START, subject=subject)


def in_threads(function, count=2):
    """Run ``function`` in ``count`` threads, each with its own connection; raise what a thread raised."""
    problems = []

    def run():
        try:
            function()
        except Exception as problem:  # noqa: BLE001 - handed to the test below
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []


def test_two_workers_deliver_five_hundred_effects_once_each(deliverers):
    calls = Counter()
    lock = threading.Lock()

    def note(payload):
        with lock:
            calls[payload["key"]] += 1
        return {}

    deliverers["test.note"] = note
    keys = [f"n-{number}" for number in range(500)]
    ask(*keys)

    in_threads(lambda: deliver_due(now=wall_clock))

    assert calls == Counter(dict.fromkeys(keys, 1))
    assert Effect.objects.filter(state="done", attempts=1).count() == 500


def test_a_killed_worker_lets_go_and_the_next_one_finds_the_effect_there(deliverers):
    there = set()
    looks = []

    def post(payload):
        looks.append(payload["key"] in there)
        if payload["key"] in there:
            return {"found": True}
        there.add(payload["key"])
        with connection.cursor() as cursor:  # the server drops the worker after the effect, before the commit
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return {"found": False}

    deliverers["test.note"] = post
    ask("k1")

    with pytest.raises(Exception, match=r"terminat|closed"):
        deliver_due(now=wall_clock)
    connection.close()
    left = Effect.objects.get()
    assert (left.state, left.attempts) == ("waiting", 1)
    outcomes = deliver_due(now=lambda: left.not_before)

    assert outcomes == {Outcome.DONE: 1}
    assert looks == [False, True]
    assert Effect.objects.get().result == {"found": True}


def test_an_effect_that_is_being_delivered_is_left_alone_although_its_lease_is_over(deliverers):
    started, finish = threading.Event(), threading.Event()
    calls = []

    def slow(payload):
        calls.append(payload["key"])
        started.set()
        assert finish.wait(30)
        return {}

    deliverers["test.note"] = slow
    ask("s1")
    worker = threading.Thread(target=lambda: (deliver_due(now=wall_clock), connection.close()))
    worker.start()
    assert started.wait(30)

    late = Effect.objects.get().not_before
    outcomes = deliver_due(now=lambda: late)
    finish.set()
    worker.join(30)

    assert outcomes == {}
    assert calls == ["s1"]
    assert Effect.objects.get().state == "done"


def test_a_newer_version_waits_for_the_one_in_flight_and_does_not_hold_up_who_asks(deliverers):
    started, finish = threading.Event(), threading.Event()
    calls = []

    def slow_first(payload):
        calls.append(payload["key"])
        if payload["key"] == "v1":
            started.set()
            assert finish.wait(30)
        return {}

    deliverers["test.note"] = slow_first
    ask("v1", subject="run")
    worker = threading.Thread(target=lambda: (deliver_due(now=wall_clock, most=1), connection.close()))
    worker.start()
    assert started.wait(30)

    ask("v2", subject="run")
    overtaking = deliver_due(now=wall_clock)
    finish.set()
    worker.join(30)
    deliver_due(now=wall_clock)

    assert overtaking == {}
    assert calls == ["v1", "v2"]


def test_the_row_that_another_worker_took_between_booking_and_delivery_is_left_alone(deliverers, clock):
    deliverers["test.note"] = lambda payload: {}
    ask("t1")
    booked = delivery.book(at=clock.at)
    Effect.objects.update(state="superseded")

    assert delivery.deliver_one(booking=booked, now=clock) == (Outcome.TAKEN, "")


@pytest.mark.parametrize("task", [deliver_outbox, sweep_outbox])
def test_each_task_delivers_what_is_due(deliverers, task):
    deliverers["test.note"] = lambda payload: {}
    ask("x1")

    task()

    assert Effect.objects.get().state == "done"
