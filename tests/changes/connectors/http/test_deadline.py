"""Demand 1: one total deadline, however the other side drags its feet (threat T24)."""

import socket
import time

import pytest

from changes.connectors.errors import Passing
from changes.connectors.http import Client
from tests.changes.connectors.http import hostile
from tests.pace import SHARED

DEADLINE = 0.6
SLACK = 0.5 * SHARED
"""Seconds that a busy machine may take on top."""


def ask(url: str, **more) -> float:
    """How long it took until the client gave up."""
    client = Client(base_url=url, deadline=DEADLINE, private_hosts=["127.0.0.1"])
    began = time.monotonic()
    with pytest.raises(Passing, match="no complete answer in time"):
        client.request(path="/slow", **more)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.drips_headers,
        hostile.drips_body,
        hostile.drips_chunks,
        hostile.drips_early_hints,
        hostile.says_nothing,
        hostile.stops_in_the_middle,
    ],
    ids=lambda behaviour: behaviour.__name__,
)
def test_the_deadline_is_total_when_the_vendor(behaviour) -> None:
    with hostile.serving(behaviour) as server:
        took = ask(server.url)

    assert DEADLINE - 0.1 < took < DEADLINE + SLACK


def test_the_deadline_covers_a_dripping_tls_handshake() -> None:
    with hostile.serving(hostile.shakes_hands_slowly, reads=False) as server:
        took = ask(f"https://127.0.0.1:{server.port}")

    assert took < DEADLINE + SLACK


def test_the_deadline_covers_a_connect_that_nobody_accepts() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())

    took = ask(f"http://127.0.0.1:{listener.getsockname()[1]}")

    for one in (*waiting, listener):
        one.close()
    assert took < DEADLINE + SLACK


def test_the_deadline_covers_a_body_that_nobody_reads() -> None:
    with hostile.serving(hostile.says_nothing, reads=False) as server:
        took = ask(server.url, method="POST", body={"long": "x" * 30_000_000})

    assert took < DEADLINE + SLACK


def test_the_deadline_is_shared_by_all_hops_of_a_redirect() -> None:
    def redirects_slowly(connection: socket.socket, request: bytes) -> None:
        time.sleep(DEADLINE * 0.7)
        hostile.answers(status="301 Moved Permanently", headers="Location: /again\r\n")(connection, request)

    with hostile.serving(redirects_slowly) as server:
        took = ask(server.url, follow=True)

    assert took < DEADLINE + SLACK


def test_a_client_that_ran_into_the_deadline_works_again() -> None:
    with hostile.serving(hostile.says_nothing) as slow, hostile.serving(hostile.answers(b'{"ok":true}')) as good:
        ask(slow.url)
        answer = Client(base_url=good.url, private_hosts=["127.0.0.1"]).request(path="/")

    assert answer.json() == {"ok": True}
