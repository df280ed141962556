"""The rows of a control: every member of its population in a window, one after the other, never all at once.

``rows_of`` is what runs, pages and packs read. A feature above this one adds the reader of its control with ``@reader`` and
names it in the catalogue.
"""

from collections.abc import Callable, Iterator

from audits.controls.catalogue import Control
from audits.controls.result import Result, Row, Tally, Window
from audits.controls.unread import FORGE, GIT, unread_sources
from portal.access.scope import EVERYTHING, Scope
from portal.policy.clauses import Clause

Reader = Callable[[Window, Scope], Iterator[Row]]
READERS: dict[str, Reader] = {}
"""By the name that the catalogue knows it under."""


def reader(function: Reader) -> Reader:
    """Register the reader of a control under its own name."""
    READERS[function.__name__] = function
    return function


SYSTEMS = {GIT: "git", FORGE: "git"}
"""What an engagement calls the sources that a control needs, where the word is another."""


def in_scope(control: Control, scope: Scope) -> bool:
    """Whether a control may be shown: it serves one of the criteria, and looks at one of the systems. Pure.

    A control that needs no source looks at what happens in the portal itself.
    """
    systems = {SYSTEMS.get(need, need) for need in control.needs} or {"portal"}
    return scope.covers_criteria(criteria=control.criteria) and any(scope.covers_system(system=name) for name in systems)


WITHHELD = frozenset({Clause.CONFIDENTIAL, Clause.AUDITED})


def is_withheld(control: Control, *, from_auditor: bool) -> bool:
    """Whether somebody sees what a control comes to, but not its rows: they name what other auditors read and found. Pure."""
    return from_auditor and control.clause in WITHHELD


def rows_of(*, control: Control, window: Window, scope: Scope = EVERYTHING) -> Iterator[Row]:
    """Sources that could not be read first, then the population in its own fixed order. Nothing for a control without a check.

    ``scope`` limits what belongs to a repository to those repositories; meetings, people, the policy and the consoles of vendors
    belong to none and are always there. Raises ``KeyError`` for a check that is not registered.
    """
    if not control.check:
        return
    yield from unread_sources(needs=control.needs, window=window, scope=scope)
    yield from READERS[control.check](window, scope)


def result_of(*, control: Control, window: Window, scope: Scope = EVERYTHING) -> Result:
    """What the rows come to."""
    tally = Tally()
    for row in rows_of(control=control, window=window, scope=scope):
        tally.add(row)
    return tally.result
