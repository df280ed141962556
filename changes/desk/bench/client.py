"""A small HTTP/1.1 client for measuring: requests made beforehand, kept connections, as little of its own time as possible."""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """Status, head and body as they came over the line, and the seconds from the first byte out to the last byte in."""

    status: int
    head: bytes
    body: bytes
    seconds: float

    @property
    def size(self) -> int:
        """Bytes over the line."""
        return len(self.head) + len(self.body)


def request(method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Line:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def ask(self, data: bytes) -> Answer:
        """Send and wait for the whole answer."""
        began = time.perf_counter()
        self._socket.sendall(data)
        got = self._left
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, rest = got.partition(b"\r\n\r\n")
        wanted = length_of(head)
        while len(rest) < wanted:
            rest += self._more()
        self._left = rest[wanted:]
        return Answer(int(head[9:12]), head + b"\r\n\r\n", rest[:wanted], time.perf_counter() - began)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> bytes:
        part = self._socket.recv(262144)
        if not part:
            raise ConnectionError("the server hung up")
        return part


def length_of(head: bytes) -> int:
    """What Content-Length says; the product's pages always have it."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError(f"an answer without Content-Length: {head[:200]!r}")


def in_turn(*, port: int, requests: Mapping[str, bytes], rounds: int) -> dict[str, list[float]]:
    """Ask all of them in turn, again and again, so that a busy moment of the machine meets all alike. Seconds of each."""
    line = Line(port)
    found: dict[str, list[float]] = {name: [] for name in requests}
    for turn in range(rounds + 3):
        for name, data in requests.items():
            answer = line.ask(data)
            if answer.status != 200:
                raise RuntimeError(f"{name}: status {answer.status}")
            if turn >= 3:
                found[name].append(answer.seconds)
    line.close()
    return found


def at_once(*, port: int, clients: int, many: int, make: Callable[[int], bytes]) -> tuple[float, list[float]]:
    """``many`` requests by so many clients at the same time; requests per second, and the seconds of each."""
    made = [make(number) for number in range(many)]
    return asyncio.run(_at_once(port, clients, made))


async def _at_once(port: int, clients: int, made: Sequence[bytes]) -> tuple[float, list[float]]:
    waiting, seconds = iter(made), []

    async def work() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        for data in waiting:
            began = time.perf_counter()
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(length_of(head))
            if head[9:12] != b"202":
                raise RuntimeError(f"not accepted: {head[:80]!r}")
            seconds.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(clients)))
    return len(made) / (time.perf_counter() - began), seconds


class Stream:
    """One open answer that is not read to its end."""

    def __init__(self, port: int, data: bytes) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.sendall(data)
        head = self._socket.recv(4096)
        if head[9:12] != b"200":
            raise RuntimeError(f"no stream: {head[:80]!r}")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
