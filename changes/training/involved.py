"""Who is involved without a role here: whoever has an account that holds a right at a connected system (P-28).

Rights are kept beside this folder, so whoever knows them joins with ``@provider``.
"""

from collections.abc import Callable, Collection
from datetime import datetime

Provider = Callable[[datetime, Collection[int] | None], dict[int, datetime]]
"""(moment, ids of people or None for all) -> by person: since when they have been known to hold a right that they held then."""

_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Register a function that tells who held a right somewhere at a moment. One query."""
    if function not in _providers:
        _providers.append(function)
    return function


def involved(*, at: datetime, people: Collection[int] | None = None) -> dict[int, datetime]:
    """By person (id): since when they have held a right at any system, for those who did at the moment."""
    found: dict[int, datetime] = {}
    for function in _providers:
        for person, since in function(at, people).items():
            found[person] = min(since, found.get(person, since))
    return found
