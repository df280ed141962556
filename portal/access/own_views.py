"""One's own account: profile, second factor, linked accounts, tokens, browsers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from allauth.account.views import password_change
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from social_core.exceptions import SocialAuthBaseException
from social_django.utils import psa

from portal.access import identities, own, queries, tokens
from portal.access.forms import ProfileForm, TokenForm
from portal.access.going import go_on
from portal.access.guards import requires
from portal.access.linking import NotLinked
from portal.access.may import roles_of
from portal.access.models import ApiToken
from portal.access.people import actor_of
from portal.access.permissions import FOR_TOKENS, P
from portal.access.roles import Role, permissions_of
from portal.access.signed_in import person_of

Exchange = Callable[[HttpRequest, Any], HttpResponse]
with_vendor = cast(Callable[[Exchange], Callable[[HttpRequest, str], HttpResponse]], cast(Any, psa)("link-back"))
"""Gives a view the vendor's backend for the name in its address; 404 for one that is not configured."""
VENDORS = {"github": "GitHub", "slack": "Slack"}


@requires(P.OWN_ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Choose another password. Whoever has none yet gets the letter with which one is chosen."""
    if not person_of(request).has_usable_password():
        messages.info(request, "You have no password yet. Ask for a letter here; it lets you choose one.")
        return redirect("account_reset_password")
    answer: HttpResponse = password_change(request)
    return answer


@requires(P.OWN_ACCOUNT)
@require_GET
def me(request: HttpRequest) -> HttpResponse:
    """The page about oneself."""
    return _me(request)


@requires(P.OWN_ACCOUNT)
@require_POST
def save_profile(request: HttpRequest) -> HttpResponse:
    """Keep name, theme, density, time zone and shortcuts."""
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _me(request, profile_form=form, status=422)
    own.save_profile(user=person_of(request), **form.cleaned_data)
    messages.success(request, "Saved.")
    # The theme's cookie of this browser wins over the person's choice, so it follows it.
    return own.remember_theme(redirect("me"), form.cleaned_data["theme"])


@requires(P.OWN_ACCOUNT, fresh=True)
@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """Make a token for the API and show it, this once."""
    user = person_of(request)
    form = TokenForm(request.POST, offered=_scopes(request))
    if not form.is_valid():
        return _me(request, token_form=form, status=422)
    given, now = form.cleaned_data, timezone.now()
    token, text = tokens.make_token(
        user=user,
        name=given["name"],
        scopes=[P(code) for code in given["scopes"]],
        expires_at=now + timedelta(days=given["days"]),
        by=actor_of(user),
        at=now,
    )
    return render(request, "portal/me/token.html", {"token": token, "text": text})


@requires(P.OWN_ACCOUNT)
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own tokens."""
    user = person_of(request)
    tokens.revoke_token(token=get_object_or_404(ApiToken, pk=pk, user=user), by=actor_of(user), at=timezone.now())
    messages.success(request, "The token was revoked.")
    return redirect("me")


@requires(P.OWN_ACCOUNT)
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign one of one's own browsers out."""
    own.end_session(session=get_object_or_404(UserSession, pk=pk, user=person_of(request)))
    messages.success(request, "That browser was signed out.")
    return redirect("me")


@requires(P.OWN_ACCOUNT, fresh=True)
@require_POST
@with_vendor
def link(request: HttpRequest, backend: str) -> HttpResponse:
    """Go to the vendor and prove whose account it is."""
    vendor = cast(Any, request).backend
    vendor.prepare_auth(user=person_of(request))
    return go_on(request, address=vendor.start().url, name=VENDORS.get(backend, backend))


@requires(P.OWN_ACCOUNT, fresh=True)
@require_GET
@with_vendor
def link_back(request: HttpRequest, backend: str) -> HttpResponse:
    """Come back from the vendor: the account is linked, or the page says why not."""
    name = VENDORS.get(backend, backend)
    try:
        cast(Any, request).backend.complete(user=person_of(request), request=request)
    except NotLinked as refusal:
        messages.error(request, str(refusal))
    except SocialAuthBaseException:
        messages.error(request, f"{name} did not confirm the account, so nothing was linked. Try again.")
    else:
        messages.success(request, f"Your {name} account is linked.")
    return redirect("me")


@requires(P.OWN_ACCOUNT, fresh=True)
@require_POST
def unlink_own(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own links."""
    user = person_of(request)
    identity = get_object_or_404(user.identities, pk=pk, ended_at=None)
    identities.unlink_identity(identity=identity, by=actor_of(user), at=timezone.now())
    messages.success(request, "The account was unlinked.")
    return redirect("me")


def _scopes(request: HttpRequest) -> list[P]:
    """What a token of this person could do."""
    roles = roles_of(request.user)
    return [] if Role.AUDITOR in roles else sorted(permissions_of(roles) & FOR_TOKENS)


def _me(
    request: HttpRequest, *, profile_form: ProfileForm | None = None, token_form: TokenForm | None = None, status: int = 200
) -> HttpResponse:
    user, now = person_of(request), timezone.now()
    profile = {name: getattr(user, name) for name in ("name", "theme", "density", "time_zone", "shortcuts")}
    linked = [identity for identity in queries.identities_of(user) if identity.ended_at is None]
    missing = {identity.provider for identity in linked}
    offered = [backend.rpartition(".")[2].lower() for backend in settings.LINKING_BACKENDS]
    context: dict[str, Any] = {
        "subject": user,
        "grants": [grant for grant in queries.history_of(user) if grant.valid_until is None or grant.valid_until > now],
        "profile_form": profile_form or ProfileForm(initial=profile),
        "token_form": token_form or TokenForm(offered=_scopes(request)),
        "tokens": queries.tokens_of(user),
        "identities": linked,
        "vendors": [(code, VENDORS[code]) for code in offered if code not in missing],
        "sign_ins": SocialAccount.objects.filter(user=user).order_by("provider", "pk"),
        "sign_in_offers": get_adapter().list_apps(request),
        "factors": list(Authenticator.objects.filter(user=user).order_by("type", "pk")),
        "sessions": own.sessions_of(user, at=now),
        "this_session": request.session.session_key,
        "read_only": Role.AUDITOR in roles_of(user),
        "at": now,
    }
    return render(request, "portal/me/me.html", context, status=status)
