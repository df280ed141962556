"""Deliveries that come together are written together; none takes another one along, and the workers are woken once."""

import time
import uuid
from itertools import takewhile

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, connections

from changes.connectors import hooks, storing, tray
from changes.connectors.models import Delivery
from tests.changes.connectors.test_door import STORY, body_of, opened, refuse, signed
from tests.changes.stories import connect
from tests.lean import lean_client
from tests.pace import SHARED

pytestmark = pytest.mark.django_db(transaction=True)
STRANGE = body_of({"strange": True})


@pytest.fixture
def client():
    with lean_client() as found:
        yield found


def asked(body, delivery=None, **more):
    """One signed request."""
    named = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": delivery or str(uuid.uuid4()), "X-Hub-Signature-256": signed(body)}
    return "POST", "/hooks/github/", body, {**named, **more}


@pytest.fixture
def written(monkeypatch):
    """How many deliveries each statement wrote; each takes its time, so that others come meanwhile."""
    found, real = [], storing._store

    def noted(deliveries):
        found.append(len(deliveries))
        time.sleep(0.05 * SHARED)
        return real(deliveries)

    monkeypatch.setattr(storing, "_store", noted)
    return found


@pytest.fixture
def rings():
    """How often a listener hears the channel of the inbox, until it hears that we ask."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as listener:
        listener.execute("LISTEN inbox")

        def heard():
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY inbox, 'asked'")
            notes = listener.notifies(timeout=30 * SHARED)
            return len(list(takewhile(lambda note: note.payload != "asked", notes)))

        yield heard


def test_what_comes_together_is_written_together_and_all_of_it(client, written):
    connect(STORY)
    bodies = [body_of(opened(number=number)) for number in range(100)]

    answers = client.at_once([asked(body) for body in bodies])

    assert {answer.status_code for answer in answers} == {202}
    assert Delivery.objects.count() == sum(written) == 100
    assert len(written) < 20
    assert max(written) <= tray.MANY


def test_a_batch_wakes_the_workers_once_and_a_known_delivery_does_not(client, rings):
    connect(STORY)
    known = asked(b"{}", delivery="known")
    client.at_once([known])
    assert rings() == 1

    client.at_once([known])

    assert rings() == 0


def test_of_one_id_twice_in_a_batch_the_first_is_kept(client, written):
    connect(STORY)
    client.at_once([asked(b"7")])
    opening = [asked(body_of(opened(number=number))) for number in range(3)]
    same = [asked(b"{}", delivery="same"), asked(b"{}", delivery="same"), asked(b"[]", delivery="same")]

    words = [answer.json()["state"] for answer in client.at_once([*opening, *same])[3:]]

    assert words == [storing.ACCEPTED, storing.ALREADY, storing.CONTRADICTED]
    assert Delivery.objects.count() == 5
    assert max(written) > 1


def test_a_delivery_that_the_database_refuses_takes_no_other_along(client, monkeypatch, written):
    connect(STORY)
    slow = storing._store

    def picky(deliveries):
        if any(delivery.body == STRANGE for delivery in deliveries):
            raise IntegrityError("refused")
        return slow(deliveries)

    monkeypatch.setattr(storing, "_store", picky)

    answers = client.at_once([asked(body) for body in (b"1", b"2", STRANGE, b"3")])

    assert [answer.status_code for answer in answers] == [202, 202, 503, 202]
    assert Delivery.objects.count() == 3


def test_when_the_database_is_away_everybody_hears_it_after_one_wait(client, monkeypatch):
    connect(STORY)
    client.at_once([asked(b"{}")])
    waits = []

    def away(deliveries):
        waits.append(len(deliveries))
        time.sleep(0.2 * SHARED)
        raise OperationalError("no connection")

    monkeypatch.setattr(tray, "store", away)

    answers = client.at_once([asked(str(number).encode()) for number in range(200)])

    assert {answer.status_code for answer in answers} == {503}
    assert len(waits) <= 2


def test_a_connection_that_died_while_it_was_kept_costs_nobody_a_delivery(client):
    connect(STORY)
    client.at_once([asked(b"{}")])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%changes_delivery%'"
        )
        assert cursor.fetchone()[0] >= 1

    assert client.at_once([asked(b"[]")])[0].status_code == 202
    assert Delivery.objects.count() == 2


def test_the_connection_is_given_back_while_nothing_comes(client, monkeypatch):
    connect(STORY)
    monkeypatch.setattr(tray, "IDLE", 0.5)
    before = _connections()
    client.at_once([asked(b"{}")])
    its = _connections() - before
    assert its

    deadline = time.monotonic() + 5 * SHARED
    while its & _connections() and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not its & _connections()
    assert client.at_once([asked(b"[]")])[0].status_code == 202


def test_a_fault_of_ours_is_told_with_a_reference_and_the_door_goes_on(client, monkeypatch, caplog):
    connect(STORY)
    with monkeypatch.context() as patch:
        patch.setattr(tray, "store", refuse(KeyError("a fault")))
        answer = client.at_once([asked(b"{}")])[0]

    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.json()["error"]
    assert "KeyError" in caplog.text
    assert client.at_once([asked(b"{}")])[0].status_code == 202


def test_a_large_delivery_is_verified_aside_and_stored(client, monkeypatch):
    connect(STORY)
    body = b"{" + b" " * hooks.AT_ONCE + b"}"
    client.at_once([asked(b"{}")])
    monkeypatch.setattr(hooks, "examine", refuse(AssertionError("in the event loop")))

    assert client.at_once([asked(body)])[0].status_code == 202
    assert Delivery.objects.latest("id").body_size == len(body)


def test_a_tray_that_ended_begins_again_with_the_next_delivery(client):
    connect(STORY)
    assert client.at_once([asked(b"1")])[0].status_code == 202
    tray.TRAY.end()
    tray.TRAY.end()

    assert client.at_once([asked(b"2")])[0].status_code == 202


def _connections():
    """Numbers of the processes that serve this database, ours left out. Others than the tray's may be among them."""
    own = [each.connection.info.backend_pid for each in connections.all() if each.connection]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND NOT pid = ANY(%s)"
            " AND backend_type = 'client backend'",
            [own],
        )
        return {pid for (pid,) in cursor.fetchall()}
