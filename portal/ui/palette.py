"""The command palette: pages, actions and whatever features offer. The server fills it, with the reader's own rights.

A feature joins with ``@palette.provider``: a function of (request, words) that gives hits. It checks permissions itself and
answers an empty question cheaply, because the palette asks everybody at each key.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from portal.access.guards import requires
from portal.access.permissions import P
from portal.ui.answers import page
from portal.ui.navigation import ACCOUNT, PAGES, exists_for, pages_for

MOST = 12
"""Hits that the list shows."""

LONGEST = 200
"""Characters of a question that are read."""


@dataclass(frozen=True)
class Hit:
    """One line. ``hint`` stands at its right in grey; ``keys`` are the keys that do the same, as "g i"."""

    icon: str
    words: str
    href: str
    hint: str = ""
    keys: str = ""


@dataclass(frozen=True)
class Action:
    """A command with an address. It is offered only while its page exists and opens for the reader."""

    icon: str
    words: str
    href: str
    keys: str = ""


Provider = Callable[[HttpRequest, str], Iterable[Hit]]

ACTIONS = [
    Action("plus", "Propose a change", "/changes/new/", "c"),
    Action("siren", "Declare an emergency", "/changes/new/emergency/"),
    Action("users", "Hand approvals over while away", "/approvals/delegations/new/"),
    Action("snowflake", "See or set freezes", "/changes/freezes/"),
    Action("rss", "Subscribe to the calendar of changes", "/me/feeds/"),
    Action("door-closed", "See what the deploy gate answered", "/deploys/gate/"),
    Action("keyboard", "See the keyboard shortcuts", "/help/", "?"),
]
_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Register a function that answers the palette. Registering it again changes nothing."""
    if function not in _providers:
        _providers.append(function)
    return function


def hits_for(request: HttpRequest, words: str) -> list[Hit]:
    """What matches the words: commands and pages first, then what the providers found."""
    asked = words.lower().split()
    own = [hit for hit in _own(request) if all(word in hit.words.lower() for word in asked)]
    found = [hit for function in _providers for hit in function(request, words)]
    return [*own, *found][:MOST] if asked else [*own, *found][: 2 * MOST]


def _own(request: HttpRequest) -> list[Hit]:
    user = request.user
    actions = [Hit(act.icon, act.words, act.href, keys=act.keys) for act in ACTIONS if exists_for(user, act.href)]
    pages = [
        Hit(at.icon, f"Go to {at.words.lower()}", at.path, keys=f"g {at.key}" if at.key else "") for at in pages_for(user, PAGES)
    ]
    return [*actions, *pages, *(Hit(at.icon, at.words, at.path) for at in pages_for(user, [ACCOUNT]))]


@requires(P.OWN_ACCOUNT)
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """The list for the palette; without script a page with the same list."""
    words = request.GET.get("q", "")[:LONGEST].strip()
    return page(request, "portal/palette.html", {"hits": hits_for(request, words), "q": words}, piece="hits")
