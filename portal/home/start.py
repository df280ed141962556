"""Where "/" leads: most people to their inbox, others to the page that a feature names for them."""

from collections.abc import Callable

from django.http import HttpRequest

Chooser = Callable[[HttpRequest], str | None]

_choosers: list[Chooser] = []


def chooser(function: Chooser) -> Chooser:
    """Register a function that names the start page of some people (an address), or None for everybody else."""
    if function not in _choosers:
        _choosers.append(function)
    return function


def page_for(request: HttpRequest) -> str | None:
    """The address that "/" sends this person to; None means the inbox."""
    return next((address for address in (choose(request) for choose in _choosers) if address), None)
