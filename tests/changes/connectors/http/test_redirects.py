"""Demand 4: no redirects, except those that GitHub documents, on the same host, when the caller asks for them."""

import pytest

from changes.connectors.errors import AddressRefused, Invalid
from changes.connectors.http import Client
from tests.changes.connectors.http import hostile


def moves(status: int, location: str) -> hostile.Behaviour:
    """Redirect every path but /new."""

    def behave(connection, request: bytes) -> None:
        moved = hostile.answers(b'{"message":"Moved"}', status=f"{status} Moved", headers=f"Location: {location}\r\n")
        here = hostile.answers(b'{"here":true}')
        (here if b" /new " in request.split(b"\r\n")[0] else moved)(connection, request)

    return behave


def client(server: hostile.Server) -> Client:
    return Client(base_url=server.url, headers={"Authorization": "Bearer kept-secret"}, private_hosts=["127.0.0.1"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_when_nobody_asked_to_follow(status: int) -> None:
    with hostile.serving(moves(status, "/new")) as server:
        answer = client(server).request(path="/old")

    assert (answer.status, len(server.requests)) == (status, 1)
    with pytest.raises(Invalid):
        answer.checked()


@pytest.mark.parametrize("status", [301, 307, 308])
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "path only"])
def test_a_documented_redirect_on_the_same_host_is_followed_when_asked(status: int, absolute: bool) -> None:
    server_url = []

    def behave(connection, request: bytes) -> None:
        moves(status, f"{server_url[0] if absolute else ''}/new")(connection, request)

    with hostile.serving(behave) as server:
        server_url.append(server.url)
        answer = client(server).request(path="/old", follow=True)

    assert answer.json() == {"here": True}


@pytest.mark.parametrize("status", [302, 303])
def test_another_redirect_is_refused_even_when_asked_to_follow(status: int) -> None:
    with hostile.serving(moves(status, "/new")) as server, pytest.raises(Invalid, match="not followed"):
        client(server).request(path="/old", follow=True)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/new",
        "https://127.0.0.1/new",
        "http://169.254.169.254/latest/meta-data",
        "//evil.example/new",
        "http://127.0.0.1@evil.example/new",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "/new\\@evil",
        "",
    ],
)
def test_a_redirect_to_another_place_is_refused_and_gets_nothing(location: str) -> None:
    with hostile.serving(moves(301, location)) as server, pytest.raises(AddressRefused, match="redirected"):
        client(server).request(path="/old", follow=True)

    assert len(server.requests) == 1


def test_a_redirect_is_followed_three_times_and_no_more() -> None:
    with hostile.serving(moves(301, "/old")) as server, pytest.raises(Invalid, match="more than 3 times"):
        client(server).request(path="/old", follow=True)

    assert len(server.requests) == 4


def test_a_moved_write_keeps_its_method_and_body_or_is_refused() -> None:
    with hostile.serving(moves(307, "/new")) as server:
        client(server).request(path="/old", method="POST", body={"a": 1}, follow=True)
        with hostile.serving(moves(301, "/new")) as other, pytest.raises(Invalid):
            client(other).request(path="/old", method="POST", body={"a": 1}, follow=True)

    assert [request.split(b" ")[0] for request in server.requests] == [b"POST", b"POST"]
    assert server.requests[1].endswith(b'{"a":1}')
