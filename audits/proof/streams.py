"""Where that which a stream of the ledger is about can be read."""

from django.urls import reverse


def address_of(stream: str) -> str:
    """The address of its page; empty when it has none."""
    kind, _, number = stream.partition(":")
    return reverse(kind, args=[number]) if kind in ("change", "exception", "person") and number.isdecimal() else ""
