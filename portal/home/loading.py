"""One line on the start page while something long is loaded in the background: how far it has come."""

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
    """The line; empty when nothing is being loaded."""
    return str(cache.get(KEY) or "")
