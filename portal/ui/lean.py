"""Addresses that answer before Django: for machines that send often, carry a key of their own and want no page.

Everything that Django's middlewares would do for them in vain (session, person, language of errors, compression, htmx) is left
out: 2 ms of work a request. What protects stays: the cap of ``portal.limits`` around everything, the check of the host, the
security headers, a reference number in the logs and in the answer. Whatever is not exactly such an address, method and
host goes on to Django and is answered there in words, as every other address is.
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from structlog.contextvars import bind_contextvars, clear_contextvars

from portal.limits import App, Receive, Send
from portal.metrics import REQUESTS
from portal.ui.headers import SECURITY_HEADERS, new_reference

log = structlog.get_logger("portal.lean")
LEAN = "lean"
"""The view of all these addresses, for the monitor."""


@dataclass(frozen=True)
class Asked:
    """A whole request. Header names in lower case; what came twice is joined with a comma, as Django does."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """The answer. ``headers`` come on top of those that every answer has."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], Awaitable[Said]]


class LeanPaths:
    """ASGI wrapper: POSTs to addresses that match one of ``paths`` (regular expressions) are answered by its handler."""

    def __init__(self, app: App, paths: Mapping[str, Handler]) -> None:
        self.app = app
        self._paths = [(re.compile(pattern), handler) for pattern, handler in paths.items()]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        handler = self._handler_of(scope)
        if handler is None:
            await self.app(scope, receive, send)
            return
        headers = _headers_of(scope)
        if not _is_our_host(headers.get("host", "")):
            await self.app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is not None:
            reference = new_reference()
            began = time.perf_counter()
            said = await _answer(handler, Asked(scope["path"], headers, body), reference)
            REQUESTS.note(view=LEAN, method="POST", status=said.status, seconds=time.perf_counter() - began)
            await _send(send, said, reference)

    def _handler_of(self, scope: MutableMapping[str, Any]) -> Handler | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        return next((handler for pattern, handler in self._paths if pattern.fullmatch(scope["path"])), None)


async def _answer(handler: Handler, asked: Asked, reference: str) -> Said:
    clear_contextvars()
    bind_contextvars(request_id=reference, path=asked.path, method="POST")
    try:
        return await handler(asked)
    except Exception:
        log.exception("lean.broken")
        words = f"Something broke on our side. Send it again; if that does not help, tell us the reference {reference}."
        return Said(500, json.dumps({"error": words}).encode())


def _headers_of(scope: MutableMapping[str, Any]) -> dict[str, str]:
    """Names with an underscore are dropped: to Django (and to WSGI) they look like those with a dash."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        if "_" not in name:
            found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _is_our_host(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


async def _whole(receive: Receive) -> bytes | None:
    """The body; None when the sender hung up, or sent more than the wrapper around us lets through."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, said: Said, reference: str) -> None:
    own = {
        "Content-Type": said.content_type,
        "Content-Length": str(len(said.body)),
        "Cache-Control": "no-store",
        "X-Request-ID": reference,
    }
    headers = [(name.encode(), value.encode()) for name, value in {**SECURITY_HEADERS, **own, **said.headers}.items()]
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": said.body})
