"""A forge that answers from a script, on a local port, and remembers what it was asked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.changes.connectors.http import hostile


@dataclass
class Asked:
    """One request that arrived."""

    method: str
    target: str
    """Path and query."""
    headers: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Said:
    """One answer. ``headers`` may hold ``{url}``, which becomes the forge's own address."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Script = dict[str, Said | list[Said] | Callable[[Asked], Said]]


@dataclass
class Forge:
    """``script`` maps "GET /path" or "GET /path?query" to an answer, to one answer after another, or to a function."""

    url: str
    script: Script
    asked: list[Asked] = field(default_factory=list)

    def targets(self) -> list[str]:
        return [f"{one.method} {one.target}" for one in self.asked]

    def said(self, one: Asked) -> Said:
        whole, bare = f"{one.method} {one.target}", f"{one.method} {one.path}"
        key = whole if whole in self.script else bare
        found = self.script.get(key)
        if isinstance(found, list):
            self.script[key], said = (found[1:], found[0]) if len(found) > 1 else (found, found[0])
            return said
        if callable(found):
            return found(one)
        return found or Said({"message": "Not Found"}, 404)


@contextmanager
def forge(script: Script) -> Iterator[Forge]:
    """Serve the script until the block ends."""
    made = Forge(url="", script=script)

    def behave(connection, request: bytes) -> None:
        one = parsed(request)
        made.asked.append(one)
        said = made.said(one)
        lines = "".join(f"{name}: {value.replace('{url}', made.url)}\r\n" for name, value in said.headers.items())
        body = said.body if isinstance(said.body, bytes) else b"" if said.status in (204, 304) else orjson.dumps(said.body)
        hostile.answers(body, status=f"{said.status} X", headers=lines)(connection, request)

    with hostile.serving(behave, keep_alive=True) as server:
        made.url = server.url
        yield made


def parsed(request: bytes) -> Asked:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method=method, target=target, headers=headers, body=orjson.loads(body) if body else None)
