"""The administrators' page of provisioning: its address and its tokens."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scim.forms import ScimTokenForm
from portal.access.scim.models import ScimToken
from portal.access.scim.tokens import make_token, revoke_token
from portal.access.scim.views import base
from portal.access.signed_in import person_of


@requires(P.PROVISIONING_MANAGE)
@require_GET
def provisioning(request: HttpRequest) -> HttpResponse:
    """Where a directory asks, and with which tokens."""
    return _page(request, ScimTokenForm())


@never_cache
@requires(P.PROVISIONING_MANAGE, fresh=True)
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Make a token; its text is shown once."""
    form, now = ScimTokenForm(request.POST), timezone.now()
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    ends = now + timedelta(days=given["days"])
    token, text = make_token(name=given["name"], expires_at=ends, by=person_of(request), at=now)
    return render(request, "portal/people/provisioning_token.html", {"token": token, "text": text, "address": base()})


@requires(P.PROVISIONING_MANAGE, fresh=True)
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    revoke_token(token=get_object_or_404(ScimToken, pk=pk), by=person_of(request), at=timezone.now())
    messages.success(request, "The token was revoked.")
    return redirect("provisioning")


def _page(request: HttpRequest, form: ScimTokenForm, *, status: int = 200) -> HttpResponse:
    tokens = ScimToken.objects.select_related("made_by").order_by("-made_at", "-pk")
    context = {"form": form, "tokens": tokens, "address": base(), "at": timezone.now()}
    return render(request, "portal/people/provisioning.html", context, status=status)
