"""What is believed of an OpenID Connect provider on the way back: an ID token that it signed, for us, on this very way.

OpenID Connect Core 1.0, 3.1.3.7 lets a client leave the signature unchecked where the token came straight from the provider, and
allauth does. Here it is always checked, by a key that the provider publishes; the nonce ties the token to the browser sent there.
"""

import hmac
import secrets
from typing import Any

import jwt
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures by a private key of the provider. None that a secret makes, and not "none"."""
OPENID = "openid_connect"


class VerifyingAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth is not typed
    """allauth's, which believes no token without a signature. Raises ``OAuth2Error``, which signs nobody in."""

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What the token endpoint answers; there has to be an ID token, signed in a way that we take."""
        answered: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
        try:
            algorithm = jwt.get_unverified_header(answered.get("id_token") or "").get("alg")
        except jwt.PyJWTError as problem:
            raise OAuth2Error("there is no ID token") from problem
        if algorithm not in ALGORITHMS:
            raise OAuth2Error("the ID token is signed in no way that is taken")
        # allauth checks the signature where it did not fetch the token itself.
        self.did_fetch_access_token = False
        return answered

    def complete_login(self, *args: Any, **kwargs: Any) -> SocialLogin:
        """The account there. What is said about somebody else than the token names is not believed (5.3.2)."""
        login: SocialLogin = super().complete_login(*args, **kwargs)
        said = login.account.extra_data
        login.said_nonce = said["id_token"].get("nonce")
        if said["id_token"]["sub"] != said.get("userinfo", said["id_token"]).get("sub"):
            raise OAuth2Error("the ID token and the answer about the person name two people")
        return login


def new_nonce() -> str:
    """Bound to one way to a provider; its token says it again."""
    return secrets.token_urlsafe(24)


def belongs_here(login: SocialLogin) -> bool:
    """Whether the token says the nonce of this way. Other providers than those of OpenID Connect have no token, and PKCE alone."""
    if login.account.get_provider().app.provider != OPENID:
        return True
    said = getattr(login, "said_nonce", None)
    return isinstance(said, str) and hmac.compare_digest(said.encode(), str(login.state.get("nonce", "")).encode())
