"""Is a delivery really from GitHub? HMAC-SHA256 over the raw bytes, header ``X-Hub-Signature-256``.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries. The bytes must be those that arrived:
GitHub escapes control characters in its own way, so re-written JSON does not verify.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

_FORM = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


def sign(*, body: bytes, secret: str) -> str:
    """The header that GitHub would send. Raises ValueError for an empty secret, which would protect nothing."""
    if not secret:
        raise ValueError("An empty secret signs nothing")
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_genuine(body: bytes, header: str, secret: str) -> bool:
    """True when ``secret`` signed exactly these bytes; an empty secret signs nothing.

    Strict as GitHub writes it: ``sha256=`` and 64 lower-case hexadecimal digits, nothing around. Compared in constant time.
    """
    if not secret or not _FORM.fullmatch(header):
        return False
    return hmac.compare_digest(sign(body=body, secret=secret), header)


def verify(*, body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """True when one of ``secrets`` (several during a rotation) did. All are tried, so the time tells nothing of which."""
    answers = [is_genuine(body, header, secret) for secret in secrets]
    return any(answers)
