"""The kinds of populations: one list, in the order of the pages. Unknown kinds are an error."""

from collections.abc import Iterator, Mapping

from audits.populations.facts import BETWEEN, IDS, Asked, Filters, Kind, Row
from audits.populations.reading.changing import CHANGES
from audits.populations.reading.code import COMMITS, PULL_REQUESTS
from audits.populations.reading.meeting import DECISIONS, MEETINGS
from audits.populations.reading.people import ACCESS_REVIEWS, ROLES, TRAINING
from audits.populations.reading.registers import EMERGENCIES, EXCEPTIONS, LIMITATIONS, WAIVERS
from audits.populations.reading.releasing import EDITS, RELEASES

VERSION = "3"
"""Of the code that reads the rows: rises when a row of the same facts would come out differently."""

KINDS: Mapping[str, Kind] = {
    kind.code: kind
    for kind in (
        CHANGES,
        COMMITS,
        PULL_REQUESTS,
        RELEASES,
        EDITS,
        EXCEPTIONS,
        WAIVERS,
        EMERGENCIES,
        MEETINGS,
        DECISIONS,
        TRAINING,
        ACCESS_REVIEWS,
        ROLES,
        LIMITATIONS,
    )
}


def rows(*, kind: Kind, asked: Asked, filters: Filters) -> Iterator[Row]:
    """The rows that the filters let through, in the order of the kind. Memory does not grow with their number."""
    return (row for row in kind.read(asked) if fits(kind=kind, row=row, filters=filters))


def fits(*, kind: Kind, row: Row, filters: Filters) -> bool:
    """Whether the filters let a row through; one without a value lets all through."""
    return all(_has(kind, row, name, value) for name, value in filters.items() if value)


def _has(kind: Kind, row: Row, name: str, value: str) -> bool:
    """Whether a row has this value in a column; in a column of ids, among others."""
    said = str(row[name])
    return value in said.split(BETWEEN) if kind.column(name).holds == IDS else said == value
