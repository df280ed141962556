"""Where "/" leads: most people to their inbox, others to the page that a feature names for them."""

from collections.abc import Callable

from django.http import HttpRequest

from portal.ui.navigation import pages_for

Chooser = Callable[[HttpRequest], str | None]

_choosers: list[Chooser] = []


def chooser(function: Chooser) -> Chooser:
    """Register a function that names the start page of some people (an address), or None for everybody else."""
    if function not in _choosers:
        _choosers.append(function)
    return function


def page_for(request: HttpRequest) -> str | None:
    """The address that "/" sends this person to; None means the inbox.

    Whoever has no inbox in the navigation (auditors act on nothing) starts on the first page that they have.
    """
    chosen = next((address for address in (choose(request) for choose in _choosers) if address), None)
    first = next((page.path for page in pages_for(request.user)), "/")
    return chosen or (first if first != "/" else None)
