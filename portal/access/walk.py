"""Every address of the portal and what it declares. Used by the start-up check, the middleware and the architecture test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from portal.access.permissions import P
from portal.access.rules import BY_TOKEN, OPEN, OWN


@dataclass(frozen=True)
class Rule:
    """Who a view answers: holders of ``permission``, bearers of a token, or everybody for the ``reason``."""

    permission: P | None = None
    reason: str = ""
    by_token: bool = False

    @property
    def public(self) -> bool:
        """Whether people who are not signed in get an answer."""
        return bool(self.reason)


@dataclass(frozen=True)
class Route:
    """One address: its pattern, its full name (with namespace) and the view."""

    pattern: str
    name: str
    view: Callable[..., Any]


def rule_of(view: Callable[..., Any], name: str) -> Rule | None:
    """What the view declares, or what the table says about views that are not ours. None when nobody says anything."""
    said = vars(view) if hasattr(view, "__dict__") else {}
    if isinstance(said.get("permission"), P):
        return Rule(permission=said["permission"])
    if said.get("public_reason"):
        return Rule(reason=said["public_reason"])
    if said.get("token_guarded") or name.partition(":")[0] in BY_TOKEN:
        return Rule(by_token=True)
    if name in OPEN:
        return Rule(reason=OPEN[name])
    return Rule(permission=P.OWN_ACCOUNT) if name in OWN else None


def routes() -> Iterator[Route]:
    """All addresses, in the order in which they are tried."""
    yield from _under(get_resolver().url_patterns, "", "")


def _under(patterns: list[URLPattern | URLResolver], prefix: str, namespace: str) -> Iterator[Route]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _under(pattern.url_patterns, address, inner)
        else:
            yield Route(address, f"{namespace}{pattern.name or ''}", pattern.callback)
