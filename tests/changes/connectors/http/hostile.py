"""A server that does what a broken or evil vendor would do, on a raw socket. One behaviour a server."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import brotli

Behaviour = Callable[[socket.socket, bytes], None]
STEP = 0.05
"""Seconds between two drips."""


@dataclass
class Server:
    port: int
    requests: list[bytes] = field(default_factory=list)
    """The head and body of each request, in order."""
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def serving(behaviour: Behaviour, *, keep_alive: bool = False, reads: bool = True) -> Iterator[Server]:
    """Serve ``behaviour`` on a free port of the loopback until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(port=listener.getsockname()[1])
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                server.connections += 1
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not stop.is_set():
                request = read_request(connection) if reads else b""
                if reads and not request:
                    return
                server.requests.append(request)
                behaviour(connection, request)
                if not keep_alive:
                    return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    head, _, rest = received.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(rest) < length:
        rest += connection.recv(65536)
    return head + b"\r\n\r\n" + rest


def answers(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> Behaviour:
    """A decent answer."""

    def behave(connection: socket.socket, request: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)

    return behave


def drips_headers(connection: socket.socket, request: bytes) -> None:
    drip(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000)


def drips_body(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    drip(connection, b"x" * 10_000)


def drips_chunks(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    drip(connection, b"1\r\nx\r\n" * 2_000)


def drips_early_hints(connection: socket.socket, request: bytes) -> None:
    for _ in range(2_000):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        time.sleep(STEP)


def drip(connection: socket.socket, text: bytes) -> None:
    for byte in text:
        connection.sendall(bytes([byte]))
        time.sleep(STEP)


def says_nothing(connection: socket.socket, request: bytes) -> None:
    """Half-open: the request is taken, and then nothing comes, not even the end."""
    time.sleep(30)


def stops_in_the_middle(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    time.sleep(30)


def cuts_short(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")


def resets(connection: socket.socket, request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def endless_headers(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Long: " + b"a" * 1000 + b"\r\n")


def endless_body(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def sends_garbage(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"\x00\x01\x02 what is this\r\n\r\n")


def gzip_bomb(megabytes: int) -> Behaviour:
    """Zeros, a thousandth of their size on the wire."""
    return answers(gzip.compress(bytes(megabytes * 1024 * 1024), 9), headers="Content-Encoding: gzip\r\n")


def brotli_bomb(megabytes: int) -> Behaviour:
    """Zeros, a millionth of their size on the wire."""
    press = brotli.Compressor(quality=5)
    body = b"".join(press.process(bytes(1024 * 1024)) for _ in range(megabytes)) + press.finish()
    return answers(body, headers="Content-Encoding: br\r\n")


def shakes_hands_slowly(connection: socket.socket, request: bytes) -> None:
    """A TLS server that drips the beginning of a handshake record."""
    drip(connection, b"\x16\x03\x03\x40\x00" + bytes(10_000))


def answers_with_tls(certificate: str, key: str) -> Behaviour:
    """A decent answer behind a certificate that nobody trusts."""

    def behave(connection: socket.socket, request: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with context.wrap_socket(connection, server_side=True) as secured:
            answers()(secured, read_request(secured))

    return behave
