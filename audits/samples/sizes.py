"""How many rows to draw, with the arithmetic in words, and what a tested sample says about the rate of deviations. Pure.

Rates and confidences are whole per cent; bounds come back as parts of 1. Sizes are decided by exact integers, so that no rounding
of a machine makes a sample one too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb, exp, lgamma, log, log1p

STEPS = 60
"""Halvings of the interval [0, 1]: more than a float can tell apart."""


@dataclass(frozen=True)
class Size:
    """A size, and how it came about."""

    rows: int
    words: str


@dataclass(frozen=True)
class Preset:
    """A way to a size. ``confidence`` and ``tolerable`` are per cent; None for the table by population."""

    code: str
    label: str
    confidence: int | None = None
    tolerable: int | None = None
    small: bool = False
    """Counts that a small population is emptied by drawing (hypergeometric)."""


USUAL = Preset("usual", "By the size of the population")
PRESETS: dict[str, Preset] = {
    preset.code: preset
    for preset in (
        USUAL,
        Preset("90-10", "90 % confident that fewer than 10 % deviate", 90, 10),
        Preset("90-9", "90 % confident that fewer than 9 % deviate", 90, 9),
        Preset("90-5", "90 % confident that fewer than 5 % deviate", 90, 5),
        Preset("95-5", "95 % confident that fewer than 5 % deviate", 95, 5),
        Preset("small-90-10", "The same 90/10 for a small population", 90, 10, small=True),
        Preset("small-90-5", "The same 90/5 for a small population", 90, 5, small=True),
        Preset("small-95-5", "The same 95/5 for a small population", 95, 5, small=True),
    )
}
USUAL_SIZES: Sequence[tuple[int, int, int]] = ((50, 5, 10), (250, 15, 20))
"""Up to this many rows: at least so many, usually so many."""
ALL_UP_TO, ABOVE = 5, 25


def size_of(*, preset: Preset, population: int) -> Size:
    """The size that a preset asks of a population of so many rows. Raises ``ValueError`` for an empty one."""
    if population < 1:
        raise ValueError("An empty population cannot be sampled.")
    if preset.confidence is None or preset.tolerable is None:
        return _usual(population)
    if preset.small:
        return _small(population, preset.confidence, preset.tolerable)
    return _large(population, preset.confidence, preset.tolerable)


def _usual(population: int) -> Size:
    if population <= ALL_UP_TO:
        return Size(population, f"All {population}: of up to {ALL_UP_TO} rows every one is tested.")
    for most, least, usually in USUAL_SIZES:
        if population <= most:
            rows = min(usually, population)
            return Size(rows, f"{population} rows, at most {most}: {least} to {usually} are tested; we take {rows}.")
    return Size(ABOVE, f"{population} rows, more than {USUAL_SIZES[-1][0]}: {ABOVE} are tested.")


def zero_deviation_size(*, confidence: int, tolerable: int) -> int:
    """The smallest n with (1 - tolerable)^n at most 1 - confidence: none of n deviates by chance no more often than that."""
    rows, left = 0, Fraction(1)
    while left > 1 - Fraction(confidence, 100):
        rows, left = rows + 1, left * (1 - Fraction(tolerable, 100))
    return rows


def _large(population: int, confidence: int, tolerable: int) -> Size:
    rows = zero_deviation_size(confidence=confidence, tolerable=tolerable)
    chance = (1 - tolerable / 100) ** rows
    before = (1 - tolerable / 100) ** (rows - 1)
    words = (
        f"If {tolerable} % deviated, {rows} rows without a deviation would come up with a chance of {_percent(chance)} "
        f"({100 - tolerable} % to the power of {rows}), which is at most {100 - confidence} %; "
        f"with {rows - 1} it would be {_percent(before)}."
    )
    if rows > population:
        words = f"{words} The population has only {population} rows: all of them are tested."
    return Size(min(rows, population), words)


def small_population_size(*, population: int, confidence: int, tolerable: int) -> tuple[int, int]:
    """The smallest n, and the number D of deviations it rests on: with D of N deviating, n show none at most 1 - confidence often.

    D is the tolerable rate of the population, rounded up to a whole row.
    """
    deviating = max(1, ceil(Fraction(tolerable * population, 100)))
    for rows in range(1, population + 1):
        if 100 * comb(population - deviating, rows) <= (100 - confidence) * comb(population, rows):
            return rows, deviating
    return population, deviating


def _small(population: int, confidence: int, tolerable: int) -> Size:
    rows, deviating = small_population_size(population=population, confidence=confidence, tolerable=tolerable)
    chances = [comb(population - deviating, size) / comb(population, size) for size in (rows, rows - 1)]
    words = (
        f"{tolerable} % of {population} rows are {deviating}, rounded up. If {deviating} deviated, {rows} rows without one "
        f"would come up with a chance of {_percent(chances[0])}: "
        f"{population - deviating} over {rows} ways of {population} over {rows}. "
        f"That is at most {100 - confidence} %; with {rows - 1} it would be {_percent(chances[1])}."
    )
    return Size(rows, words)


def upper_bound(*, deviations: int, tested: int, confidence: int) -> float:
    """The rate that is not exceeded with this confidence, of a population without end (Clopper and Pearson, one-sided).

    It is the rate at which so few deviations would come up with a chance of exactly 1 - confidence. Raises ``ValueError``
    for more deviations than rows, and where nothing was tested.
    """
    _check(deviations, tested)
    if deviations == tested:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _at_most(deviations, tested, middle) > 1 - confidence / 100:
            low = middle
        else:
            high = middle
    return high


def most_deviating(*, deviations: int, tested: int, population: int, confidence: int) -> int:
    """How many rows of a population of so many deviate at most, with this confidence (hypergeometric, exact).

    It is the largest D with which so few deviations come up more often than 1 - confidence; a whole population that was
    tested gives the deviations themselves. Raises ``ValueError`` as ``upper_bound``, and for more rows than there are.
    """
    _check(deviations, tested)
    if tested > population:
        raise ValueError(f"{tested} rows cannot be tested of {population}.")
    low, high = deviations, population - (tested - deviations)
    while low < high:
        middle = (low + high + 1) // 2
        if _often(deviations, tested, population, middle, confidence):
            low = middle
        else:
            high = middle - 1
    return low


def _often(deviations: int, tested: int, population: int, deviating: int, confidence: int) -> bool:
    """Whether at most so many deviations come up more often than 1 - confidence, with so many deviating."""
    ways = sum(comb(deviating, found) * comb(population - deviating, tested - found) for found in range(deviations + 1))
    return 100 * ways > (100 - confidence) * comb(population, tested)


def _at_most(deviations: int, tested: int, rate: float) -> float:
    """The chance of at most so many deviations in so many rows at a rate, between 0 and 1."""
    return sum(_exactly(found, tested, rate) for found in range(deviations + 1))


def _exactly(found: int, tested: int, rate: float) -> float:
    ways = lgamma(tested + 1) - lgamma(found + 1) - lgamma(tested - found + 1)
    return exp(ways + found * log(rate) + (tested - found) * log1p(-rate))


def _check(deviations: int, tested: int) -> None:
    if not 0 <= deviations <= tested or tested < 1:
        raise ValueError(f"{deviations} deviations in {tested} rows say nothing.")


def _percent(chance: float) -> str:
    return f"{100 * chance:.2f} %"
