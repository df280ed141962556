"""Refuses bodies that are too large before anything of them is kept, on every address. Pure ASGI, outside Django.

A sender in the middle of 26 MiB does not see an answer that comes too early: so what is sent is read and dropped, up to
a bound, and then answered with 413.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
"""Any ASGI application; frameworks spell the three types differently."""

LARGEST = 25 * 1024 * 1024
"""Bytes. GitHub never sends a larger delivery."""
DROPPED_AT_MOST = 64 * 1024 * 1024
WORDS = json.dumps({"error": "The body is larger than 25 MiB. Nothing of it was kept."}).encode()


class LimitBody:
    """ASGI wrapper: 413 for bodies above ``LARGEST``, told by their header or counted as they come."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced(scope) > LARGEST:
            await _drop(receive)
            await _refuse(send)
            return
        counted = _Counted(receive, send)
        await self.app(scope, counted.receive, counted.send)
        if counted.too_large and not counted.answered:
            await _drop(receive)
            await _refuse(send)


class _Counted:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.size, self.too_large, self.answered = 0, False, False

    async def receive(self) -> Message:
        message = await self._receive()
        self.size += len(message.get("body", b""))
        if self.size > LARGEST:
            self.too_large = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)


def _announced(scope: MutableMapping[str, Any]) -> int:
    value = dict(scope.get("headers", ())).get(b"content-length", b"0")
    text = value.decode("latin-1")
    return int(text) if text.isdecimal() else 0


async def _drop(receive: Receive) -> None:
    dropped = 0
    while dropped < DROPPED_AT_MOST:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(WORDS)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": WORDS})
