"""A small threaded HTTP/1.1 server: requests in, answers out, and misbehaviour on purpose.

It keeps connections open, reads chunked bodies (``git push`` sends them), and follows an answer's ``manner``: late, drop by
drop, cut off in the middle, or never. Times are in seconds.
"""

import contextlib
import json
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

BODY_LIMIT = 256 * 1024 * 1024
IDLE_SECONDS = 30.0


class Manner(StrEnum):
    """How an answer leaves the server."""

    NORMAL = "normal"
    SLOW = "slow"
    DRIP = "drip"
    TRUNCATED = "truncated"
    HALF_OPEN = "half-open"


@dataclass
class Request:
    """One request. ``path`` is decoded; ``query`` keeps the last value of each name."""

    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: Message
    stream: IO[bytes]

    @property
    def body(self) -> bytes:
        """The whole body; may be read more than once."""
        self.stream.seek(0)
        return self.stream.read()

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object. Raises ValueError for anything else."""
        value = json.loads(self.body or b"{}")
        if not isinstance(value, dict):
            raise ValueError("a JSON object is expected")
        return cast(dict[str, Any], value)

    def form(self) -> dict[str, str]:
        """The body as the fields of an HTML form."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass
class Answer:
    """One answer. ``stream``, when given, is sent instead of ``body`` and ends with the connection."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: Generator[bytes, None, None] | None = None
    manner: Manner = Manner.NORMAL
    seconds: float = 0.0


Site = Callable[[Request], Answer]


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with ``value`` as JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


class Serving:
    """A site on a port. ``start`` returns when the port answers; ``stop`` ends every connection."""

    def __init__(self, site: Site, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server((host, port), site)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="standin-web", daemon=True)
        bound_host, bound_port = self._server.server_address[:2]
        self.url = f"http://{bound_host!s}:{bound_port}"

    def start(self) -> None:
        """Begins to answer in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Answers nothing more and frees the port."""
        self._server.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(timeout=5)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], site: Site) -> None:
        self.site = site
        self.stopping = threading.Event()
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Countersign-StandIn"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the stand-in keeps its own record of what matters."""

    def _serve(self) -> None:
        with tempfile.SpooledTemporaryFile(max_size=1024 * 1024) as stream:
            if not self._read_body(stream):
                return
            answer = self._answer(cast(IO[bytes], stream))
            self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _answer(self, stream: IO[bytes]) -> Answer:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        request = Request(self.command, unquote(parts.path), self.path, query, self.headers, stream)
        try:
            return self.server.site(request)
        except Exception as problem:  # noqa: BLE001 (whatever goes wrong must reach the caller as an answer)
            return json_answer({"message": f"The stand-in failed: {type(problem).__name__}: {problem}"}, status=500)

    def _read_body(self, stream: Any) -> bool:
        """Reads the body into ``stream``; False when the request was refused."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                stream.write(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return True
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_LIMIT:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return False
        stream.write(self.rfile.read(length))
        return True

    def _send(self, answer: Answer) -> None:
        if answer.manner in {Manner.SLOW, Manner.HALF_OPEN}:
            self.server.stopping.wait(answer.seconds)
        if answer.manner is Manner.HALF_OPEN:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.stream is not None:
            self._send_stream(answer.stream)
        else:
            self._send_body(answer)

    def _send_stream(self, stream: Generator[bytes, None, None]) -> None:
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.closing(stream):
            for piece in stream:
                self.wfile.write(piece)

    def _send_body(self, answer: Answer) -> None:
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD" or answer.status in {204, 304}:
            return
        if answer.manner is Manner.TRUNCATED:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif answer.manner is Manner.DRIP:
            self._drip(answer)
        else:
            self.wfile.write(answer.body)

    def _drip(self, answer: Answer) -> None:
        for place in range(len(answer.body)):
            if self.server.stopping.wait(answer.seconds):
                break
            self.wfile.write(answer.body[place : place + 1])
