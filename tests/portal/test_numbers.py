"""Numbers out of addresses and forms: what is none, or too long for its column, is nothing."""

import re
from pathlib import Path

import pytest

import audits
import changes
import portal
from portal.numbers import number_in, numbers_in

ONES_OWN = {
    *("numbers.py", "filtering.py", "people_views.py", "limits.py", "people.py", "graph_shapes.py", "fetch_views.py"),
    *("payloads.py", "transport.py"),
}
"""Besides the function itself: texts of vendors, which are ASCII, and a text that stays one."""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7", 7),
        ("0", 0),
        ("007", 7),
        ("999", 999),
        ("1000", None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        (" 1", None),
        ("²", None),
    ],
)
def test_a_number_is_read_when_it_is_one_and_short_enough(text, found):
    assert number_in(text, below=4, otherwise=None) == found
    assert numbers_in([text], below=4) == ({found} if found is not None else set())


def test_nobody_reads_such_a_number_in_an_own_way():
    own = re.compile(r"isdecimal\(\) (?:and|or) len\(")
    found = {
        path.name
        for whole in (audits, changes, portal)
        for path in Path(whole.__path__[0]).rglob("*.py")
        if own.search(path.read_text())
    }

    assert found == ONES_OWN
