"""Linking an account at GitHub or Slack to the person who is signed in. It never signs anybody in.

social-auth runs the exchange with the vendor; our strategy never hands its result to Django's authentication, the backends
are not among Django's, and the pipeline neither creates people nor looks at e-mail addresses.
GitHub: docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps.
Slack: api.slack.com/authentication/sign-in-with-slack.
"""

from typing import Any, cast

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_core.exceptions import AuthResponseError
from social_django.strategy import DjangoStrategy

from portal.access.freshness import is_fresh
from portal.access.identities import link_identity
from portal.access.models import User
from portal.access.people import actor_of
from portal.policy.refusal import Refused


class NotLinked(Exception):
    """The account was not linked; the text says why, for the person to read."""


class LinkingStrategy(DjangoStrategy):
    """Runs the pipeline itself, instead of asking Django to authenticate."""

    def get_backend_class(self, name: str) -> type[Any]:
        found = [backend for backend in map(import_string, settings.LINKING_BACKENDS) if backend.name == name]
        if not found:
            raise Http404(f"{name} is not connected")
        return cast(type[Any], found[0])

    def authenticate(self, backend: Any, *args: Any, **kwargs: Any) -> Any:
        return backend.run_authentication(*args, **{**kwargs, "strategy": self, "storage": self.storage, "backend": backend})

    def clean_authenticate_args(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return args, kwargs


class GitHub(GithubOAuth2[HttpResponse]):
    """Asks GitHub for the public profile only: the number and the login name. No scope, no e-mail."""

    ASSOCIATION_ONLY = True  # binds the exchange to the person who began it

    def api_url(self) -> str:
        return str(self.setting("API_URL", self.API_URL))

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        found = self.get_json(f"{self.api_url()}user", headers={"Authorization": f"token {access_token}"})
        if not isinstance(found, dict) or not isinstance(found.get("id"), int):
            raise AuthResponseError(self, code="malformed_response", stage="user_info")
        return {"id": found["id"], "login": str(found.get("login", ""))}

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        return {"username": response["login"]}


class Slack(BaseOAuth2[HttpResponse]):
    """Sign in with Slack (OpenID Connect). A user number counts only within its team, so the uid is ``<team>:<user>``."""

    ASSOCIATION_ONLY = True  # as above
    name = "slack"
    title = "Slack"
    AUTHORIZATION_URL = "https://slack.com/openid/connect/authorize"
    ACCESS_TOKEN_URL = "https://slack.com/api/openid.connect.token"  # noqa: S105  # an address, not a password
    USER_URL = "https://slack.com/api/openid.connect.userInfo"
    DEFAULT_SCOPE = ["openid", "profile"]
    SCOPE_SEPARATOR = " "
    REDIRECT_STATE = False

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        address = str(self.setting("USER_URL", self.USER_URL))
        found = self.get_json(address, headers={"Authorization": f"Bearer {access_token}"})
        user, team = found.get("https://slack.com/user_id"), found.get("https://slack.com/team_id")
        if found.get("ok") is not True or not user or not team:
            raise AuthResponseError(self, code="malformed_response", stage="user_info")
        if self.setting("TEAM") and team != self.setting("TEAM"):
            raise NotLinked("That Slack account belongs to another workspace.")
        return {"id": f"{team}:{user}", "login": str(found.get("name", ""))}

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        return {"username": response["login"]}


def only_signed_in_people(strategy: Any, *args: Any, user: Any = None, **kwargs: Any) -> None:
    """Refuse unless a person is signed in, the exchange is theirs, and they proved who they are a moment ago."""
    request: HttpRequest = strategy.request
    if not isinstance(user, User) or not request.user.is_authenticated or user.pk != request.user.pk or not is_fresh(request):
        raise NotLinked("Sign in, confirm that it is you, and link the account from your own page.")


def link_to_person(backend: Any, uid: str, response: dict[str, Any], *args: Any, user: User, **kwargs: Any) -> dict[str, Any]:
    """Link the vendor's number to the person. Raises ``NotLinked`` when it is linked to somebody else."""
    try:
        identity = link_identity(
            user=user, provider=backend.name, uid=str(uid), login=response["login"], by=actor_of(user), at=timezone.now()
        )
    except Refused as refusal:
        raise NotLinked(refusal.words) from refusal
    return {"identity": identity, "social": None}
