"""Checks of what stands before the portal, at the address that people use: certificate, old TLS, and plain http.

They ask from this machine. Where its own address cannot be reached from here, that is said and no more.
"""

import http.client
import secrets
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from portal.runtime.doctor.finding import Finding, bad, good, note

PATIENCE = 4
"""Seconds for connecting and for each answer: a person waits for it."""
SOON = timedelta(days=14)
OLD = 0x0302
"""TLS 1.1, which RFC 8996 forbids, as does everything before it."""
SERVER_HELLO = 2
CIPHERS = (0xC014, 0xC013, 0xC00A, 0xC009, 0x0035, 0x002F, 0x000A)
"""What TLS 1.1 was spoken with: AES and 3DES, by ECDHE and RSA."""


def front() -> Iterator[Finding]:
    """Nothing where the address is not https: ``exposure`` says that."""
    parts = urlsplit(settings.BASE_URL)
    if parts.scheme != "https" or parts.hostname is None:
        return
    host, port = parts.hostname, parts.port or 443
    try:
        yield _certificate(host, port)
        if speaks_old_tls(host=host, port=port):
            yield bad(f"{host} still speaks TLS 1.1", mend="Let the proxy begin at TLS 1.2.")
        if port == 443:
            yield from plain(host=host, port=80)
    except OSError as problem:
        yield note(
            f"{host}:{port} could not be reached from here ({type(problem).__name__})",
            mend="Look at its certificate from elsewhere.",
        )


def _certificate(host: str, port: int) -> Finding:
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=host) as sealed,
        ):
            spoken, ends = sealed.version(), str((sealed.getpeercert() or {})["notAfter"])
    except ssl.SSLError as problem:
        return bad(
            f"{host} cannot be trusted: {problem.reason or type(problem).__name__}",
            mend="Give the proxy a certificate for this name.",
        )
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - datetime.now(UTC)
    if left < SOON:
        return note(f"the certificate of {host} ends in {left.days} days", mend="See to it that the proxy renews it.")
    return good(f"{host} has a certificate and speaks {spoken}")


def speaks_old_tls(*, host: str, port: int) -> bool:
    """Whether a server takes a handshake that offers nothing newer than TLS 1.1. Raises ``OSError`` when it cannot be reached.

    Put together here, since the OpenSSL of this machine may speak it no longer.
    """
    with socket.create_connection((host, port), PATIENCE) as line:
        line.sendall(_old_hello(host))
        try:
            said = line.recv(6)
        except OSError:
            return False
    # A record of a handshake (22) that begins with the server's hello; a refusal is an alert (21), or the line is closed.
    return len(said) == 6 and said[0] == 22 and said[5] == SERVER_HELLO


def _old_hello(host: str) -> bytes:
    """A ClientHello of TLS 1.1 (RFC 4346, 7.4.1.2) with the server's name and the usual curves."""
    name = host.encode("idna")
    entry = b"\0" + _sized(name)
    extensions = b"".join(
        kind.to_bytes(2) + _sized(content)
        for kind, content in ((0, _sized(entry)), (10, _sized(b"\0\x17\0\x18\0\x1d")), (11, b"\1\0"))
    )
    ciphers = b"".join(cipher.to_bytes(2) for cipher in CIPHERS)
    body = OLD.to_bytes(2) + secrets.token_bytes(32) + b"\0" + _sized(ciphers) + b"\1\0" + _sized(extensions)
    hello = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + _sized(hello)


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2) + content


def plain(*, host: str, port: int) -> Iterator[Finding]:
    """What programs get over plain http: nothing or a refusal is right. A closed port is right too."""
    line = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        line.request("GET", "/api/v1/")
        status = line.getresponse().status
    except (OSError, http.client.HTTPException):
        return
    finally:
        line.close()
    if status in range(300, 400):
        yield note(
            f"{host} leads programs from http to https, so that nobody notices a token in the clear",
            mend="Let the proxy pass plain http on, with X-Forwarded-Proto: http (docs/deploying.md).",
        )
    elif status == http.client.UNAUTHORIZED or status in range(200, 300):
        yield bad(
            f"{host} answers programs over plain http", mend="Let the proxy say X-Forwarded-Proto, and set COUNTERSIGN_PROXIES."
        )
