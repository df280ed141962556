"""The page that goes on to somebody else's site after a form of ours.

Browsers hold the redirects of a form to ``form-action``, which names only ourselves: so a page that goes on answers the form.
"""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def go_on(request: HttpRequest, *, address: str, name: str) -> HttpResponse:
    """A page that leads to ``address`` at once, and by a link where the browser does not."""
    page = render(request, "account/going_outside.html", {"address": address, "host": urlsplit(address).hostname, "name": name})
    page.headers["Refresh"] = f"0; url={address}"
    return page
