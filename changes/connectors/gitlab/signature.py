"""Is a delivery really from this GitLab? ``X-Gitlab-Token`` is the secret itself, in clear: the connection must be encrypted.

docs.gitlab.com/user/project/integrations/webhooks. It proves who sends, and nothing about the body.
"""

import hmac


def is_genuine(body: bytes, token: str, secret: str) -> bool:
    """Compared in constant time; an empty token is none."""
    return bool(token) and hmac.compare_digest(token.encode(), secret.encode())
