"""An OpenID Connect provider over real HTTP: discovery, authorization code with PKCE, signed ID tokens, userinfo.

OpenID Connect Core 1.0 and Discovery 1.0; PKCE is RFC 7636. ``consent`` says who is signed in there, as a browser would.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from portal.standins.routes import Routes
from portal.standins.web import Answer, Request, Serving, json_answer

LIVES = 300
"""Seconds of an ID token."""


@dataclass
class Grant:
    """What a code stands for."""

    claims: dict[str, Any]
    asked: dict[str, str]


@dataclass
class OpenIDStandIn:
    """One provider with one client. ``people`` are claims by login; ``asked`` keeps the authorization requests."""

    client_id: str = "countersign"
    secret: str = "standin-secret"  # noqa: S105  # of a stand-in
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._serving: Serving | None = None

    def start(self) -> str:
        """Serve on a free loopback port; returns the address, which is the issuer."""
        self._serving = Serving(self.answer)
        self.url = self._serving.url
        self._serving.start()
        return self.url

    def stop(self) -> None:
        """Answer nothing more."""
        if self._serving:
            self._serving.stop()

    def add_person(self, *, login: str, sub: str, email: str, verified: bool = True, name: str = "") -> None:
        """Somebody who has an account here."""
        self.people[login] = {"sub": sub, "email": email, "email_verified": verified, "name": name or login}

    def consent(self, address: str, *, login: str) -> str:
        """The browser at ``/authorize``, signed in as ``login``: agrees, and is sent to this path and query of the portal."""
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self._codes[code] = Grant(self.people[login], asked)
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state']})}"

    def refuse(self, address: str) -> str:
        """The same, when the person does not agree."""
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"

    def answer(self, request: Request) -> Answer:
        """One request over HTTP."""
        found = ROUTES.find(request.method, request.path)
        if self.broken or found is None:
            return json_answer({"error": "server_error"}, status=500 if self.broken else 404)
        handler, _ = found
        return handler((self, request))

    def discovery(self) -> dict[str, Any]:
        """What ``/.well-known/openid-configuration`` says."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def redeem(self, form: dict[str, str]) -> Answer:
        """A code for tokens, once, for the client and the verifier that belong to it."""
        grant = self._codes.pop(form.get("code", ""), None)
        right = (form.get("client_id"), form.get("client_secret")) == (self.client_id, self.secret)
        if grant is None or not right or not _proves(grant.asked, form):
            return json_answer({"error": "invalid_grant"}, status=400)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = grant.claims
        now = int(time.time())
        claims = {**grant.claims, "iss": self.url, "aud": self.client_id, "iat": now, "exp": now + LIVES}
        if "nonce" in grant.asked:
            claims["nonce"] = grant.asked["nonce"]
        return json_answer({"access_token": token, "token_type": "Bearer", "expires_in": LIVES, "id_token": self.id_token(claims)})

    def id_token(self, claims: dict[str, Any]) -> str:
        """What the provider signs."""
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "one"})

    def keys(self) -> dict[str, Any]:
        """The public key of ID tokens."""
        return {"keys": [{**RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True), "kid": "one", "use": "sig", "alg": "RS256"}]}

    def person_of(self, authorization: str) -> dict[str, Any] | None:
        """The claims behind an access token."""
        return self._tokens.get(authorization.partition(" ")[2])


Call = tuple[OpenIDStandIn, Request]
ROUTES: Routes[Call] = Routes()


@ROUTES.on("GET", "/.well-known/openid-configuration")
def discovery(call: Call) -> Answer:
    return json_answer(call[0].discovery())


@ROUTES.on("GET", "/keys")
def keys(call: Call) -> Answer:
    return json_answer(call[0].keys())


@ROUTES.on("POST", "/token")
def token(call: Call) -> Answer:
    return call[0].redeem(call[1].form())


@ROUTES.on("GET", "/userinfo")
def userinfo(call: Call) -> Answer:
    found = call[0].person_of(call[1].headers.get("Authorization", ""))
    return json_answer(found) if found else json_answer({"error": "invalid_token"}, status=401)


def _proves(asked: dict[str, str], form: dict[str, str]) -> bool:
    """Whether the verifier fits the challenge (RFC 7636, 4.6), and the address is the one that was asked with."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return asked.get("code_challenge") == challenge and asked.get("redirect_uri") == form.get("redirect_uri")
