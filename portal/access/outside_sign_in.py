"""Signing in with Google, GitHub or another OpenID Connect provider. It makes nobody, and a second factor is asked for as ever.

An account there is known by the provider's number. It becomes somebody's in one of three ways: the person adds it on their own
page, with a fresh proof; the same GitHub account was linked by the person's own sign-in at GitHub; or, for somebody who was
provisioned and has no password yet, the provider confirms their address and is believed about its domain.
"""

import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.signals import social_account_added
from django.contrib import messages
from django.db import transaction
from django.db.models.signals import pre_save
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.access.freshness import is_fresh
from portal.access.id_tokens import belongs_here
from portal.access.models import Identity, User
from portal.access.people import actor_of, stream_of
from portal.access.roster.describing import refused
from portal.access.roster.leaving import ends_with_person
from portal.ledger.actions import append

log = logging.getLogger("countersign.sign_in")
GITHUB = "github"


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """No open sign-up; whoever is not known is told so."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if not belongs_here(sociallogin):
            raise ImmediateHttpResponse(render(request, "socialaccount/authentication_error.html", status=401))
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(_added(request, sociallogin))
        if sociallogin.is_existing:
            return
        person = person_behind(sociallogin)
        if person is None:
            raise ImmediateHttpResponse(render(request, "account/not_known.html", status=403))
        with transaction.atomic():
            sociallogin.connect(request, person)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        """What the provider says about the person is not taken over."""
        user: User = sociallogin.user
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        log.warning("sign-in outside failed", extra={"provider": provider.id, "error": str(error), "exception": repr(exception)})


def _added(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    """Back from the provider to one's own page: the account is added, or the page says why not."""
    if not isinstance(request.user, User) or not is_fresh(request):
        messages.error(request, "Confirm that it is you, and add the account from your own page again. Nothing was changed.")
    elif not sociallogin.is_existing:
        with transaction.atomic():
            sociallogin.connect(request, request.user)
        messages.success(request, "You can sign in with that account from now on.")
    elif sociallogin.user.pk != request.user.pk:
        messages.error(request, "That account is somebody else's already. They remove it first.")
    else:
        messages.info(request, "That account is yours already.")
    return redirect("me")


def person_behind(sociallogin: SocialLogin) -> User | None:
    """Whose account this is, though it was never used to sign in; None for nobody who may."""
    provider, uid = sociallogin.account.provider, sociallogin.account.uid
    if provider == GITHUB:
        # Only a link that the person made by signing in there: one that somebody else confirmed must not open the account.
        linked = Identity.objects.select_related("user").filter(provider=GITHUB, uid=uid, ended_at=None, user__is_active=True)
        return next((row.user for row in linked if row.linked_by == actor_of(row.user)), None)
    domains = sociallogin.account.get_provider().app.settings.get("domains", [])
    confirmed = [address.email.strip().lower() for address in sociallogin.email_addresses if address.verified]
    believed = [email for email in confirmed if email.rpartition("@")[2] in domains]
    people = User.objects.filter(email__in=believed, is_active=True).order_by("pk")
    return next((user for user in people if not user.has_usable_password() and not _signs_in_elsewhere(user)), None)


def _signs_in_elsewhere(user: User) -> bool:
    """Somebody who has an account at a provider already adds another one on their own page."""
    return bool(SocialAccount.objects.filter(user=user).exists())


@transaction.atomic
def remove(*, account: SocialAccount, user: User) -> None:
    """Take a way to sign in away. Raises ``Refused`` for the last one of somebody without a password."""
    others = SocialAccount.objects.select_for_update().filter(user=user).exclude(pk=account.pk)
    if not user.has_usable_password() and not others.exists():
        raise refused("This is your only way to sign in.", "Choose a password first, by “Forgotten your password?”.")
    _tell("sign_in.removed", user, account)
    account.delete()


@ends_with_person("sign_ins")
def end_sign_ins(user: User, *_: Any) -> int:
    """Forget the accounts at providers of somebody who leaves. Gives how many."""
    standing = list(SocialAccount.objects.filter(user=user))
    for account in standing:
        account.delete()
    return len(standing)


def note_added(sender: object, sociallogin: SocialLogin, **_: Any) -> None:
    """Receiver of allauth's ``social_account_added``: the ledger says whose it is."""
    _tell("sign_in.added", sociallogin.user, sociallogin.account)


def keep_little(sender: object, instance: SocialAccount, **_: Any) -> None:
    """Receiver of ``pre_save``: of what the provider says about the account, only its number is kept."""
    instance.extra_data = {}


def _tell(kind: str, user: User, account: SocialAccount) -> None:
    fact = {"person": user.pk, "name": user.name, "provider": account.provider, "uid": account.uid}
    with transaction.atomic():
        append(stream=stream_of(user), kind=kind, actor=actor_of(user), fact=fact)


social_account_added.connect(note_added, dispatch_uid="portal.access.outside_sign_in")
pre_save.connect(keep_little, sender=SocialAccount, dispatch_uid="portal.access.outside_sign_in")
