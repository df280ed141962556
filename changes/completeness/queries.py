"""The completeness sheet of a window and a scope: counted at every source, in both directions (POLICY.md, what an auditor asks)."""

from collections.abc import Iterator
from datetime import datetime

from changes.completeness.counting import lines
from changes.completeness.coverage import coverage_of, holes_of
from changes.completeness.facts import Line, Sheet
from changes.completeness.populations import POPULATIONS, Population
from changes.completeness.scoping import exclusions_of, in_scope
from changes.completeness.sequences import days_of, numbers_of
from changes.completeness.window import Window, window_of
from portal.access.scope import Scope

SCOPED = (
    "The scope names repositories. Edits at Doppler and Cloudflare and messages that belong to no release are of no repository, "
    "and are left out."
)
OF_SYSTEMS = "The scope names systems ({}). What is of other systems is left out: their rows, their readings and their outages."
NUMBERED = "GitHub numbers issues and pull requests together: a missing number may be an issue."


def sheet_of(*, since: datetime, until: datetime, scope: Scope, at: datetime) -> Sheet:
    """Count everything anew from what is on record. ``at`` ends the window where that has not ended yet."""
    window = window_of(since=since, until=until, scope=scope, at=at)
    holes = holes_of(window=window)
    return Sheet(
        since=since,
        until=until,
        at=at,
        clipped=window.until,
        repositories=window.repositories,
        forward=_lines(window, backward=False),
        backward=_lines(window, backward=True),
        sequences=numbers_of(window=window),
        coverage=coverage_of(window=window, holes=holes),
        holes=holes,
        days=days_of(window=window),
        scope=in_scope(window=window),
        exclusions=exclusions_of(window=window),
        questions=tuple((one.code, one.asked) for one in POPULATIONS.values() if window.covers(one.systems)),
        notes=tuple(_notes(scope)),
    )


def _notes(scope: Scope) -> Iterator[str]:
    yield NUMBERED
    if scope.repositories is not None:
        yield SCOPED
    if scope.systems is not None:
        yield OF_SYSTEMS.format(", ".join(sorted(scope.systems)))


def _lines(window: Window, *, backward: bool) -> tuple[Line, ...]:
    found: list[Line] = []
    for population in POPULATIONS.values():
        if population.backward is backward and window.covers(population.systems):
            found += lines(population=population, window=window) or [_nothing(population)]
    return tuple(found)


def _nothing(population: Population) -> Line:
    """A population without rows is said, not left out."""
    return Line(population.code, population.source, "", 0, 0, 0, 0)
