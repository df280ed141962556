"""Differences of two configurations in words."""

import pytest

from changes.inventory.policy import differences


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"guest": {"cpus": 1, "memory_mb": 512}}, {"guest": {"cpus": 1, "memory_mb": 1024}}, ["guest.memory_mb: 512 → 1024"]),
        ({"env": ["A", "B"]}, {"env": ["B", "C"]}, ["env: with C", "env: without A"]),
        ({"env": ["A", "B"]}, {"env": ["B", "A"]}, ["env: another order"]),
        ({}, {"proxied": True}, ["proxied: nothing → yes"]),
        ({"proxied": False}, {}, ["proxied: no → nothing"]),
        ({"image": ""}, {"image": "x"}, ["image: nothing → x"]),
        ({"rules": [{"port": 80}]}, {"rules": []}, ["rules: port 80 → nothing"]),
        ({"a": {"b": 1}}, {"a": {}}, ["a.b: 1 → nothing"]),
        ({"a": {}}, {"a": [1]}, ["a: nothing → 1"]),
        ({"a": "x" * 200}, {"a": None}, [f"a: {'x' * 89}… → nothing"]),
    ],
)
def test_differences_are_said_in_words(before, after, words):
    assert differences(before, after) == words
