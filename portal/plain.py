"""What comes over plain http through the declared proxy: pages are led to https, programs are refused. Pure ASGI, before Django.

A program that is led on works, and nobody notices that its token travels in the clear each time (OWASP ASVS 4.1.2). So it is
told no, and that what it sent may have been read. Requests without the header of a proxy come from the machine itself: health
checks.
"""

import json
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

from portal.limits import App, Receive, Send
from portal.ui.headers import SECURITY_HEADERS, new_reference

MACHINES = ("/api/", "/hooks/", "/scim/", "/calendar.ics", "/metrics", "/csp-report/")
"""How the addresses begin that programs ask. A test holds the list to the rules of all addresses."""
WORDS = (
    "This came over plain http and was refused. Send it to {base}. A token that was with it may have been read on its way: "
    "make a new one and revoke the old one."
)
log = structlog.get_logger("portal.plain")


class OnlyEncrypted:
    """ASGI wrapper for a portal at ``base``, https without a slash at its end, behind a proxy that says how it was asked."""

    def __init__(self, app: App, *, base: str) -> None:
        self.app, self._base = app, base

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _in_the_clear(scope["headers"]):
            await self.app(scope, receive, send)
            return
        await _read_away(receive)
        if _is_a_page(scope):
            await _say(send, 301, b"", [("Location", self._base + _asked(scope))])
            return
        reference = new_reference()
        log.warning("plain.refused", request_id=reference, path=scope["path"], method=scope["method"])
        words = json.dumps({"error": WORDS.format(base=self._base), "reference": reference}).encode()
        await _say(send, 403, words, [("Content-Type", "application/json"), ("X-Request-ID", reference)])


def behind_a_proxy(app: App, *, base: str, proxies: int) -> App:
    """The application as it is, or wrapped where the portal's address is https and a proxy is declared, whose header counts."""
    return OnlyEncrypted(app, base=base.rstrip("/")) if proxies and base.startswith("https://") else app


def _in_the_clear(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the first proxy was asked in plain http: the first word counts, as in Django."""
    said = b",".join(value for name, value in headers if name.lower() == b"x-forwarded-proto")
    return said.partition(b",")[0].strip().lower() == b"http"


def _is_a_page(scope: MutableMapping[str, Any]) -> bool:
    """Whether a person's browser only asks to see something."""
    carries_a_key = any(name.lower() == b"authorization" for name, _ in scope["headers"])
    return scope["method"] in {"GET", "HEAD"} and not carries_a_key and not scope["path"].startswith(MACHINES)


def _asked(scope: MutableMapping[str, Any]) -> str:
    """Path and query as they came, with their percent signs; a target that is no path of ours is the first page."""
    path, query = (scope.get("raw_path") or b"/").partition(b"?")[0], scope.get("query_string", b"")
    whole = path + (b"?" + query if query else b"")
    return whole.decode("ascii", errors="ignore") if path.startswith(b"/") else "/"


async def _read_away(receive: Receive) -> None:
    """A sender in the middle of a body would not see the answer."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _say(send: Send, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
    every = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Length": str(len(body)), **dict(headers)}
    raw = [(name.lower().encode(), value.encode("ascii")) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
