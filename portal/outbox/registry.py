"""Who delivers which kind of effect. A feature registers its own; the outbox knows none by name."""

from collections.abc import Callable, Mapping
from typing import Any

Deliverer = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_deliverers: dict[str, Deliverer] = {}


def deliverer(kind: str) -> Callable[[Deliverer], Deliverer]:
    """Register a function as the one that delivers ``kind``; a second one for the same kind is a mistake and raises.

    The function gets the payload with the effect's own key under ``key``. It first looks whether the effect is there
    already (an answer can be lost after the effect), returns what it found or made as JSON, and raises ``Passing`` or
    ``Permanent`` from :mod:`portal.outbox.errors`. It may write rows: they are kept only when it returns.
    """

    def register(function: Deliverer) -> Deliverer:
        known = _deliverers.get(kind)
        if known is not None and known is not function:
            raise ValueError(f"two deliverers for {kind!r}")
        _deliverers[kind] = function
        return function

    return register


def deliverer_of(kind: str) -> Deliverer | None:
    """The deliverer of ``kind``; None when nobody registered, which the delivery reports and retries."""
    return _deliverers.get(kind)


def kinds() -> tuple[str, ...]:
    """Every kind that somebody delivers, in alphabetical order."""
    return tuple(sorted(_deliverers))
