"""The sender against a broker that is away, that hangs, and a real one."""

import json
import signal
import socket
import threading
import time

import pytest
import redis

from portal.runtime import leash, sender, valkey
from portal.runtime.sender import Sender
from tests.pace import SHARED
from tests.stack import wait_for


@pytest.fixture
def begin(monkeypatch):
    monkeypatch.setattr(sender, "RETRY_SECONDS", 0.05)
    running = []

    def start(broker):
        said = []
        running.append(Sender(broker=broker, say=said.append))
        running[-1].start()
        return running[-1], said

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def broker(places):
    server = valkey.locate(places=places)
    with (places.log / "valkey.log").open("ab") as log:
        process = leash.spawn(argv=server.command(), env={}, log=log, orphaned=signal.SIGTERM)
    wait_for(server.answers, what="the broker")
    yield server
    process.kill()
    process.wait()


@pytest.fixture
def half_open():
    """A broker that takes connections and never says a word."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(16)
        yield f"redis://127.0.0.1:{door.getsockname()[1]}/0"


def queued(server):
    with redis.Redis(unix_socket_path=str(server.socket)) as line:
        return [json.loads(raw)["headers"] for raw in line.lrange("celery", 0, -1)]


def test_a_task_arrives_in_the_queue_of_the_workers_with_an_end_date(begin, broker):
    ours, _ = begin(broker.url)

    ours.send(task="a.task", expires=30)

    headers = wait_for(lambda: queued(broker), what="the message")
    assert [(each["task"], each["lang"], bool(each["expires"]), each["ignore_result"]) for each in headers] == [
        ("a.task", "py", True, True)
    ]
    assert ours.waiting() == set()


def test_a_broker_that_is_away_delays_nobody_and_gets_each_task_once_later(begin, places):
    server = valkey.locate(places=places)
    ours, said = begin(server.url)

    began = time.monotonic()
    for _ in range(100):
        ours.send(task="a.task")
        ours.send(task="b.task")
    assert time.monotonic() - began < 0.2 * SHARED
    wait_for(lambda: said, what="the complaint")
    with (places.log / "valkey.log").open("ab") as log:
        process = leash.spawn(argv=server.command(), env={}, log=log, orphaned=signal.SIGTERM)
    try:
        wait_for(lambda: server.answers() and len(queued(server)) == 2, what="both tasks")
    finally:
        process.kill()
        process.wait()

    assert len(said) == 2
    assert said[0].startswith("the broker takes nothing")
    assert said[1] == "the broker takes tasks again"


def test_a_broker_that_never_answers_is_given_up_within_its_time_limit(begin, half_open):
    ours, said = begin(half_open)

    began = time.monotonic()
    ours.send(task="a.task")
    assert time.monotonic() - began < 0.1 * SHARED

    wait_for(lambda: said, seconds=15, what="the complaint")
    ours.send(task="b.task")
    assert {"a.task", "b.task"} >= ours.waiting()


def test_it_can_be_stopped_while_the_broker_is_away(begin, places):
    ours, said = begin(valkey.locate(places=places).url)
    ours.send(task="a.task")
    wait_for(lambda: said, what="the complaint")

    ours.stop()

    wait_for(
        lambda: not any(thread.name == "sender" and thread.is_alive() for thread in threading.enumerate()),
        what="the end of the thread",
    )
