"""Where in the year each scenario took place: nothing of it is shown on a page, so that whoever evaluates can look first."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from changes.desk.demo.year.plan import Plan
from changes.desk.demo.year.registry import SCENARIOS
from changes.desk.demo.year.steps import Act, Look, Step
from portal.standins.client import Remote

OPENS = frozenset({"open-work", "promote", "github/open_pull_request"})


def where(*, plan: Plan, remote: Remote) -> Iterator[str]:
    """One line for each scenario that was told: its key, the day, the repository and its pull requests."""
    told: dict[str, list[Step]] = {}
    for step in plan.steps:
        told.setdefault(step.name.partition("/")[0], []).append(step)
    for name in sorted(SCENARIOS.keys() & told.keys()):
        steps = told[name]
        places = sorted({str(given["repository"]) for given in map(_arguments, steps) if "repository" in given})
        numbers = " ".join(f"#{number}" for number in _numbers(steps, remote))
        word = "trap" if SCENARIOS[name].trap else "deviation"
        yield f"{name:27} {word:9} {steps[0].at:%Y-%m-%d}  {', '.join(places):26} {numbers}".rstrip()


def _arguments(step: Step) -> Mapping[str, Any]:
    return {} if isinstance(step, Look) else step.arguments


def _numbers(steps: Iterable[Step], remote: Remote) -> Iterator[int]:
    for step in steps:
        if isinstance(step, Act) and step.act in OPENS:
            given = remote.mark(f"once/{step.name}")
            if given:
                yield int(given["number"])
