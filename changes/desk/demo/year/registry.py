"""The register of scenarios: deviations that must be found, and traps that look like one and are none."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from changes.desk.demo.year.ground import Ground
from changes.desk.demo.year.steps import Tale

Telling = Callable[[Random, Ground], Tale]


@dataclass(frozen=True)
class Scenario:
    """``name`` is short and unique (``merge-without-review``); ``title`` says in one sentence what happens, for docs/demo.md."""

    name: str
    title: str
    tell: Telling
    trap: bool
    days: int
    own: bool
    """Needs a repository of its own, since it leaves branches, rules or names behind that others would trip over."""
    meeting: bool
    """Needs an architecture meeting of its own; without that the plan holds every meeting as it should be."""


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, title: str, *, trap: bool = False, days: int = 1, own: bool = False, meeting: bool = False
) -> Callable[[Telling], Telling]:
    """Register a pure function (random, ground) → tale. It gets ``days`` working days for itself. Names are unique."""

    def register(function: Telling) -> Telling:
        if name in SCENARIOS:
            raise ValueError(f"There are two scenarios called {name}.")
        SCENARIOS[name] = Scenario(name, title, function, trap, days, own, meeting)
        return function

    return register


trap = partial(scenario, trap=True)
"""The same for what must not be found."""
