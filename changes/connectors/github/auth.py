"""How a request to GitHub proves who asks: a token, or an App that trades its key for an hour's token.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app. Nothing here logs or shows a secret.
"""

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from changes.connectors.errors import NotJson, Unauthorised
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github.headers import HEADERS
from changes.connectors.http import Client
from changes.connectors.models import Source
from portal import vault

BEFORE_THE_END = timedelta(minutes=5)
"""An installation token is not used in its last minutes."""
CLOCKS_APART = timedelta(seconds=60)
JWT_LASTS = timedelta(minutes=9)
"""GitHub allows ten; our clock may be ahead."""


@dataclass(frozen=True)
class _Kept:
    token: str
    good_until: datetime

    def __repr__(self) -> str:
        return f"<token good until {self.good_until.isoformat()}>"


_kept: dict[tuple[str, ...], _Kept] = {}
"""Installation tokens of this process, by App, installation and a digest of the key."""
_lock = threading.Lock()


def app_jwt(*, app_id: str, private_key: str, at: datetime) -> str:
    """The App's own proof (RS256), good for nine minutes. Raises ``Unauthorised`` when the key cannot be read."""
    key = private_key.replace("\\n", "\n")  # a key given on one line, as environment variables and prompts want it
    claims = {"iat": int((at - CLOCKS_APART).timestamp()), "exp": int((at + JWT_LASTS).timestamp()), "iss": app_id}
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise Unauthorised("The private key of the GitHub App cannot be read. Give the PEM file's whole text.") from None


def bearer(*, source: Source, client: Client, at: datetime) -> str:
    """The token to ask with: the stored one, or an installation's; empty when the source has none.

    ``client`` carries no token yet; it is used to trade the App's key. Raises ``Passing`` and ``Permanent`` as it does.
    """
    secret = _secret(source)
    if not source.app_id:
        return secret
    key = _key(source=source, secret=secret)
    with _lock:
        kept = _kept.get(key)
        if kept is None or kept.good_until <= at:
            kept = _kept[key] = _traded(source=source, private_key=secret, client=client, at=at)
    return kept.token


def app_proof(*, source: Source, at: datetime) -> str:
    """The token to ask with as the App itself. Raises ``Unauthorised`` when its key cannot be read."""
    return app_jwt(app_id=source.app_id, private_key=_secret(source), at=at)


def _secret(source: Source) -> str:
    try:
        return vault.open(bytes(source.token_encrypted)) if source.token_encrypted else ""
    except vault.Unreadable as wrong:
        raise Unauthorised(str(wrong)) from None


def forget(*, source: Source) -> bool:
    """Drop what is kept for this source, because GitHub no longer takes it. True when something was kept."""
    prefix = _key(source=source, secret="")[:3]
    with _lock:
        gone = [key for key in _kept if key[:3] == prefix]
        for key in gone:
            del _kept[key]
    return bool(gone)


def _key(*, source: Source, secret: str) -> tuple[str, ...]:
    return source.api_url, source.app_id, source.installation_id, hashlib.sha256(secret.encode()).hexdigest()


def _traded(*, source: Source, private_key: str, client: Client, at: datetime) -> _Kept:
    """``POST /app/installations/{id}/access_tokens`` → 201 {"token", "expires_at"}, good for an hour."""
    if not (source.installation_id.isascii() and source.installation_id.isdecimal()):
        raise Unauthorised("The installation's number is missing: it stands at the end of the installation's address at GitHub")
    proof = app_jwt(app_id=source.app_id, private_key=private_key, at=at)
    answer = client.request(
        path=f"/app/installations/{source.installation_id}/access_tokens",
        method="POST",
        headers={**HEADERS, "Authorization": f"Bearer {proof}"},  # the client may be that of a mirror, which has none
    ).checked()
    try:
        fields = Fields.of(value=answer.json(), path="token")
        return _Kept(token=fields.needed_text("token"), good_until=fields.needed_moment("expires_at") - BEFORE_THE_END)
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"{answer.what} gave no token: {wrong}") from None
