"""One worker: what ends how, and when it is tried again."""

from datetime import timedelta

import pytest

from portal.outbox import delivery, mail, registry
from portal.outbox.actions import enqueue
from portal.outbox.delivery import Outcome, deliver_due
from portal.outbox.errors import Passing, Permanent
from portal.outbox.models import Effect
from portal.outbox.queries import outbox_health, quarantined_effects
from tests.portal.outbox.conftest import START

pytestmark = pytest.mark.django_db


def ask(key="one", kind="test.note", subject=None, at=START, **payload):
    enqueue(kind=kind, key=key, payload=payload, at=at, subject=subject)


def raises(problem):
    def function(payload):
        raise problem

    return function


def test_a_delivered_effect_keeps_its_result(deliverers, clock):
    deliverers["test.note"] = lambda payload: {"seen": dict(payload)}
    ask(text="hello")

    assert deliver_due(now=clock) == {Outcome.DONE: 1}

    effect = Effect.objects.get()
    assert (effect.state, effect.done_at, effect.attempts) == ("done", START, 1)
    assert effect.result == {"seen": {"text": "hello", "key": "one"}}


def test_a_delivered_effect_is_not_delivered_again(deliverers, clock):
    calls = []
    deliverers["test.note"] = lambda payload: calls.append(payload["key"]) or {}
    ask()

    deliver_due(now=clock)
    clock.pass_by(days=1)
    deliver_due(now=clock)

    assert calls == ["one"]


def test_an_effect_is_not_delivered_before_its_time(deliverers, clock):
    deliverers["test.note"] = lambda payload: {}
    ask(at=START + timedelta(minutes=1))

    assert deliver_due(now=clock) == {}

    clock.pass_by(minutes=1)
    assert deliver_due(now=clock) == {Outcome.DONE: 1}


def test_a_permanent_error_goes_to_quarantine_at_once_with_its_reason(deliverers, clock):
    deliverers["test.note"] = raises(Permanent("the repository is archived"))
    ask()

    assert deliver_due(now=clock) == {Outcome.QUARANTINED: 1}

    effect = Effect.objects.get()
    assert (effect.state, effect.attempts, effect.error) == ("quarantined", 1, "the repository is archived")


@pytest.mark.parametrize("problem", [Passing(reason="HTTP 502"), RuntimeError("HTTP 502")])
def test_a_passing_error_is_tried_five_times_with_growing_waits(deliverers, clock, problem):
    deliverers["test.note"] = raises(problem)
    ask()
    waits = []

    while Effect.objects.get().state == "waiting":
        deliver_due(now=clock)
        effect = Effect.objects.get()
        if effect.state == "waiting":
            waits.append((effect.not_before - clock.at).total_seconds())
            clock.at = effect.not_before

    assert (effect.state, effect.attempts) == ("quarantined", 5)
    assert "HTTP 502" in effect.error
    bounds = [(3.75, 6.25), (15, 25), (60, 100), (240, 400)]
    assert len(waits) == len(bounds)
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True))


def test_a_wait_that_the_vendor_asked_for_is_kept_and_does_not_count(deliverers, clock):
    deliverers["test.note"] = raises(Passing(retry_after=timedelta(minutes=20)))
    ask()

    for _ in range(7):
        assert deliver_due(now=clock) == {Outcome.POSTPONED: 1}
        effect = Effect.objects.get()
        assert (effect.state, effect.attempts) == ("waiting", 0)
        assert effect.not_before - clock.at == timedelta(minutes=20)
        clock.at = effect.not_before


def test_a_vendor_that_postpones_for_more_than_a_day_is_counted(deliverers, clock):
    deliverers["test.note"] = raises(Passing(retry_after=timedelta(minutes=1), reason="HTTP 429"))
    ask()
    clock.pass_by(days=1)

    for _ in range(5):
        deliver_due(now=clock)
        clock.pass_by(hours=2)

    effect = Effect.objects.get()
    assert (effect.state, effect.error) == ("quarantined", "HTTP 429")


def test_a_kind_that_nobody_delivers_waits_and_then_shows(deliverers, clock):
    ask(kind="test.unknown")

    for _ in range(5):
        deliver_due(now=clock)
        clock.pass_by(hours=1)

    assert Effect.objects.get().error == "nobody here delivers 'test.unknown'"
    assert [effect.key for effect in quarantined_effects()] == ["one"]


def test_a_failing_kind_does_not_keep_the_others_waiting(deliverers, clock):
    calls = []

    def fail(payload):
        calls.append(payload["key"])
        raise Passing(reason="HTTP 500")

    deliverers["test.down"] = fail
    deliverers["test.note"] = lambda payload: {}
    for number in range(20):
        ask(f"down-{number}", kind="test.down")
    ask("up")

    deliver_due(now=clock)

    assert len(calls) == delivery.FAILURES_PER_KIND
    assert Effect.objects.get(key="up").state == "done"


def test_a_rate_limit_stops_its_kind_for_this_run(deliverers, clock):
    deliverers["test.limited"] = raises(Passing(retry_after=timedelta(minutes=1)))
    for number in range(3):
        ask(f"limited-{number}", kind="test.limited")

    assert deliver_due(now=clock) == {Outcome.POSTPONED: 1}


def test_a_run_ends_after_its_time(deliverers, clock):
    deliverers["test.slow"] = lambda payload: clock.pass_by(seconds=15) or {}
    for number in range(5):
        ask(f"slow-{number}", kind="test.slow")

    assert deliver_due(now=clock) == {Outcome.DONE: 3}


def test_rows_of_a_deliverer_that_failed_are_not_kept(deliverers, clock):
    def write_and_fail(payload):
        ask("child", kind="test.child", at=START + timedelta(days=1))
        raise Passing(reason="HTTP 500")

    deliverers["test.note"] = write_and_fail
    ask()

    deliver_due(now=clock)

    assert list(Effect.objects.values_list("key", flat=True)) == ["one"]


def test_a_result_that_is_not_json_is_an_error_and_not_a_lost_effect(deliverers, clock):
    deliverers["test.note"] = lambda payload: {"bad": object()}
    ask()

    assert deliver_due(now=clock) == {Outcome.FAILED: 1}
    assert "JSON" in Effect.objects.get().error


def test_an_effect_whose_worker_died_five_times_is_quarantined_undelivered(deliverers, clock):
    calls = []
    deliverers["test.note"] = lambda payload: calls.append(1) or {}
    ask()
    for _ in range(5):
        assert delivery.book(at=clock.at) is not None
        clock.pass_by(minutes=1)

    assert deliver_due(now=clock) == {Outcome.QUARANTINED: 1}
    assert calls == []
    assert "died" in Effect.objects.get().error


def test_only_the_newest_version_of_a_subject_is_delivered(deliverers, clock):
    calls = []
    deliverers["test.note"] = lambda payload: calls.append(payload["key"]) or {}
    ask("v1", subject="run")
    ask("v2", subject="run")
    Effect.objects.filter(key="v1").update(state="waiting")

    deliver_due(now=clock)

    assert calls == ["v2"]
    assert Effect.objects.get(key="v1").state == "superseded"


def test_a_failed_version_gives_way_to_a_newer_one(deliverers, clock):
    calls = []

    def fail_first(payload):
        calls.append(payload["key"])
        if payload["key"] == "v1":
            raise Passing(reason="HTTP 500")
        return {}

    deliverers["test.note"] = fail_first
    ask("v1", subject="run")
    deliver_due(now=clock)
    ask("v2", subject="run")
    deliver_due(now=clock)

    assert calls == ["v1", "v2"]
    assert list(Effect.objects.order_by("id").values_list("state", flat=True)) == ["superseded", "done"]


def test_a_kind_has_one_deliverer():
    registry.deliverer(mail.KIND)(mail.deliver_mail)

    with pytest.raises(ValueError, match="mail"):
        registry.deliverer(mail.KIND)(lambda payload: {})
    assert registry.deliverer_of(mail.KIND) is mail.deliver_mail
    assert mail.KIND in registry.kinds()


def test_the_health_of_an_empty_outbox_is_good(clock):
    health = outbox_health(at=clock.at)

    assert (health.waiting, health.oldest_waiting_at, health.quarantined, health.stuck) == (0, None, 0, False)


def test_an_effect_that_waited_five_minutes_is_an_alarm(clock):
    ask()

    assert not outbox_health(at=START + timedelta(minutes=5)).stuck
    assert outbox_health(at=START + timedelta(minutes=6)).stuck
    assert outbox_health(at=START).oldest_waiting_at == START
