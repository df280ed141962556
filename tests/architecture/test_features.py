"""What docs/features.md says is held to the code: every test that is named exists, every address leads to a page."""

import re

import pytest
from django.urls import resolve

from tests.architecture.test_house import ROOT
from tests.architecture.test_papers import TEST, wrong_in

TEXT = (ROOT / "docs" / "features.md").read_text()
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| (yes|in part|no)(?:: ([^|]+))? \|$", TEXT, re.MULTILINE)
ADDRESS = re.compile(r"`(/[^`]*)`")
STATIC = "/static/"
FILLED = {"<digest>": "0" * 64, "<pk>": "1", "<number>": "1"}


def filled(address):
    """The address of one thing, without what follows a question mark."""
    for place, value in FILLED.items():
        address = address.replace(place, value)
    return address.partition("?")[0]


def test_every_test_that_is_named_exists():
    assert len(TEST.findall(TEXT)) > 60
    assert wrong_in(TEXT) == []
    assert re.findall(r"::\w+", re.sub(TEST, "", TEXT)) == [], "a test that is not written in full"


@pytest.mark.parametrize("address", sorted(set(ADDRESS.findall(TEXT))))
def test_every_address_leads_to_a_page(address):
    if address.startswith(STATIC):
        assert (ROOT / "portal" / "static" / address.removeprefix(STATIC)).is_file()
    elif address == "/api/v1/":
        assert resolve("/api/v1/changes")
    else:
        assert resolve(filled(address))


def test_every_line_is_whole_and_says_what_is_missing():
    lines = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| feature ")]
    count = {state: sum(there == state for *_, there, _ in ROWS) for state in ("yes", "in part", "no")}

    assert len(lines) == len(ROWS) == len({name for name, *_ in ROWS})
    assert f"Now: {count['yes']} yes, {count['in part']} in part, {count['no']} no." in TEXT
    assert [name for name, _, test, there, _ in ROWS if there == "yes" and not TEST.search(test)] == []
    assert [name for name, where, *_, there, _ in ROWS if there != "no" and not (ADDRESS.search(where) or "every" in where)] == []
    assert [name for name, *_, there, missing in ROWS if there != "yes" and len(missing.split()) < 4] == []
