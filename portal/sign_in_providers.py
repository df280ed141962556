"""Which providers people may sign in with, from the environment. Pure: imports no Django.

Google and any other OpenID Connect provider are configured alike; GitHub speaks OAuth 2 of its own. A provider is there when it has
an id. ``DOMAINS`` are those whose confirmed addresses it is believed about, for the first sign-in of somebody provisioned.
"""

from collections.abc import Mapping
from typing import Any

from portal.environment import Misconfigured

PREFIX = "COUNTERSIGN_SIGNIN_"
GOOGLE = "https://accounts.google.com"


def providers_from(environ: Mapping[str, str]) -> dict[str, Any]:
    """``SOCIALACCOUNT_PROVIDERS`` of allauth. Raises ``Misconfigured`` for one that is named by half."""
    found: dict[str, Any] = {}
    apps = [
        app
        for app in (
            _app(environ, "GOOGLE", provider_id="google", name="Google", server=GOOGLE),
            _app(environ, "OIDC", provider_id="company", name=_said(environ, "OIDC_NAME") or "the company's sign-in"),
        )
        if app
    ]
    if apps:
        found["openid_connect"] = {"OAUTH_PKCE_ENABLED": True, "APPS": apps}
    github = _app(environ, "GITHUB", provider_id="github", name="GitHub", server="https://github.com")
    if github:
        # Only the number of the account is asked for, no address.
        found["github"] = {"OAUTH_PKCE_ENABLED": True, "SCOPE": ["read:user"], "APPS": [github]}
        if url := _said(environ, "GITHUB_URL"):
            found["github"]["GITHUB_URL"] = url.rstrip("/")
    return found


def _app(environ: Mapping[str, str], key: str, *, provider_id: str, name: str, server: str = "") -> dict[str, Any] | None:
    client, secret = _said(environ, f"{key}_ID"), _said(environ, f"{key}_SECRET")
    if not client:
        return None
    url = server or _said(environ, f"{key}_URL").rstrip("/")
    if not secret or not url:
        missing = f"{key}_URL" if secret else f"{key}_SECRET"
        raise Misconfigured(f"{PREFIX}{key}_ID is set, but {PREFIX}{missing} is not. Set it, or take the id away.")
    domains = [domain.strip().lower().lstrip("@") for domain in _said(environ, f"{key}_DOMAINS").split(",") if domain.strip()]
    settings = {"server_url": url, "domains": domains}
    return {"provider_id": provider_id, "name": name, "client_id": client, "secret": secret, "settings": settings}


def _said(environ: Mapping[str, str], name: str) -> str:
    return environ.get(PREFIX + name, "").strip()
