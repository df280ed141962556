"""Is a request really from Slack? HMAC-SHA256 over ``v0:<timestamp>:<raw body>``, header ``X-Slack-Signature``.

https://docs.slack.dev/authentication/verifying-requests-from-slack. The timestamp is signed too, and one that is older or
newer than five minutes when the request arrives is refused: what was captured cannot be sent again later.
"""

import hashlib
import hmac
import re

WINDOW = 300.0
"""Seconds on either side."""
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
_STAMP = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


def sign(*, body: bytes, stamp: str, secret: str) -> str:
    """The header that Slack would send. Raises ValueError for an empty secret, which would protect nothing."""
    if not secret:
        raise ValueError("An empty secret signs nothing")
    signed = b"v0:" + stamp.encode() + b":" + body
    return f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def is_genuine(body: bytes, header: str, secret: str) -> bool:
    """True when ``secret`` signed exactly these bytes at the time named. ``header`` is ``<timestamp>:<signature>``.

    Strict as Slack writes it: a plain number and ``v0=`` with 64 lower-case hexadecimal digits. Compared in constant time.
    """
    stamp, _, signature = header.partition(":")
    if not secret or not _STAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(signature):
        return False
    return hmac.compare_digest(sign(body=body, stamp=stamp, secret=secret), signature)


def is_fresh(stamp: str, arrived: float) -> bool:
    """Whether the time named lies within five minutes of the arrival (seconds since 1970). Text that is no number is not."""
    return bool(_STAMP.fullmatch(stamp)) and abs(arrived - int(stamp)) <= WINDOW
