"""What differs between two texts, word by word: right, readable, and fast whatever stands in them."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changes.proposals.word_diff import Piece, changed, compare, tokens, words

FAST = 10
"""Seconds for megabytes on a busy machine; difflib alone takes minutes or hours."""
CASES = {
    "nothing": ("", "", []),
    "the same": ("One two.", "One two.", [("same", "One two.")]),
    "all new": ("", "One.", [("added", "One.")]),
    "all gone": ("One.", "", [("removed", "One.")]),
    "a word replaced": ("A red fox", "A grey fox", [("same", "A "), ("removed", "red"), ("added", "grey"), ("same", " fox")]),
    "a word added": ("A fox", "A red fox", [("same", "A "), ("added", "red "), ("same", "fox")]),
    "a sign": ("Stop.", "Stop!", [("same", "Stop"), ("removed", "."), ("added", "!")]),
    "an apostrophe is part of its word": ("It can", "It can't", [("same", "It "), ("removed", "can"), ("added", "can't")]),
    "neighbouring words become one piece": (
        "the old queue runs",
        "the two lanes runs",
        [("same", "the "), ("removed", "old queue"), ("added", "two lanes"), ("same", " runs")],
    ),
    "a line in between stays": (
        "one\nstays\ntwo\n",
        "1\nstays\n2\n",
        [("removed", "one"), ("added", "1"), ("same", "\nstays\n"), ("removed", "two"), ("added", "2"), ("same", "\n")],
    ),
}


@pytest.mark.parametrize(("before", "after", "pieces"), CASES.values(), ids=CASES.keys())
def test_compare_says_what_differs(before, after, pieces):
    assert compare(before, after) == [Piece(kind, text) for kind, text in pieces]


@given(st.text(alphabet="ab c\n.1é", max_size=80), st.text(alphabet="ab c\n.1é", max_size=80))
@settings(max_examples=300, deadline=None)
def test_the_pieces_are_both_texts_again(before, after):
    pieces = compare(before, after)

    assert whole(pieces, "added") == before
    assert whole(pieces, "removed") == after
    assert all(one.kind != other.kind for one, other in pairwise(pieces))
    assert all(piece.text for piece in pieces)


def whole(pieces, without):
    return "".join(piece.text for piece in pieces if piece.kind != without)


def test_changed_pairs_what_was_removed_with_what_replaced_it():
    pieces = [Piece("removed", "a"), Piece("added", "b"), Piece("same", " "), Piece("added", "c"), Piece("removed", "d")]

    assert changed(pieces) == [("a", "b"), ("", "c"), ("d", "")]
    assert changed([Piece("removed", "a"), Piece("same", " "), Piece("removed", "b"), Piece("same", "!")]) == [("a", ""), ("b", "")]
    assert changed([]) == []


def test_tokens_are_the_text_again_and_words_leave_signs_out():
    text = "It isn't  so: 10 % off_, no?\n"

    assert "".join(tokens(text)) == text
    assert words(text) == ["It", "isn't", "so", "10", "off_", "no"]


def long_prose(seed, count=150_000, vocabulary=3_000):
    pick = random.Random(seed)
    return " ".join(f"w{pick.randrange(vocabulary)}" + ("\n" if pick.random() < 0.1 else "") for _ in range(count))


def with_every_97th_word_changed(text):
    changed_words = text.split(" ")
    changed_words[::97] = ["changed"] * len(changed_words[::97])
    return " ".join(changed_words)


def small_hard_stretches_between_anchors(seed):
    pick = random.Random(seed)
    return "".join(f"U{part}\n" + "".join(f"{pick.choice('abc')}\n" for _ in range(60)) for part in range(1_000))


HARD = {
    "nothing in common": lambda: (long_prose(1), long_prose(2)),
    "changes all over": lambda: (long_prose(1), with_every_97th_word_changed(long_prose(1))),
    "two lines over and over": lambda: ("a\nb\n" * 100_000, "b\na\n" * 100_000),
    "two words over and over": lambda: ("x y " * 200_000, "y x " * 200_000),
    "one sign over and over": lambda: ("." * 500_000, "," * 500_000),
    "few words in any order": lambda: (long_prose(3, 100_000, 8), long_prose(4, 100_000, 8)),
    "the reverse": lambda: ("\n".join(map(str, range(50_000))), "\n".join(map(str, reversed(range(50_000))))),
    "small hard stretches between anchors": lambda: tuple(map(small_hard_stretches_between_anchors, (5, 6))),
}
"""Made only where they are compared: each process loads this file."""


@pytest.mark.parametrize("texts", HARD.values(), ids=HARD.keys())
def test_big_texts_take_little_time(texts):
    before, after = texts()
    began = time.process_time()

    pieces = compare(before, after)

    assert time.process_time() - began < FAST
    assert whole(pieces, "added") == before
    assert whole(pieces, "removed") == after


def test_a_few_changes_in_a_big_text_are_found_one_by_one():
    before = long_prose(1)
    after = before.replace(" w17 ", " seventeen ", 3)

    assert changed(compare(before, after)) == [("w17", "seventeen")] * 3
