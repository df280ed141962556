"""Sizes and upper bounds, against published tables and by brute force."""

import re
from math import comb

import pytest

from audits.samples import sizes

# One-sided upper limits in per cent, from the tables for evaluating attribute samples in the AICPA's audit guide "Audit Sampling"
# (risk of overreliance 5 % and 10 %): (tested, deviations, confidence, limit).
PUBLISHED = [
    (25, 0, 95, 11.3),
    (25, 1, 95, 17.6),
    (30, 0, 95, 9.5),
    (40, 2, 95, 15.0),
    (50, 0, 95, 5.9),
    (60, 1, 95, 7.7),
    (100, 3, 95, 7.6),
    (200, 5, 95, 5.2),
    (20, 0, 90, 10.9),
    (20, 1, 90, 18.1),
    (25, 1, 90, 14.7),
    (50, 2, 90, 10.3),
    (100, 4, 90, 7.9),
]


@pytest.mark.parametrize(("tested", "deviations", "confidence", "limit"), PUBLISHED)
def test_upper_bounds_are_those_of_the_published_tables(tested, deviations, confidence, limit):
    found = 100 * sizes.upper_bound(deviations=deviations, tested=tested, confidence=confidence)

    assert found == pytest.approx(limit, abs=0.11)


@pytest.mark.parametrize(("confidence", "tolerable", "rows"), [(90, 10, 22), (90, 9, 25), (90, 5, 45), (95, 5, 59)])
def test_sizes_without_a_deviation_are_those_of_the_policy(confidence, tolerable, rows):
    preset = sizes.PRESETS[f"{confidence}-{tolerable}"]

    found = sizes.size_of(preset=preset, population=3000)

    assert found.rows == rows
    assert 100 * sizes.upper_bound(deviations=0, tested=rows, confidence=confidence) <= tolerable
    assert 100 * sizes.upper_bound(deviations=0, tested=rows - 1, confidence=confidence) > tolerable
    assert f"{rows} rows without a deviation" in found.words
    assert sizes.size_of(preset=preset, population=7).rows == 7


@pytest.mark.parametrize(
    ("population", "rows", "least"),
    [
        (1, 1, 1),
        (5, 5, 5),
        (6, 6, 5),
        (9, 9, 5),
        (10, 10, 5),
        (50, 10, 5),
        (51, 20, 15),
        (250, 20, 15),
        (251, 25, 25),
        (100_000, 25, 25),
    ],
)
def test_the_usual_sizes_go_by_the_population(population, rows, least):
    found = sizes.size_of(preset=sizes.USUAL, population=population)

    assert found.rows == rows
    assert re.search(rf"\b{least}\b", found.words)


@pytest.mark.parametrize("preset", [preset for preset in sizes.PRESETS.values() if preset.small])
@pytest.mark.parametrize("population", [1, 4, 30, 57, 120, 1000])
def test_a_small_population_needs_exactly_the_rows_that_leave_chance_too_little_room(preset, population):
    rows, deviating = sizes.small_population_size(population=population, confidence=preset.confidence, tolerable=preset.tolerable)

    def by_chance(size):
        ways = 1.0
        for step in range(size):
            ways *= max(0, population - deviating - step) / (population - step)
        return ways

    left = 1 - preset.confidence / 100 + 1e-12
    assert by_chance(rows) <= left < by_chance(rows - 1)
    assert sizes.size_of(preset=preset, population=population).rows == rows
    assert rows <= sizes.zero_deviation_size(confidence=preset.confidence, tolerable=preset.tolerable)


def test_an_empty_population_has_no_size():
    with pytest.raises(ValueError, match="empty"):
        sizes.size_of(preset=sizes.USUAL, population=0)


@pytest.mark.parametrize(
    ("deviations", "tested", "population", "confidence"),
    [(0, 20, 120, 90), (1, 20, 120, 90), (2, 25, 60, 95), (0, 10, 10, 90), (3, 10, 10, 90)],
)
def test_at_most_so_many_of_a_population_deviate(deviations, tested, population, confidence):
    def chance(deviating):
        ways = sum(comb(deviating, found) * comb(population - deviating, tested - found) for found in range(deviations + 1))
        return ways / comb(population, tested)

    by_force = max(number for number in range(deviations, population + 1) if chance(number) > 1 - confidence / 100)

    found = sizes.most_deviating(deviations=deviations, tested=tested, population=population, confidence=confidence)

    assert found == by_force
    assert found <= population * sizes.upper_bound(deviations=deviations, tested=tested, confidence=confidence)


def test_a_whole_population_leaves_no_doubt_and_nonsense_is_an_error():
    assert sizes.most_deviating(deviations=3, tested=10, population=10, confidence=95) == 3
    assert sizes.upper_bound(deviations=4, tested=4, confidence=95) == 1.0
    for wrong in ({"deviations": 5, "tested": 4}, {"deviations": 0, "tested": 0}, {"deviations": -1, "tested": 3}):
        with pytest.raises(ValueError, match="say nothing"):
            sizes.upper_bound(**wrong, confidence=95)
    with pytest.raises(ValueError, match="cannot be tested"):
        sizes.most_deviating(deviations=0, tested=11, population=10, confidence=95)
