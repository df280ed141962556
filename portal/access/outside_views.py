"""The way to a provider and back. allauth answers the way back; the way there is ours, so that it works under our policy."""

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.github import views as github
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from portal.access import outside_sign_in
from portal.access.going import go_on
from portal.access.guards import public, requires
from portal.access.id_tokens import OPENID, VerifyingAdapter, new_nonce
from portal.access.permissions import P
from portal.access.signed_in import person_of


@never_cache
@require_POST
def _begin(request: HttpRequest, provider: str) -> HttpResponse:
    """Go to a provider to sign in; somebody who is signed in proves there anew who they are."""
    params = {"prompt": "login"} if request.user.is_authenticated else None
    return _go(request, provider, process=AuthProcess.LOGIN, auth_params=params)


@never_cache
@require_GET
def _cancelled(request: HttpRequest) -> HttpResponse:
    """Back from a provider without having signed in."""
    messages.info(request, "You did not sign in there. Nothing was changed.")
    return redirect("me" if request.user.is_authenticated else "account_login")


@never_cache
@require_GET
def _back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from a provider: allauth redeems the code. One that cannot be reached then, or talks nonsense, signs nobody in."""
    try:
        answered: HttpResponse = (
            github.oauth2_callback(request)
            if provider_id == "github"
            else OAuth2CallbackView.adapter_view(VerifyingAdapter(request, provider_id))(request)
        )
    except SocialApp.DoesNotExist as unknown:
        raise Http404(f"{provider_id} is not connected") from unknown
    except (RequestException, ValueError, KeyError):
        return render(request, "socialaccount/authentication_error.html", status=401)
    return answered


back = public(_back, reason="Back from a provider, to sign in.")
begin = public(_begin, reason="The way to a provider, to sign in.")
cancelled = public(_cancelled, reason="Back from a provider without having signed in.")


@requires(P.OWN_ACCOUNT)
@require_GET
def again(request: HttpRequest) -> HttpResponse:
    """Prove anew who one is, for somebody who has neither a password nor a second factor."""
    mine = set(SocialAccount.objects.filter(user=person_of(request)).values_list("provider", flat=True))
    offers = [app for app in offered(request) if app.provider_id in mine]
    return render(request, "account/sign_in_again.html", {"offers": offers, "next": request.GET.get("next", "")})


@never_cache
@requires(P.OWN_ACCOUNT, fresh=True)
@require_POST
def add(request: HttpRequest, provider: str) -> HttpResponse:
    """Add a provider's account as a way to sign in."""
    return _go(request, provider, process=AuthProcess.CONNECT, auth_params=None)


@requires(P.OWN_ACCOUNT, fresh=True)
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a way to sign in away."""
    person = person_of(request)
    outside_sign_in.remove(account=get_object_or_404(SocialAccount, pk=pk, user=person), user=person)
    messages.success(request, "You no longer sign in with that account.")
    return redirect("me")


def offered(request: HttpRequest) -> list[SocialApp]:
    """The providers that are configured."""
    return list(get_adapter().list_apps(request))


def _go(request: HttpRequest, name: str, *, process: str, auth_params: dict[str, str] | None) -> HttpResponse:
    try:
        provider = get_adapter().get_provider(request, name)
        bound = {"nonce": new_nonce()} if provider.app.provider == OPENID else {}
        going = provider.redirect(
            request, process, next_url=_next(request), auth_params={**(auth_params or {}), **bound} or None, **bound
        )
    except (SocialApp.DoesNotExist, ImproperlyConfigured) as unknown:
        raise Http404(f"{name} is not connected") from unknown
    except (RequestException, ValueError, KeyError):
        return render(request, "socialaccount/authentication_error.html", status=502)
    address = going.headers.get("Location", "")
    if not address:
        return HttpResponse(going.content, status=going.status_code)
    return go_on(request, address=address, name=provider.app.name)


def _next(request: HttpRequest) -> str | None:
    """Where to go afterwards: a page of ours, or none."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and safe else None
