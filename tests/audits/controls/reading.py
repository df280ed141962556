"""What a reader comes to, in a form that tests can write down."""

from dataclasses import dataclass

from audits.controls.rows import READERS
from portal.access.scope import EVERYTHING


@dataclass(frozen=True)
class Deviation:
    """A row that deviates."""

    subject: str
    sentence: str
    ref: str


@dataclass(frozen=True)
class Result:
    """How many rows there are, and those that deviate."""

    population: int
    deviations: tuple[Deviation, ...] = ()


def run_over(name, window, scope=EVERYTHING):
    """Read everything. Keys must be unique: the rows of a population are told apart by them."""
    rows = list(READERS[name](window, scope))
    assert len({row.key for row in rows}) == len(rows)
    assert all(row.sentence == "" for row in rows if row.passed)
    return Result(len(rows), tuple(Deviation(row.key, row.sentence, row.ref) for row in rows if row.deviates))
