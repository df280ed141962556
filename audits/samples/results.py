"""What the testers' marks of a sample come to, each side for itself, with the upper bound of the deviation rate. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audits.samples.models import Mark, SampleItem
from audits.samples.sheets import letters_of
from audits.samples.sizes import most_deviating, upper_bound

WHOLE = "*"
"""The letter of a mark about the whole item."""
PASSED, DEVIATION, NOT_APPLICABLE, PARTLY, UNTESTED = "passed", "deviation", "not_applicable", "partly", "untested"
CONFIDENCES = (90, 95)


@dataclass(frozen=True)
class Tested:
    """An item with the marks of one side that count, by letter, and what they come to."""

    outcome: str
    marks: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True)
class Bound:
    """The most that deviates with a confidence (per cent): in a population without end, and in this one."""

    confidence: int
    rate: float
    rows: int
    of: int

    @property
    def words(self) -> str:
        """The same in a sentence."""
        return (
            f"With {self.confidence} % confidence at most {self.rows} of the {self.of} rows deviate "
            f"({100 * self.rows / self.of:.1f} %); of a population without end at most {100 * self.rate:.1f} %."
        )


@dataclass(frozen=True)
class Result:
    """One side's result. Items that were replaced do not count."""

    items: int
    tested: int
    deviations: int
    bounds: Sequence[Bound] = ()


def newest(marks: Iterable[Mark], *, side: str) -> dict[str, Mark]:
    """The last word of a side on each letter."""
    found: dict[str, Mark] = {}
    for mark in sorted(marks, key=lambda mark: (mark.at, mark.pk)):
        if mark.side == side:
            found[mark.letter] = mark
    return found


def tested(item: SampleItem, *, side: str) -> Tested:
    """What one side says about an item. A deviation anywhere is one of the item."""
    marks = newest(item.marks.all(), side=side)
    outcomes = {letter: mark.outcome for letter, mark in marks.items()}
    return Tested(_outcome(item, outcomes), marks)


def _outcome(item: SampleItem, outcomes: Mapping[str, str]) -> str:
    if DEVIATION in outcomes.values():
        return DEVIATION
    if WHOLE in outcomes:
        return outcomes[WHOLE]
    if not outcomes:
        return UNTESTED
    return PASSED if set(letters_of(item.sheet)) <= set(outcomes) else PARTLY


def result_of(items: Iterable[SampleItem], *, side: str, population: int) -> Result:
    """One side's count. The bounds stand there once every item was tested, and rest on those that apply."""
    outcomes = [tested(item, side=side).outcome for item in items]
    done = [outcome for outcome in outcomes if outcome not in (UNTESTED, PARTLY)]
    counted = [outcome for outcome in done if outcome != NOT_APPLICABLE]
    deviations = counted.count(DEVIATION)
    whole = bool(counted) and len(done) == len(outcomes)
    return Result(len(outcomes), len(done), deviations, _bounds(deviations, len(counted), population) if whole else ())


def _bounds(deviations: int, rows: int, population: int) -> list[Bound]:
    return [
        Bound(
            confidence,
            upper_bound(deviations=deviations, tested=rows, confidence=confidence),
            most_deviating(deviations=deviations, tested=rows, population=population, confidence=confidence),
            population,
        )
        for confidence in CONFIDENCES
    ]
