"""What the doctor says of the proxy in front: real TLS with a certificate of our own, and servers that answer as old ones do."""

import contextlib
import socket
import ssl
import threading

import pytest

from portal.runtime.doctor import front
from portal.runtime.doctor.finding import Level
from tests.changes.connectors.http.test_answers import self_signed

REFUSED = b"\x15\3\1\0\2\2\x46"
"""The alert protocol_version, which is fatal."""
TAKEN = b"\x16\3\2\0\x51\2\0\0\x4d\3\2"
"""How the hello of a server of TLS 1.1 begins."""


class Server:
    """Takes one connection after the other; ``answer`` says what each gets."""

    def __init__(self, answer):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port, self._answer = self._socket.getsockname()[1], answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                self._answer(line)

    def end(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def serving():
    servers = []

    def serve(answer):
        servers.append(Server(answer))
        return servers[-1].port

    yield serve
    for server in servers:
        server.end()


def saying(words):
    def answer(line):
        line.recv(4096)
        line.sendall(words)

    return answer


def of_http(status):
    return saying(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())


def proxy(folder):
    """TLS 1.2 and newer, as a proxy ends it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*self_signed(folder))

    def answer(line):
        with contextlib.suppress(OSError), context.wrap_socket(line, server_side=True) as sealed:
            sealed.recv(1)

    return answer


def found(settings, port):
    settings.BASE_URL = f"https://127.0.0.1:{port}"
    return [(finding.level, finding.text) for finding in front.front()]


def test_a_certificate_that_is_trusted_and_one_that_is_not(serving, settings, monkeypatch, tmp_path):
    port = serving(proxy(tmp_path))

    assert found(settings, port) == [(Level.BAD, "127.0.0.1 cannot be trusted: CERTIFICATE_VERIFY_FAILED")]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    assert found(settings, port) == [(Level.NOTE, "the certificate of 127.0.0.1 ends in 0 days")]
    monkeypatch.setattr(front, "SOON", front.timedelta(hours=1))
    assert found(settings, port) == [(Level.GOOD, "127.0.0.1 has a certificate and speaks TLSv1.3")]


@pytest.mark.parametrize(("words", "old"), [(TAKEN, True), (REFUSED, False), (b"", False), (b"HTTP/1.1 400 Bad", False)])
def test_a_server_that_still_takes_old_tls_is_known_by_its_hello(serving, words, old):
    assert front.speaks_old_tls(host="127.0.0.1", port=serving(saying(words))) is old


def test_a_real_server_of_today_refuses_our_old_hello_and_reads_it(serving, tmp_path):
    heard = []
    answer = proxy(tmp_path)

    def listening(line):
        heard.append(line.recv(4096, socket.MSG_PEEK))
        answer(line)

    assert not front.speaks_old_tls(host="localhost", port=serving(listening))
    assert heard[0][:3] == b"\x16\3\1"
    assert b"localhost" in heard[0]


@pytest.mark.parametrize(
    ("status", "level"), [(301, Level.NOTE), (308, Level.NOTE), (200, Level.BAD), (401, Level.BAD), (403, None)]
)
def test_what_programs_get_over_plain_http(serving, status, level):
    findings = list(front.plain(host="127.0.0.1", port=serving(of_http(status))))

    assert [finding.level for finding in findings] == ([level] if level else [])


def test_an_address_that_cannot_be_reached_and_one_without_https(settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert found(settings, port) == [(Level.NOTE, f"127.0.0.1:{port} could not be reached from here (ConnectionRefusedError)")]
    assert list(front.plain(host="127.0.0.1", port=port)) == []
    settings.BASE_URL = "http://127.0.0.1:8000"
    assert list(front.front()) == []
