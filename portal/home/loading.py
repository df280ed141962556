"""One line on the start page, and on pages that look empty meanwhile: how far something long has come in the background."""

from django.conf import settings
from django.core.cache import cache

KEY = "loading"
KEPT = 180
"""Seconds after which a line that nobody renews goes away."""


def say(words: str) -> None:
    """Show this line; the empty one takes it away."""
    if words:
        cache.set(KEY, words, KEPT)
    else:
        cache.delete(KEY)


def said() -> str:
    """The line; empty when nothing is being loaded, and where no demo is."""
    return str(cache.get(KEY) or "") if settings.DEMO else ""
