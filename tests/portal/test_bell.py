"""The bell: said after the commit, never for what was rolled back, once for what was said often; it does not wait for the disk."""

from itertools import takewhile

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from structlog.contextvars import clear_contextvars

from portal import bell
from portal.bell import after_commit
from tests.pace import SHARED

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def outside_of_a_request():
    """What the last request of another test had bound would be the word."""
    clear_contextvars()


@pytest.fixture
def heard():
    """All that a listener has heard since it was asked last: channel and word, up to a word of another that is said now."""
    here = connection.get_connection_params()
    with psycopg.connect(**here, autocommit=True) as listener, psycopg.connect(**here, autocommit=True) as other:
        listener.execute("LISTEN live")
        listener.execute("LISTEN outbox")

        def all_of_it():
            other.execute("NOTIFY live, 'asked'")
            notes = takewhile(lambda said: said.payload != "asked", listener.notifies(timeout=30 * SHARED))
            return [(said.channel, said.payload) for said in notes]

        yield all_of_it


def test_outside_of_a_transaction_it_is_said_at_once(heard):
    after_commit("live", "inbox")

    assert heard() == [("live", "inbox")]


def test_nothing_is_said_before_the_commit_and_each_word_once_after_it(heard):
    with transaction.atomic():
        for _ in range(3):
            after_commit("live", "inbox")
            after_commit("outbox")
        assert heard() == []

    assert heard() == [("live", "inbox"), ("outbox", "")]


def test_words_of_one_transaction_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(len(["BEGIN", "COMMIT", "SELECT"])), transaction.atomic():
        for number in range(10):
            after_commit("live", f"change-{number}")


def test_a_savepoint_that_is_rolled_back_takes_only_its_own_words_along(heard):
    with transaction.atomic():
        after_commit("live", "before")
        with transaction.atomic():
            after_commit("live", "lost")
            transaction.set_rollback(True)
        with transaction.atomic():
            after_commit("live", "kept")
        after_commit("live", "after")

    assert sorted(heard()) == [("live", "after"), ("live", "before"), ("live", "kept")]


def test_a_rollback_says_nothing(heard):
    with transaction.atomic():
        after_commit("live", "lost")
        transaction.set_rollback(True)

    assert heard() == []


def test_a_word_that_cannot_be_said_does_not_undo_what_was_committed(monkeypatch, caplog):
    class Away:
        def cursor(self):
            raise OperationalError("the server closed the connection")

    with transaction.atomic():
        after_commit("live", "lost")
        monkeypatch.setattr(bell, "connection", Away())

    assert "bell.lost" in caplog.text


def test_the_statement_does_not_wait_for_the_disk():
    with connection.cursor() as cursor:
        cursor.execute(bell.SAY, [["live"], ["x"]])
        assert cursor.fetchone() == ("off", 1)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
