"""One run over one Doppler workplace: who is asked, and what is remembered for the next one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from changes.connectors.doppler.client import Doppler
from changes.connectors.errors import NotJson
from changes.connectors.fields import Incomplete, Unreadable
from changes.connectors.keeping import keep
from changes.connectors.parts import Parts

Row = TypeVar("Row")
A_CONFIG = 4
"""Requests that a config needs at least: its log, one entry of it, its names, its tokens."""
EVERY = timedelta(minutes=10)
"""So often a config, a project and the workplace are read when nothing says that they moved."""


@dataclass
class Run(Parts):
    """``new`` are ids of entries of logs that were not known; ``groups_told``: the list of groups was read in this run;
    ``waiting`` are projects with a group whose people are still to be read."""

    doppler: Doppler
    new: list[int] = field(default_factory=list)
    groups_told: bool = False
    waiting: set[str] = field(default_factory=set)


def kept_in(run: Run, what: str) -> dict[str, Any]:
    """What a key of the source's settings holds."""
    return dict(run.source.settings.get(what, {}))


def keep_in(run: Run, what: str, name: str, value: object) -> None:
    """Set one name of it."""
    keep(source=run.source, **{what: {**run.source.settings.get(what, {}), name: value}})


def usable(what: str, read: Callable[[], Row]) -> Row:
    """What ``read`` returns; a list that cannot be read whole is not taken: ``NotJson``."""
    try:
        return read()
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"Doppler: the list of {what} cannot be used: {wrong}") from None
