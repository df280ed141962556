"""Who calls: personal tokens, installation tokens of the one App, and the App's own signed word (a JWT)."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from portal.standins.github.errors import GitHubError
from portal.standins.github.hooks import APP_ID
from portal.standins.github.world import World
from portal.standins.store import Row
from portal.standins.times import moment, stamp

INSTALLATION_TOKEN_LIVES = timedelta(hours=1)
LONGEST_JWT = timedelta(minutes=10)
QUOTA = 5000
APP_PERMISSIONS = {
    "actions": "read",
    "administration": "read",
    "checks": "write",
    "contents": "write",
    "deployments": "read",
    "members": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}


@dataclass(frozen=True)
class Caller:
    """Who asks. ``kind`` is user, installation or app; ``repositories`` None means all of them."""

    kind: str
    login: str
    token: str
    permissions: dict[str, str]
    repositories: tuple[str, ...] | None

    def may(self, what: str, level: str = "read") -> bool:
        """Whether the token carries this permission. A person's token carries all of them."""
        if self.kind == "user":
            return True
        has = self.permissions.get(what)
        return has == "write" or has == level


def private_key(world: World) -> str:
    """The App's key in PEM, made on first use."""
    row = world.store.one("app_key", subject="app")
    if row is None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        row = world.store.add("app_key", subject="app", body={"pem": pem.decode()})
    return str(row["pem"])


def personal_token(world: World, login: str) -> str:
    """A person's token, the same on every call: also the password for Git."""
    row = world.store.one("token_of", subject=login.lower())
    if row is None:
        account = world.account(login)
        token = _keep(world, {"kind": "user", "login": account["login"], "expires_at": None}, prefix="ghp_")
        row = world.store.add("token_of", subject=login.lower(), body={"token": token})
    return str(row["token"])


def installation_token(
    world: World,
    *,
    at: datetime,
    lives: timedelta | None = INSTALLATION_TOKEN_LIVES,
    permissions: dict[str, str] | None = None,
    repositories: list[str] | None = None,
) -> Row:
    """A new installation token: ``token``, ``expires_at``, ``permissions``, ``repositories``. ``lives`` None: for ever."""
    granted = {name: level for name, level in (permissions or APP_PERMISSIONS).items() if name in APP_PERMISSIONS}
    body = {
        "kind": "installation",
        "login": "countersign[bot]",
        "expires_at": stamp(at + lives) if lives else None,
        "permissions": granted,
        "repositories": repositories,
    }
    return {**body, "token": _keep(world, body, prefix="ghs_")}


def revoke(world: World, token: str) -> None:
    """Ends a token at once."""
    row = world.store.one("token", subject=token)
    if row:
        world.store.delete(row)


def _keep(world: World, body: dict[str, Any], *, prefix: str) -> str:
    token = prefix + secrets.token_hex(18)
    world.store.add("token", subject=token, body=body)
    return token


def caller(world: World, authorization: str, *, at: datetime) -> Caller:
    """Reads an Authorization header (``Bearer``, ``token`` or ``Basic``). Raises GitHub's 401."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() not in {"bearer", "token", "basic"}:
        raise GitHubError(401, "Requires authentication")
    if scheme.lower() == "basic":
        value = _password(value)
    if value.count(".") == 2:
        return _app(world, value, at=at)
    row = world.store.one("token", subject=value)
    if row is None or (row["expires_at"] and moment(row["expires_at"]) <= at):
        raise GitHubError(401, "Bad credentials")
    selected = row.get("repositories")
    return Caller(row["kind"], row["login"], value, row.get("permissions", {}), tuple(selected) if selected else None)


def _password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise GitHubError(401, "Bad credentials") from problem


def _app(world: World, token: str, *, at: datetime) -> Caller:
    public = serialization.load_pem_private_key(private_key(world).encode(), None).public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise TypeError("the App's key is not RSA")
    options: Any = {"verify_iat": False, "verify_exp": False, "require": ["iat", "exp", "iss"]}
    try:
        claims = jwt.decode(token, public, algorithms=["RS256"], options=options)
    except jwt.PyJWTError as problem:
        raise GitHubError(401, "A JSON web token could not be decoded") from problem
    _check_claims(claims, at=at)
    return Caller("app", "countersign", token, {}, None)


def _check_claims(claims: dict[str, Any], *, at: datetime) -> None:
    if str(claims["iss"]) not in {str(APP_ID), "Iv1.countersign"}:
        raise GitHubError(401, "'Issuer' claim ('iss') must be an Integer")
    issued = datetime.fromtimestamp(float(claims["iat"]), UTC)
    expires = datetime.fromtimestamp(float(claims["exp"]), UTC)
    if issued > at + timedelta(seconds=30):
        raise GitHubError(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
    if expires <= at:
        raise GitHubError(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
    if expires > at + LONGEST_JWT:
        raise GitHubError(401, "'Expiration time' claim ('exp') is too far in the future")
