"""Is a delivery really from Doppler? HMAC-SHA256 over the raw bytes, header ``X-Doppler-Signature: sha256=<hexadecimal>``.

https://docs.doppler.com/docs/webhooks. The scheme is the one of GitHub's ``X-Hub-Signature-256``.
"""

from changes.connectors.github.signature import is_genuine, sign

__all__ = ["is_genuine", "sign"]
