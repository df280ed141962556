"""System, light or dark: a cookie that the server reads, so that the right colours are there at once, without script."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.access.guards import public
from portal.access.own import remember_theme

THEMES = ("system", "light", "dark")


def chosen(request: HttpRequest) -> str:
    """The theme of this browser, else of this person, else the system's."""
    cookie = request.COOKIES.get(settings.THEME_COOKIE_NAME, "")
    if cookie in THEMES:
        return cookie
    own = getattr(getattr(request, "user", None), "theme", "system")
    return own if own in THEMES else "system"


def _switch(request: HttpRequest, **_: Any) -> HttpResponse:
    theme = request.POST.get("theme", "")
    back = request.META.get("HTTP_REFERER", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    return remember_theme(HttpResponseRedirect(back), theme if theme in THEMES else "system")


switch = public(require_POST(_switch), reason="The theme is a cookie of the browser; the sign-in page has it too.")
