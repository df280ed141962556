"""Drawing by hash ranks: the published algorithm, by hand and by a second implementation."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.samples import drawing

KEYS = [f"CHG-{number}" for number in range(1000, 1012)]


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_rank_is_what_sha256sum_prints():
    assert drawing.rank(seed="48213", key="CHG-1042") == sha("48213\nCHG-1042")
    assert drawing.rank(seed="Wärme", key="CHG-1") == hashlib.sha256(b"W\xc3\xa4rme\nCHG-1").hexdigest()


def test_a_simple_random_sample_is_the_first_by_rank_whatever_the_order_of_the_population():
    by_hand = sorted(KEYS, key=lambda key: sha(f"Oakline 7\n{key}"))

    drawn = drawing.simple_random(seed="Oakline 7", keys=KEYS, size=4)

    assert drawn == by_hand[:4]
    assert drawing.simple_random(seed="Oakline 7", keys=KEYS[::-1], size=4) == drawn
    assert drawing.simple_random(seed="Oakline 8", keys=KEYS, size=4) != drawn
    assert drawing.simple_random(seed="Oakline 7", keys=KEYS, size=12) == by_hand


@pytest.mark.parametrize(
    ("counts", "size", "expected"),
    [
        ({"a": 90, "b": 9, "c": 1}, 10, {"a": 8, "b": 1, "c": 1}),
        ({"a": 50, "b": 30, "c": 20}, 10, {"a": 5, "b": 3, "c": 2}),
        ({"a": 1, "b": 1, "c": 1}, 3, {"a": 1, "b": 1, "c": 1}),
        ({"a": 5, "b": 5, "c": 5}, 4, {"a": 2, "b": 1, "c": 1}),
        ({"a": 7, "b": 0}, 7, {"a": 7}),
    ],
)
def test_strata_share_by_largest_remainder_and_none_goes_empty(counts, size, expected):
    assert drawing.sizes_of_strata(counts=counts, size=size) == expected


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(1, 40), min_size=1, max_size=6), st.data())
@settings(max_examples=100, deadline=None)
def test_any_strata_give_exactly_the_size_and_never_more_than_they_have(counts, data):
    size = data.draw(st.integers(len(counts), sum(counts.values())))

    given_by = drawing.sizes_of_strata(counts=counts, size=size)

    assert sum(given_by.values()) == size
    assert all(1 <= given_by[name] <= counts[name] for name in counts)


def test_a_stratified_sample_takes_the_first_by_rank_of_each_stratum():
    strata = {key: "Emergency" if key in KEYS[:3] else "Standard" for key in KEYS}

    drawn = drawing.stratified(seed="s", strata=strata, size=4)

    assert Counter(strata[key] for key in drawn) == {"Standard": 3, "Emergency": 1}
    assert {key for key in drawn if strata[key] == "Emergency"} == {drawing.ranked(seed="s", keys=KEYS[:3])[0]}
    assert drawn == drawing.ranked(seed="s", keys=drawn)


@pytest.mark.parametrize("size", [1, 4, 5, 11, 12])
def test_a_systematic_sample_steps_round_from_its_start_and_takes_no_row_twice(size):
    start = 1 + int(sha("s\nstart"), 16) % 12

    drawn = drawing.systematic(seed="s", keys=KEYS, size=size)

    assert drawn[0] == KEYS[start - 1]
    assert drawn == [KEYS[(start - 1 + step * 12 // size) % 12] for step in range(size)]
    assert len(set(drawn)) == size


@pytest.mark.parametrize(
    ("method", "size"), [("random", 0), ("random", 13), ("stratified", 13), ("systematic", 13), ("by_hand", 3)]
)
def test_what_cannot_be_drawn_is_an_error(method, size):
    with pytest.raises(ValueError):
        drawing.drawn(method=method, seed="s", strata=dict.fromkeys(KEYS, ""), size=size)


def test_fewer_rows_than_strata_is_an_error_in_words():
    with pytest.raises(ValueError, match="2 strata need a sample of at least 2 rows"):
        drawing.drawn(method="stratified", seed="s", strata={"k1": "a", "k2": "b"}, size=1)


def test_a_replacement_is_the_next_by_rank_within_its_stratum():
    strata = {key: "Emergency" if key in KEYS[:3] else "Standard" for key in KEYS}
    order = drawing.ranked(seed="s", keys=KEYS)
    emergencies = drawing.ranked(seed="s", keys=KEYS[:3])

    assert drawing.replacement(method="random", seed="s", strata=strata, taken=order[:4], replaced=order[0]) == order[4]
    taken = [emergencies[0], *KEYS[3:6]]
    assert drawing.replacement(method="stratified", seed="s", strata=strata, taken=taken, replaced=taken[0]) == emergencies[1]
    assert drawing.replacement(method="random", seed="s", strata=strata, taken=KEYS, replaced=KEYS[0]) is None


def test_the_digest_of_a_sample_is_over_its_keys_with_line_feeds():
    assert drawing.digest_of_keys(["CHG-2", "CHG-1"]) == sha("CHG-2\nCHG-1\n")
