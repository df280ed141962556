"""Everything that a person asked for and a worker does: how far it is, what came of it, and until when it can be had.

A feature joins with ``@exports.provider``: a function of ``user`` and ``at`` that gives the newest of what that person asked for,
at most ``MOST``, with few queries whatever their number.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.access.models import User

MOST = 50
"""Of each sort, and of all together on the page."""


@dataclass(frozen=True)
class Export:
    """One thing that somebody asked for. Addresses are of this portal; empty where there is none.

    ``href`` leads to what came of it, ``file`` to its file, ``cancel`` is where giving it up is sent. ``size`` is in bytes,
    ``digest`` the SHA-256 of the file, ``expires_at`` until when it is offered. ``done`` of ``total`` counts what ``step`` says;
    ``left`` is how long it still takes, in words (``portal.ui.remaining``), where one can tell.
    """

    what: str
    asked_at: datetime
    state: str
    tone: str = "neutral"
    running: bool = False
    href: str = ""
    step: str = ""
    done: int = 0
    total: int = 0
    left: str = ""
    ended_at: datetime | None = None
    trouble: str = ""
    size: int = 0
    digest: str = ""
    expires_at: datetime | None = None
    file: str = ""
    cancel: str = ""


Provider = Callable[[User, datetime], Iterable[Export]]

_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Register a function that tells what somebody asked for. Registering it again changes nothing."""
    if function not in _providers:
        _providers.append(function)
    return function


def exports_of(*, user: User, at: datetime) -> list[Export]:
    """What is under way first, then the newest."""
    found = [export for function in _providers for export in function(user, at)]
    return sorted(found, key=lambda export: (not export.running, -export.asked_at.timestamp()))[:MOST]
