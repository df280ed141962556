"""Demand 2: the cap counts what comes out of the decoder, and nothing beyond it is ever held (threat T23)."""

import gzip
import tracemalloc

import brotli
import pytest

from changes.connectors.errors import TooLarge
from changes.connectors.http import Client
from tests.changes.connectors.http import hostile
from tests.pace import SHARED

CAP = 1024 * 1024


def client(server: hostile.Server) -> Client:
    return Client(base_url=server.url, cap=CAP, deadline=5 * SHARED, private_hosts=["127.0.0.1"])


BEHAVIOURS = {
    "gzip_bomb": lambda: hostile.gzip_bomb(300),
    "brotli_bomb": lambda: hostile.brotli_bomb(300),
    "endless_body": lambda: hostile.endless_body,
    "endless_headers": lambda: hostile.endless_headers,
}
"""Made only where they are served: each process loads this file."""


@pytest.mark.parametrize("made", BEHAVIOURS.values(), ids=BEHAVIOURS.keys())
def test_an_answer_over_the_cap_is_refused_and_never_held(made) -> None:
    with hostile.serving(made()) as server:
        before = resident_kib()
        tracemalloc.start()
        with pytest.raises(TooLarge, match="GET /bomb answered with more than 1048576 bytes"):
            client(server).request(path="/bomb")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 4 * CAP
    assert resident_kib() - before < 40 * 1024


def resident_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("size", [0, 1, CAP - 1, CAP])
def test_a_body_up_to_the_cap_arrives_whole(size: int) -> None:
    body = b"x" * size

    with hostile.serving(hostile.answers(body)) as server:
        assert client(server).request(path="/").body == body


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("br", brotli.compress)], ids=["gzip", "brotli"])
def test_an_encoded_body_is_decoded(encoding: str, encode) -> None:
    behaviour = hostile.answers(encode(b'{"a":1}'), headers=f"Content-Encoding: {encoding}\r\n")

    with hostile.serving(behaviour) as server:
        assert client(server).request(path="/").json() == {"a": 1}


def test_the_cap_counts_decoded_bytes_not_the_stated_length() -> None:
    behaviour = hostile.answers(gzip.compress(b"x" * (CAP + 1)), headers="Content-Encoding: gzip\r\n")

    with hostile.serving(behaviour) as server, pytest.raises(TooLarge):
        client(server).request(path="/")
