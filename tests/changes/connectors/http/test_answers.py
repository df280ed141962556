"""What an answer means, what a broken connection means, and that no secret gets into words."""

import logging
import os
import threading
import traceback
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from changes.connectors.answer import Answer
from changes.connectors.errors import (
    Forbidden,
    Invalid,
    NotFound,
    NotJson,
    Passing,
    Permanent,
    Unauthorised,
)
from changes.connectors.http import Client
from tests.changes.connectors.http import hostile

TOKEN = "ghp_verysecretverysecret"


def client(server: hostile.Server, **more) -> Client:
    return Client(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}, private_hosts=["127.0.0.1"], **more)


def answer(status: int, **headers: str) -> Answer:
    return Answer(what="GET /x", status=status, headers=headers, body=b"{}")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 304])
def test_a_good_status_is_itself(status: int) -> None:
    assert answer(status).checked().status == status


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Invalid),
        (400, Invalid),
        (401, Unauthorised),
        (403, Forbidden),
        (404, NotFound),
        (405, Invalid),
        (408, Passing),
        (409, Invalid),
        (410, NotFound),
        (418, Invalid),
        (422, Invalid),
        (425, Passing),
        (429, Passing),
        (500, Passing),
        (502, Passing),
        (503, Passing),
        (599, Passing),
    ],
)
def test_a_bad_status_says_whether_to_ask_again(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"GET /x answered {status}") as caught:
        answer(status).checked()

    assert type(caught.value) is error
    assert isinstance(caught.value, Permanent) is not isinstance(caught.value, Passing)


@pytest.mark.parametrize(
    ("said", "date", "wait"),
    [
        ("30", "", 30.0),
        ("0", "", 0.0),
        ("999999999", "", 86400.0),
        ("-1", "", None),
        ("soon", "", None),
        ("", "", None),
        ("٣", "", None),
        ("Fri, 27 Nov 2026 16:31:00 GMT", "Fri, 27 Nov 2026 16:30:00 GMT", 60.0),
        ("Fri, 27 Nov 2026 16:29:00 GMT", "Fri, 27 Nov 2026 16:30:00 GMT", 0.0),
        ("Fri, 27 Nov 2026 16:31:00 GMT", "", None),
        ("Fri, 27 Nov 2026 16:31:00", "Fri, 27 Nov 2026 16:30:00 GMT", None),
    ],
)
def test_the_wait_comes_in_seconds_or_as_a_date(said: str, date: str, wait: float | None) -> None:
    with pytest.raises(Passing) as caught:
        answer(503, **{"retry-after": said, "date": date}).checked()

    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    "behaviour", [hostile.resets, hostile.cuts_short, hostile.sends_garbage], ids=lambda behaviour: behaviour.__name__
)
def test_a_broken_connection_is_passing(behaviour) -> None:
    with hostile.serving(behaviour) as server, pytest.raises(Passing, match=r"^GET /x: ") as caught:
        client(server).request(path="/x", query={"secret": TOKEN})

    assert caught.value.retry_after is None


def test_a_closed_port_and_an_unknown_host_are_passing() -> None:
    with hostile.serving(hostile.answers()) as server:
        url = server.url

    with pytest.raises(Passing, match="no connection"):
        Client(base_url=url, private_hosts=["127.0.0.1"]).request(path="/")
    with pytest.raises(Passing, match=r"could not be resolved|no complete answer"):
        Client(base_url="https://nowhere.invalid", deadline=3).request(path="/")


def test_html_in_place_of_json_is_named() -> None:
    behaviour = hostile.answers(b"<html>proxy</html>")

    with (
        hostile.serving(behaviour) as server,
        pytest.raises(NotJson, match="GET /x answered 200 with application/json instead of JSON"),
    ):
        client(server).request(path="/x").json()


def test_the_vendors_own_words_are_shown_without_our_token() -> None:
    def echoes(connection, request: bytes) -> None:
        said = orjson.dumps({"message": f"You sent\n{request.decode()}"})
        hostile.answers(said, status="422 Unprocessable")(connection, request)

    with hostile.serving(echoes) as server, pytest.raises(Invalid) as caught:
        client(server).request(path="/x").checked()

    assert TOKEN.encode() in server.requests[0]
    assert "You sent GET /x" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_no_secret_is_in_a_repr_a_log_or_a_traceback(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    body = orjson.dumps({"token": TOKEN})

    with hostile.serving(hostile.answers(body, headers=f"Set-Cookie: {TOKEN}\r\n")) as server:
        one = client(server)
        got = one.request(path="/x", query={"secret": TOKEN})
    try:
        one.request(path="/x", query={"secret": TOKEN})
    except Passing as failure:
        said = "".join(traceback.format_exception(failure)) + repr(failure) + str(failure)
    shown = repr(one) + repr(got) + str(got) + caplog.text

    assert got.json() == {"token": TOKEN}
    assert "secret=ghp_" in server.requests[0].decode()
    assert TOKEN not in shown
    assert TOKEN not in said


def test_a_header_with_a_line_break_is_refused_before_it_is_sent() -> None:
    with hostile.serving(hostile.answers()) as server, pytest.raises(Invalid, match="line break"):
        client(server).request(path="/", headers={"X-A": "a\r\nX-Evil: b"})

    assert server.requests == []


def test_headers_come_in_lower_case_and_repeated_ones_are_joined() -> None:
    behaviour = hostile.answers(headers='ETag: "a"\r\nLink: <a>; rel="next"\r\nLink: <b>; rel="last"\r\n')

    with hostile.serving(behaviour) as server:
        headers = client(server).request(path="/").headers

    assert headers["etag"] == '"a"'
    assert headers["link"] == '<a>; rel="next", <b>; rel="last"'


def test_a_write_is_sent_once_though_a_kept_connection_closes_without_an_answer() -> None:
    """libcurl repeats a request by itself on a connection that it had kept: a message would be posted twice."""

    def closes_on_a_post(connection, request) -> None:
        if request.startswith(b"POST"):
            raise OSError
        hostile.answers()(connection, request)

    with hostile.serving(closes_on_a_post, keep_alive=True) as server:
        asking = client(server)
        asking.request(path="/x")
        with pytest.raises(Passing):
            asking.request(path="/x", method="POST", body={})

        assert [request[:4] for request in server.requests] == [b"GET ", b"POST"]


def test_a_write_sends_json_and_a_read_sends_no_body() -> None:
    with hostile.serving(hostile.answers(), keep_alive=True) as server:
        one = client(server)
        one.request(path="/a", method="POST", body={"b": [1]})
        one.request(path="/a", method="DELETE")
        one.request(path="/a", query={"page": 2, "q": "ü &"})

    assert server.requests[0].endswith(b'\r\n\r\n{"b":[1]}')
    assert b"Content-Type: application/json" in server.requests[0]
    assert server.requests[1].startswith(b"DELETE /a HTTP/1.1")
    assert server.requests[2].startswith(b"GET /a?page=2&q=%C3%BC+%26 HTTP/1.1")
    assert b"Content-Type" not in server.requests[2]


def test_a_thread_keeps_its_connection() -> None:
    with hostile.serving(hostile.answers(), keep_alive=True) as server:
        one = client(server)
        for _ in range(5):
            one.request(path="/")

    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_forked_child_opens_its_own_connection_and_leaves_its_parents_alone() -> None:
    with hostile.serving(hostile.answers(), keep_alive=True) as server:
        one = client(server)
        one.request(path="/parent")
        child = os.fork()
        if child == 0:
            os._exit(0 if one.request(path="/child").status == 200 else 1)
        _, status = os.waitpid(child, 0)
        one.request(path="/parent")

    assert (status, server.connections, len(server.requests)) == (0, 2, 3)


def test_many_threads_share_a_client_without_mixing_answers() -> None:
    def echoes(connection, request: bytes) -> None:
        path = request.split(b" ")[1].decode()
        hostile.answers(orjson.dumps({"path": path}))(connection, request)

    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(10):
            path = f"/{number}/{turn}"
            if shared.request(path=path).json() != {"path": path}:
                wrong.append(path)

    with hostile.serving(echoes, keep_alive=True) as server:
        shared = client(server)
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert wrong == []
    assert len(server.requests) == 80


def test_an_untrusted_certificate_is_not_accepted(tmp_path) -> None:
    certificate, key = self_signed(tmp_path)

    with hostile.serving(hostile.answers_with_tls(certificate, key), reads=False) as server:
        one = Client(base_url=f"https://127.0.0.1:{server.port}", private_hosts=["127.0.0.1"])
        with pytest.raises(Passing, match="certificate is not trusted"):
            one.request(path="/")


def self_signed(folder) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that nobody has signed but itself: (certificate file, key file)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    return str(folder / "certificate.pem"), str(folder / "key.pem")
