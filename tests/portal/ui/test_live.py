"""Live streams over real HTTP: who hears what, when a stream ends, and what three hundred waiting pages cost."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from portal.access.models import User
from portal.access.permissions import P
from portal.ui import doorbell, switchboard
from portal.ui.live import MOST_TOPICS
from tests.browser import listens, session_of
from tests.connections import waiting
from tests.pace import SHARED
from tests.portal.access.people import person
from tests.portal.ui.streams import PATIENCE, Reader

OPEN = "retry: 3000"
ROUND = switchboard.CHECK_EVERY


@pytest.fixture
def listen(site, monkeypatch):
    """Factory: a stream of a person; all are closed at the end."""
    monkeypatch.setattr(switchboard, "CHECK_EVERY", 0.3)
    readers = []

    def start(topics, *, by=None, session=None):
        key = session if session is not None else session_of(by) if by else ""
        readers.append(Reader(site, topics, session=key))
        return readers[-1]

    yield start
    for reader in readers:
        reader.close()
    # A listener of an earlier page may still be in its own, longer round.
    _wait_until(lambda: connections_named("countersign-live") == 0, seconds=2 * ROUND)


def connections_named(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()", [name])
        return cursor.fetchone()[0]


def connections_in_all():
    """Those that pages have given back, and that only the tests keep for the next page, are not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND NOT pid = ANY(%s::int[])", [waiting()]
        )
        return cursor.fetchone()[0]


def _wait_until(ready, seconds=6):
    deadline = time.monotonic() + seconds * SHARED
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def opened(reader):
    reader.until(OPEN)
    _wait_until(listens)
    return reader


def test_a_bell_is_heard_by_its_topic_and_by_no_other(listen):
    ann = person("Ann")
    one, other = opened(listen("change-12,inbox", by=ann)), opened(listen("change-13", by=ann))

    doorbell.ring("change-12")

    assert "event: change-12\ndata: change-12" in one.until("data: change-12")
    assert other.hears_nothing()


def test_a_stream_is_neither_compressed_nor_stored_and_carries_the_policy(listen):
    heads = opened(listen("inbox", by=person("Ann"))).heard.lower()

    assert "content-type: text/event-stream" in heads
    assert "content-encoding: identity" in heads
    assert "no-store" in heads
    assert "x-accel-buffering: no" in heads
    assert "content-security-policy: default-src 'none'" in heads


def test_a_rollback_rings_nothing_and_ten_rings_are_one(listen):
    reader = opened(listen("change-12", by=person("Ann")))

    with transaction.atomic():
        doorbell.ring("change-12")
        transaction.set_rollback(True)
    assert reader.hears_nothing()

    with transaction.atomic():
        for _ in range(10):
            doorbell.ring("change-12")
    reader.socket.settimeout(PATIENCE)
    reader.until("data: change-12")

    assert reader.hears_nothing()
    assert reader.heard.count("data: change-12") == 1


def test_a_stream_ends_when_its_session_does(listen):
    reader = opened(listen("inbox", by=person("Ann")))

    Session.objects.all().delete()

    assert "event: ended" in reader.until("event: ended")


def test_a_stream_ends_when_the_password_changes_and_when_the_person_leaves(listen):
    ann, bob = person("Ann"), person("Bob")
    of_ann, of_bob = opened(listen("inbox", by=ann)), opened(listen("inbox", by=bob))

    ann.set_password("another long password")
    ann.save()
    bob.is_active = False
    bob.save()

    of_ann.until("event: ended")
    of_bob.until("event: ended")


def test_whoever_may_not_see_a_thing_does_not_hear_it(listen):
    reader = opened(listen("inbox,integrations", by=person("Ann")))

    doorbell.ring("integrations")

    assert reader.hears_nothing()


def test_only_topics_that_one_may_not_hear_are_refused(listen):
    assert " 403 " in listen("integrations", by=person("Ann")).until("\r\n")


@pytest.mark.parametrize(
    "topics",
    ["", "nonsense", "change-12;drop", "CHANGE-12", "change-" + "1" * 41, ",".join(f"change-{n}" for n in range(MOST_TOPICS + 1))],
)
def test_what_is_no_topic_is_refused(listen, topics):
    assert " 400 " in listen(topics, by=person("Ann")).until("\r\n")


def test_nobody_listens_without_signing_in(listen):
    assert " 302 " in listen("inbox").until("\r\n")
    assert " 302 " in listen("inbox", session="x" * 32).until("\r\n")


def test_ringing_a_bell_that_does_not_exist_raises(transactional_db):
    with pytest.raises(doorbell.UnknownTopic):
        doorbell.ring("chnage-12")
    with pytest.raises(ValueError, match="already"):
        doorbell.family("inbox", P.LEDGER_SEE)


def test_one_session_cannot_take_every_stream(listen, monkeypatch):
    monkeypatch.setattr(switchboard, "MOST_OF_ONE", 2)
    key = session_of(person("Ann"))
    opened(listen("inbox", session=key))
    opened(listen("inbox", session=key))

    assert " 429 " in listen("inbox", session=key).until("\r\n")


def test_many_waiting_streams_share_one_connection_and_hear_the_bell_together(listen):
    keys = [session_of(person(f"Person {n}", "engineer")) for n in range(3)]
    readers = [opened(listen("inbox,change-12", session=keys[n % 3])) for n in range(60)]

    began = time.monotonic()
    doorbell.ring("change-12")
    for reader in readers:
        reader.until("data: change-12")

    assert time.monotonic() - began < 2 * SHARED
    assert connections_named("countersign-live") == 1
    assert connections_in_all() <= 4


def test_the_listener_comes_back_and_rings_everything_after_the_database_was_away(listen, monkeypatch):
    monkeypatch.setattr(switchboard, "COME_BACK", 0.2)
    reader = opened(listen("change-12", by=person("Ann")))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            ["countersign-live"],
        )

    reader.until("data: change-12")


class Answers:
    """A connection on which a stream joins while the first question is being answered."""

    def __init__(self, streams, late, rows):
        self.streams, self.late, self.rows = streams, late, iter(rows)

    async def execute(self, *question):
        self.streams.add(self.late)
        return self

    async def fetchall(self):
        return next(self.rows)


def test_a_stream_that_joins_during_the_check_is_not_ended_by_it():
    here, gone, late = (switchboard.Stream(frozenset({"inbox"}), key, 1, stamp_of("x")) for key in ("here", "gone", "late"))
    streams = {here, gone}

    # In a thread: Playwright keeps an event loop in this one once any browser test has run.
    check = switchboard._end_without_session(Answers(streams, late, [[("here",)], [(1, "x")]]), streams)
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, check).result()

    assert [stream.ended for stream in (here, gone, late)] == [False, True, False]


def stamp_of(password):
    return User(pk=1, password=password).get_session_auth_hash()
