"""The buttons of the sign-in page that lead to a provider."""

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from django import template

register = template.Library()


@register.inclusion_tag("components/sign_in_offers.html", takes_context=True)
def sign_in_offers(context: template.Context) -> dict[str, Any]:
    """One button for each provider that is configured; nothing where there is none."""
    request = context["request"]
    wanted = request.GET.get("next", "")
    return {"offers": get_adapter().list_apps(request), "next": wanted, "csrf_token": context.get("csrf_token")}
