"""The manifest flow: GitHub makes an App as we describe it, and gives us its key for a code, once.

docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest. The browser posts the manifest to GitHub;
GitHub sends it back with ``code`` and the ``state`` that we gave; the code is good for an hour.
"""

import hashlib
import hmac
import re
import secrets
from typing import Any
from urllib.parse import quote

from django.conf import settings

from changes.connectors.connecting.guides import web_address
from changes.connectors.connecting.models import Connecting
from changes.connectors.errors import NotJson
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github.checking import EVENTS, NEEDED
from changes.connectors.github.headers import HEADERS
from changes.connectors.http import Client
from portal import vault

ORGANISATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


def manifest_of(*, name: str, back: str) -> dict[str, Any]:
    """What GitHub is asked to make; ``back`` is the path that it leads back to."""
    base = settings.BASE_URL.rstrip("/")
    return {
        "name": name,
        "url": base,
        "hook_attributes": {"url": f"{base}/hooks/github/", "active": True},
        "redirect_url": f"{base}{back}",
        "public": False,
        "default_permissions": {**NEEDED, "pull_requests": "write"},
        "default_events": list(EVENTS),
    }


def place_of(*, api_url: str, organisation: str, state: str) -> str:
    """Where the browser posts the manifest. ``organisation`` empty: an App of one's own account."""
    owner = f"/organizations/{quote(organisation, safe='')}" if organisation else ""
    return f"{web_address(api_url)}{owner}/settings/apps/new?state={state}"


def new_state(draft: Connecting) -> str:
    """A word that GitHub gives back; only its digest is kept."""
    state = secrets.token_urlsafe(24)
    draft.state_digest = hashlib.sha256(state.encode()).hexdigest()
    draft.save(update_fields=["state_digest"])
    return state


def is_ours(draft: Connecting, state: str) -> bool:
    """Whether this is the word that was given last."""
    digest = hashlib.sha256(state.encode()).hexdigest()
    return bool(draft.state_digest) and hmac.compare_digest(draft.state_digest, digest)


def redeem(*, draft: Connecting, code: str) -> None:
    """``POST /app-manifests/{code}/conversions`` → 201 with the App's number, key and webhook secret, which are kept sealed.

    Raises ``Passing`` and ``Permanent``.
    """
    client = Client(base_url=draft.api_url, headers=HEADERS)
    answer = client.request(path=f"/app-manifests/{quote(code, safe='')}/conversions", method="POST").checked()
    try:
        made = Fields.of(value=answer.json(), path="app")
        draft.app_id = str(made.needed_number("id"))
        draft.token_encrypted = vault.seal(made.needed_text("pem", limit=10_000).replace("\n", "\\n"))
        draft.secret_encrypted = vault.seal(made.needed_text("webhook_secret", limit=200))
        draft.app_url = made.text("html_url", limit=300) or ""
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"GitHub's answer about the App cannot be used: {wrong}") from None
    draft.installation_id, draft.state_digest, draft.works, draft.words = "", "", False, ""
    draft.save()
