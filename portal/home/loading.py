"""One line on the start page, and on pages that look empty meanwhile: how far something long has come in the background."""

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from portal.access.scope import for_auditor

KEY = "loading"
KEPT = 180
"""Seconds after which a line that nobody renews goes away."""


def say(words: str) -> None:
    """Show this line; the empty one takes it away."""
    if words:
        cache.set(KEY, words, KEPT)
    else:
        cache.delete(KEY)


def said(request: HttpRequest) -> str:
    """The line; empty when nothing is being loaded, where no demo is, and for auditors: their wall shuts the cache's table."""
    return str(cache.get(KEY) or "") if settings.DEMO and not for_auditor(request) else ""
