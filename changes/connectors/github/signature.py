"""Is a delivery really from GitHub? HMAC-SHA256 over the raw bytes, header ``X-Hub-Signature-256``.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries. The bytes must be those that arrived:
GitHub escapes control characters in its own way, so re-written JSON does not verify.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

Key = TypeVar("Key")
_FORM = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


def sign(*, body: bytes, secret: str) -> str:
    """The header that GitHub would send. Raises ValueError for an empty secret, which would protect nothing."""
    if not secret:
        raise ValueError("An empty secret signs nothing")
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def verify(*, body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """True when one of ``secrets`` (several during a rotation) signed these bytes. Empty secrets never count."""
    return signer(body=body, header=header, secrets=dict(enumerate(secrets))) is not None


def signer(*, body: bytes, header: str, secrets: Mapping[Key, str]) -> Key | None:
    """The key of the secret that signed these bytes, or None.

    Strict as GitHub writes it: ``sha256=`` and 64 lower-case hexadecimal digits, nothing around. Every secret is tried,
    each compared in constant time, so that the answer's time tells nothing about which one is right.
    """
    if not _FORM.fullmatch(header):
        return None
    found: Key | None = None
    for key, secret in secrets.items():
        if secret and hmac.compare_digest(sign(body=body, secret=secret), header):
            found = key
    return found
