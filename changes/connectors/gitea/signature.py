"""Is a delivery really from this Gitea or Forgejo? HMAC-SHA256 over the raw bytes, as GitHub does it.

``X-Hub-Signature-256: sha256=<hex>``, and ``X-Gitea-Signature: <hex>`` from versions without it (services/webhook/deliver.go). With
an empty secret Gitea sends an empty signature: that is no signature.
"""

from collections.abc import Mapping

HUB, OWN = "x-hub-signature-256", "x-gitea-signature"


def signature_of(headers: Mapping[str, str]) -> str:
    """The signature in GitHub's form, whichever header carries it; empty when there is none."""
    own = headers.get(OWN, "")
    return headers.get(HUB, "") or (f"sha256={own}" if own else "")
