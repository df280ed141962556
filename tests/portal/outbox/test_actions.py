"""Asking for an effect: once, in the transaction that causes it, without the broker."""

import json
from itertools import takewhile

import psycopg
import pytest
from django.db import connection, transaction

from portal.ledger.models import LedgerLeaf
from portal.outbox.actions import enqueue, replay
from portal.outbox.models import Effect
from portal.policy.refusal import Stale
from tests.pace import SHARED
from tests.portal.outbox.conftest import START


def ask(key="one", kind="test.note", subject=None, **payload):
    enqueue(kind=kind, key=key, payload=payload, at=START, subject=subject)


def states():
    return list(Effect.objects.order_by("id").values_list("key", "state"))


@pytest.mark.django_db
def test_asking_twice_with_one_key_keeps_the_first_effect():
    ask(text="first")
    ask(text="second")

    assert list(Effect.objects.values_list("key", "payload")) == [("one", {"text": "first"})]


@pytest.mark.django_db(transaction=True)
def test_asking_outside_of_a_transaction_is_refused():
    with pytest.raises(ValueError, match="transaction"):
        ask()


@pytest.mark.django_db
def test_a_payload_that_uses_the_reserved_field_is_refused():
    with pytest.raises(ValueError, match="key"):
        enqueue(kind="test.note", key="one", payload={"key": "mine"}, at=START)


@pytest.mark.django_db
def test_a_newer_effect_supersedes_the_waiting_one_about_the_same_thing_only():
    ask("a1", subject="run-1")
    ask("b1", subject="run-2")
    ask("c1", kind="test.other", subject="run-1")
    ask("n1")
    ask("a2", subject="run-1")

    assert states() == [
        ("a1", "superseded"),
        ("b1", "waiting"),
        ("c1", "waiting"),
        ("n1", "waiting"),
        ("a2", "waiting"),
    ]


@pytest.mark.django_db
def test_what_was_delivered_already_is_not_superseded():
    ask("a1", subject="run-1")
    Effect.objects.update(state="done")
    ask("a2", subject="run-1")

    assert states() == [("a1", "done"), ("a2", "waiting")]


def listener():
    """A connection of its own that hears what the scheduler would hear."""
    settings = connection.settings_dict
    line = psycopg.connect(
        dbname=settings["NAME"], user=settings["USER"], host=settings["HOST"], password=settings["PASSWORD"], autocommit=True
    )
    line.execute("LISTEN outbox")
    return line


@pytest.mark.django_db(transaction=True)
def test_a_commit_notifies_and_a_rollback_does_not():
    with listener() as line, listener() as other:

        def heard():
            """Up to a word of another that is said now."""
            other.execute("NOTIFY outbox, 'asked'")
            return list(takewhile(lambda note: note.payload != "asked", line.notifies(timeout=30 * SHARED)))

        with transaction.atomic():
            ask("kept")
            assert heard() == []
        kept = heard()
        with transaction.atomic():
            ask("lost")
            transaction.set_rollback(True)
        lost = heard()

    assert [note.channel for note in kept] == ["outbox"]
    assert lost == []
    assert states() == [("kept", "waiting")]


@pytest.fixture
def quarantined(db):
    ask("q1", subject="run-1")
    Effect.objects.update(state="quarantined", attempts=5, error="refused")
    return Effect.objects.get()


def test_a_replay_starts_again_and_says_who_asked(quarantined, django_user_model):
    rex = django_user_model.objects.create_user("rex@northwind.example", "Rex")

    replay(effect=quarantined, by=rex, at=START)

    quarantined.refresh_from_db()
    entry = LedgerLeaf.objects.select_related("body").get(kind="effect.replayed")
    assert (quarantined.state, quarantined.attempts, quarantined.error) == ("waiting", 0, "")
    assert (entry.stream, entry.actor) == ("outbox", f"user:{rex.pk}")
    assert json.loads(entry.body.payload)["fact"] == {"effect": "q1", "kind": "test.note", "error": "refused", "attempts": 5}


def test_a_replay_of_what_is_not_in_quarantine_is_stale(quarantined, django_user_model):
    rex = django_user_model.objects.create_user("rex@northwind.example", "Rex")
    replay(effect=quarantined, by=rex, at=START)

    with pytest.raises(Stale):
        replay(effect=quarantined, by=rex, at=START)


def test_a_replay_that_would_overwrite_a_newer_version_is_stale(quarantined, django_user_model):
    rex = django_user_model.objects.create_user("rex@northwind.example", "Rex")
    ask("q2", subject="run-1")

    with pytest.raises(Stale):
        replay(effect=quarantined, by=rex, at=START)
    assert Effect.objects.get(key="q1").state == "quarantined"


@pytest.mark.django_db
def test_an_effect_without_a_subject_is_replayed_whatever_came_after(django_user_model):
    ask("q1")
    Effect.objects.update(state="quarantined")
    ask("q2")

    replay(effect=Effect.objects.get(key="q1"), by=django_user_model.objects.create_user("rex@northwind.example", "Rex"), at=START)

    assert states() == [("q1", "waiting"), ("q2", "waiting")]
