"""Parameters as plain values: there and back, each checked against its type."""

from dataclasses import fields
from datetime import timedelta

import pytest

from portal.policy.parameters import DEFAULT, Parameters
from portal.policy.plain import WrongParameter, duration_words, names, parameters_from, plain, read, value_of
from portal.policy.words import WORDS


def test_every_parameter_goes_there_and_back():
    again = parameters_from(plain(DEFAULT), version="1", base=Parameters(large_changed_lines=1))

    assert again == DEFAULT
    assert set(names()) == {item.name for item in fields(Parameters)} - {"version"}


def test_every_parameter_has_words():
    assert set(WORDS) == set(names())
    assert all(words.label for words in WORDS.values())


def test_what_is_not_named_stays_and_the_version_is_told():
    made = parameters_from({"large_changed_lines": 400}, version="7", base=DEFAULT)

    assert (made.large_changed_lines, made.version, made.lock_files) == (400, "7", DEFAULT.lock_files)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 min"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(minutes=15), "15 min"),
        (timedelta(hours=72), "3 d"),
        (timedelta(hours=5), "5 h"),
    ],
)
def test_durations_stand_in_their_largest_whole_unit(length, words):
    assert duration_words(length) == words
    assert read("staging_soak", words) == length


def test_lists_of_a_json_file_are_values_too():
    assert value_of(["a", ("b",)]) == ["a", ["b"]]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nonsense", 1, "no parameter 'nonsense'"),
        ("version", "2", "no parameter 'version'"),
        ("large_changed_lines", "many", "whole number"),
        ("large_changed_lines", True, "whole number"),
        ("large_changed_lines", -1, "less than nothing"),
        ("sign_off_needed", 1, "yes or no"),
        ("emergency_label", 1, "a text is needed"),
        ("staging_soak", "a while", "length of time"),
        ("staging_soak", 15, "length of time"),
        ("lock_files", "*.lock", "a list is needed"),
        ("lock_files", [1], "a text is needed"),
        ("release_hours", [9], "2 values are needed"),
        ("approval_rules", [1], "an object is needed"),
        ("approval_rules", [{"needed": 1, "colour": "red"}], "no 'colour'"),
        ("approval_rules", [{"why": "x"}], "lacks a value"),
        ("approval_rules", [{"needed": "two"}], "whole number"),
    ],
)
def test_a_value_that_is_none_is_named_with_what_is_needed(name, value, words):
    with pytest.raises(WrongParameter, match=words):
        read(name, value)
    with pytest.raises(WrongParameter, match=words):
        parameters_from({name: value}, version="2", base=DEFAULT)


def test_what_may_be_nothing_may_be_nothing():
    rule = {"code": "x", "words": "y", "answer": None}

    assert read("large_rules", [rule])[0].answer is None
    assert read("large_rules", [{**rule, "answer": ["data", "loses"]}])[0].answer == ("data", "loses")
