"""The one HTTP client of all connectors. Why libcurl, and how it was tried: docs/adr/0003-http-client.md.

What it promises (threats T5, T23, T24), each shown by tests against a hostile server:

- one *total* deadline for look-up, connect, TLS, headers and body, however slowly they drip;
- a cap on the body counted after decoding, so that a few kilobytes cannot become gigabytes;
- the address is judged on the socket at connect, so that a name that changes its mind gains nothing;
- no redirects, no proxy from the environment, no cookies, no other protocol; plain HTTP only to listed hosts.

It never sleeps and never tries twice: a worker asks again later. Clients may be shared by threads.
"""

import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
import pycurl
from django.conf import settings

from changes.connectors import addresses
from changes.connectors.answer import Answer
from changes.connectors.errors import AddressRefused, Invalid, Passing, Permanent, TooLarge

DEADLINE = 10.0
"""Seconds for one request from the first look-up to the last byte."""
CAP = 8 * 1024 * 1024
"""Bytes of a body after decoding."""
HEADER_CAP = 64 * 1024
HOPS = 3
"""Redirects that are followed when the caller asks for it."""
FOLLOWED = {301: frozenset({"GET"}), 307: frozenset({"GET", "POST", "PATCH"}), 308: frozenset({"GET", "POST", "PATCH"})}
REFUSED: int = pycurl.SOCKET_BAD
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TARGET = re.compile(r"/[!$&-;=?@A-Z_a-z~%\[\]|']*", re.ASCII)
_LINE = re.compile(r"[\x20-\x7e\x80-\xff]*", re.DOTALL)
_handles = threading.local()
_inherited: list[object] = []
"""Handles of the parent of a fork: never used, and never closed, since closing would end the parent's TLS connections."""
WORDS = {
    pycurl.E_COULDNT_RESOLVE_HOST: "the host's name could not be resolved",
    pycurl.E_COULDNT_CONNECT: "no connection",
    pycurl.E_OPERATION_TIMEDOUT: "no complete answer in time",
    pycurl.E_SSL_CONNECT_ERROR: "the TLS handshake failed",
    pycurl.E_PEER_FAILED_VERIFICATION: "the host's certificate is not trusted",
    pycurl.E_GOT_NOTHING: "the connection was closed without an answer",
    pycurl.E_SEND_ERROR: "the connection broke while sending",
    pycurl.E_RECV_ERROR: "the connection broke while receiving",
    pycurl.E_PARTIAL_FILE: "the answer was cut short",
    pycurl.E_BAD_CONTENT_ENCODING: "the answer could not be decoded",
}


@dataclass(frozen=True, kw_only=True)
class Client:
    """A vendor's API at ``base_url``. ``headers`` go with every request and are never shown.

    ``deadline`` in seconds, ``cap`` in bytes. Raises ``AddressRefused`` for a base address that is not plain, or that is
    plain HTTP to a host that is not listed in COUNTERSIGN_PRIVATE_HOSTS.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline: float = DEADLINE
    cap: int = CAP
    private_hosts: Iterable[str] | None = field(default=None, repr=False)
    """For tests; None means the setting."""
    base: addresses.Base = field(init=False, repr=False)
    listed: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            base = addresses.base_of(url=self.base_url)
        except addresses.BadAddress as wrong:
            raise AddressRefused(str(wrong)) from None
        hosts = settings.CONNECTOR_PRIVATE_HOSTS if self.private_hosts is None else self.private_hosts
        listed = addresses.is_listed(host=base.host, port=base.port, private_hosts=hosts)
        if base.scheme == "http" and not listed:
            raise AddressRefused("Plain http is only for hosts in COUNTERSIGN_PRIVATE_HOSTS: a token would travel in the clear")
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "listed", listed)

    def request(
        self,
        *,
        path: str,
        method: str = "GET",
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        follow: bool = False,
        deadline: float | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Ask once. Any status is an answer; ``answer.checked`` turns the bad ones into errors.

        ``path`` is quoted and begins with "/", or is a whole URL of this very host (a Link). ``body`` is sent as JSON,
        bytes as they are (``headers`` say what they are).
        ``follow`` allows the redirects that GitHub documents (301, 307, 308), on this host only and within the deadline;
        ``deadline`` in seconds may only shorten the client's own. ``repeatable`` says that it does no harm to arrive twice, as a
        GET never does: then a connection that was kept is used for it.
        """
        until = time.monotonic() + min(self.deadline, self.deadline if deadline is None else deadline)
        url = self._url(path) + (f"?{urlencode(query)}" if query else "")
        sent = {**self.headers, **(headers or {})}
        for _ in range(HOPS + 1):
            answer = self._once(method=method, url=url, body=body, headers=sent, until=until, repeatable=repeatable)
            if answer.status not in REDIRECTS or not follow:
                return answer
            if method not in FOLLOWED.get(answer.status, ()):
                raise Invalid(f"{answer.what} answered {answer.status}, a redirect that is not followed")
            url = self._redirected(answer)
        raise Invalid(f"{method} {path_of(url)} was redirected more than {HOPS} times")

    def _url(self, path: str) -> str:
        rest = path.removeprefix(self.base.origin) if path.startswith(f"{self.base.origin}/") else None
        target = rest if rest is not None else self.base.path + path
        if not path.startswith(("/", self.base.origin)) or target.startswith("//") or not _TARGET.fullmatch(target):
            raise AddressRefused(f"{path_of(path)[:200]!r} is not a path of {self.base.origin}")
        return self.base.origin + target

    def _redirected(self, answer: Answer) -> str:
        location = answer.headers.get("location", "")
        try:
            return self._url(f"{self.base.origin}{location}" if location.startswith("/") else location)
        except AddressRefused:
            raise AddressRefused(f"{answer.what} was redirected to another host or to no usable address") from None

    def _once(self, *, method: str, url: str, body: Any, headers: Mapping[str, str], until: float, repeatable: bool) -> Answer:
        transfer = _Transfer(cap=self.cap, listed=self.listed)
        handle = _handle(listed=self.listed)
        what = f"{method} {path_of(url)}"
        try:
            _prepare(handle, url=url, transfer=transfer)
            _load(handle, method=method, body=body, headers=headers, repeatable=repeatable)
            handle.setopt(pycurl.TIMEOUT_MS, max(1, int((until - time.monotonic()) * 1000)))
            handle.perform()
            status = handle.getinfo(pycurl.RESPONSE_CODE)
        except pycurl.error as failure:
            raise _error(what, failure.args[0], transfer) from None
        finally:
            handle.reset()
            transfer.close()
        hidden = tuple(headers.values())
        return Answer(what=what, status=status, headers=transfer.headers, body=bytes(transfer.body), hidden=hidden)


def path_of(url: str) -> str:
    """The path for a reason: without host and query."""
    return re.sub(r"^https?://[^/]*", "", url, count=1).partition("?")[0] or "/"


@dataclass
class _Transfer:
    """What arrives during one request. Its methods are called by libcurl and must not raise."""

    cap: int
    listed: bool
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    header_bytes: int = 0
    too_large: bool = False
    refused: str = ""
    sockets: list[socket.socket] = field(default_factory=list)
    """Ours to close: libcurl works on a duplicate."""

    def take_header(self, line: bytes) -> int:
        self.header_bytes += len(line)
        if self.header_bytes > HEADER_CAP:
            self.too_large = True
            return -1
        name, colon, value = line.decode("latin-1").partition(":")
        if line.startswith(b"HTTP/"):
            self.headers.clear()
        elif colon:
            key, text = name.strip().lower(), value.strip()
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text
        return len(line)

    def take_body(self, part: bytes) -> int:
        if len(self.body) + len(part) > self.cap:
            self.too_large = True
            return -1
        self.body += part
        return len(part)

    def open_socket(self, purpose: int, address: Any) -> socket.socket | int:
        """The guard: the last moment before the connect, with the address that was really resolved."""
        known = address.family in (socket.AF_INET, socket.AF_INET6)
        self.refused = addresses.refusal(address=str(address.addr[0]) if known else "", listed=self.listed)
        if self.refused:
            return REFUSED
        self.sockets.append(socket.socket(address.family, address.socktype, address.protocol))
        return self.sockets[-1]

    def close(self) -> None:
        for opened in self.sockets:
            opened.close()


def _handle(*, listed: bool) -> pycurl.Curl:
    """One handle a thread keeps its connections. Never shared with a forked child, nor between listed and other hosts."""
    if getattr(_handles, "pid", None) != os.getpid():
        _inherited.append(getattr(_handles, "by_listing", None))
        _handles.pid, _handles.by_listing = os.getpid(), {}
    handles: dict[bool, pycurl.Curl] = _handles.by_listing
    if listed not in handles:
        handles[listed] = pycurl.Curl()
    return handles[listed]


def _prepare(handle: pycurl.Curl, *, url: str, transfer: _Transfer) -> None:
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    handle.setopt(pycurl.FOLLOWLOCATION, 0)
    handle.setopt(pycurl.PROXY, "")
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.ACCEPT_ENCODING, "gzip, br")
    handle.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    if authorities := ssl.get_default_verify_paths().cafile:
        handle.setopt(pycurl.CAINFO, authorities)
    handle.setopt(pycurl.OPENSOCKETFUNCTION, transfer.open_socket)
    handle.setopt(pycurl.HEADERFUNCTION, transfer.take_header)
    handle.setopt(pycurl.WRITEFUNCTION, transfer.take_body)


def _load(handle: pycurl.Curl, *, method: str, body: Any, headers: Mapping[str, str], repeatable: bool) -> None:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if method != "GET":
        handle.setopt(pycurl.CUSTOMREQUEST, method)
        # On a kept connection that closes without an answer libcurl sends a request again by itself, a POST too.
        handle.setopt(pycurl.FRESH_CONNECT, 0 if repeatable else 1)
        raw = isinstance(body, bytes)
        handle.setopt(pycurl.POSTFIELDS, body if raw else b"" if body is None else orjson.dumps(body))
        lines += ["Expect:"] if raw else ["Content-Type: application/json", "Expect:"]
    if not all(_LINE.fullmatch(line) for line in lines):
        raise Invalid("A header holds a line break or another control character")
    handle.setopt(pycurl.HTTPHEADER, lines)


def _error(what: str, code: int, transfer: _Transfer) -> Passing | Permanent:
    if transfer.too_large:
        return TooLarge(f"{what} answered with more than {transfer.cap} bytes")
    if transfer.refused and code == pycurl.E_COULDNT_CONNECT:
        return AddressRefused(f"{what} was not sent: {transfer.refused}")
    return Passing(f"{what}: {WORDS.get(code, f'the transfer failed ({code})')}")
