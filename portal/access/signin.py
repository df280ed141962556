"""Sign-in: by invitation only, with a password and a second factor. allauth does it; here is how it shall behave."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.account.signals import authentication_step_completed
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from portal import vault
from portal.access import sessions
from portal.access.freshness import is_fresh
from portal.access.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """No open sign-up; whoever has a second factor also proves it when asked again."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": "Too many wrong passwords. Try again in five minutes, or choose a new password by mail.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        sessions.begin(request, at=timezone.now())

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Somebody with neither password nor factor has nothing to prove it by again: a sign-in a moment ago counts."""
        required = bool(super().is_reauthentication_required(app=app))
        return required and not (not get_reauthentication_flows(self.request.user) and is_fresh(self.request))

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        stronger = [method for method in methods if method["id"] != "reauthenticate"]
        again = {"id": "sign_in_again", "description": "Sign in again", "url": reverse("sign-in-again")}
        return sorted(stronger, key=lambda method: "webauthn" not in method["id"]) or methods or [again]


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # as above
    """Secrets of second factors are sealed in the database; keys have names in our words."""

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What the form for a new key proposes, so that two keys can be told apart."""
        return f"Key {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """What the browser and the key say whom they prove it to; the id must be the host's name (WebAuthn Level 2, 5.1.2)."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": settings.MFA_TOTP_ISSUER}

    def encrypt(self, text: str) -> str:
        return vault.seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return vault.open(encrypted_text.encode())


def sign_in_after_invitation(request: HttpRequest, user: User) -> None:
    """Sign in the person who has just chosen a password."""
    record_authentication(request, user, method="password", email=user.email)
    AccountAdapter(request).login(request, user)


# A session that was raised by a fresh proof gets a new key. allauth loads this module before it proves anybody.
authentication_step_completed.connect(sessions.renew_after_proof, dispatch_uid="portal.access.sessions")
