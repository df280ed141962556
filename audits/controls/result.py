"""What a control found out over a window: how much was looked at, and what deviated. Pure. Times are UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Window:
    """From ``since`` up to, and without, ``until``."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Deviation:
    """One of the population that did not do as the clause asks: what it is called, why, and where it is."""

    subject: str
    sentence: str
    ref: str


@dataclass(frozen=True)
class Result:
    """The whole population, never a sample, and its deviations."""

    population: int
    deviations: tuple[Deviation, ...] = ()

    @property
    def outcome(self) -> str:
        """``passed``, ``deviations``, or ``never_operated``: a control that had nothing to look at has proved nothing."""
        if self.deviations:
            return "deviations"
        return "passed" if self.population else "never_operated"
