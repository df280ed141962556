"""What the papers on security say is held to the code: every id stands there once, and every test that is named exists."""

import ast
import re
from functools import cache

import pytest

from tests.architecture.test_house import ROOT

SECURITY, ASVS = ROOT / "docs" / "security.md", ROOT / "docs" / "asvs.md"
MUSTS = [f"M{number}" for number in range(1, 15)]
THREATS = [*(f"T{number}" for number in range(1, 33)), "T6b"]
"""The list "Must (first release)" and the threat model of the design."""
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
HEAD = re.compile(r"^\*\*(\w+)\. .+?\*\*", re.MULTILINE)
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (L[123]) \| (yes|in part|no|n/a) \| (.+) \|$", re.MULTILINE)
CHOSEN = {
    *("1.2.10", "1.3.12", "1.5.3", "2.3.5", "3.4.7", "3.4.8", "4.1.4", "5.2.4", "6.3.8", "7.5.3", "8.3.2"),
    *("13.1.2", "13.1.3", "13.2.6", "13.3.4", "14.2.5", "15.1.4", "15.4.2"),
}
"""Requirements of level 3 that describe this product; of 6.3.3 and 16.3.2 the part of level 3 is taken on too."""
CHAPTERS = {
    "1": (27, 3), "2": (11, 1), "3": (19, 2), "4": (10, 1), "5": (9, 1), "6": (35, 1), "7": (18, 1), "8": (7, 1), "9": (7, 0),
    "10": (29, 0), "11": (14, 0), "12": (9, 0), "13": (13, 4), "14": (9, 1), "15": (13, 2), "16": (16, 0), "17": (7, 0),
}  # fmt: skip
"""Chapter of ASVS 5.0.0 → requirements of level 1 and 2, and those of level 3 that were chosen."""


@cache
def names_in(path):
    """Names of the tests of a file, by its syntax."""
    return {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)}


def wrong_in(text):
    """Every named test that is not there."""
    return [f"{path}::{name}" for path, name in TEST.findall(text) if not (ROOT / path).is_file() or name not in names_in(path)]


def entries(text):
    """Id → text of each entry of the page."""
    found = list(HEAD.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    assert len({each[1] for each in found}) == len(found), "an id stands there twice"
    return {each[1]: text[each.end() : end] for each, end in zip(found, ends, strict=True)}


def rows():
    """(id, level, met, words) of each line of the table."""
    return ROW.findall(ASVS.read_text())


def test_every_must_and_every_threat_stands_here_with_its_proof():
    found = entries(SECURITY.read_text())

    assert found.keys() == {*MUSTS, *THREATS}
    assert [name for name, text in found.items() if not TEST.search(text)] == []


@pytest.mark.parametrize("paper", [SECURITY, ASVS], ids=lambda path: path.name)
def test_every_test_that_a_paper_names_exists(paper):
    text = paper.read_text()

    assert len(TEST.findall(text)) > 100
    assert wrong_in(text) == []
    assert re.findall(r"::(?:test_)?\w+", re.sub(TEST, "", text)) == [], "a test that is not written in full"


def test_a_test_that_is_not_there_is_found():
    named = "`tests/architecture/test_papers.py::test_nothing_of_the_kind` `tests/nowhere.py::test_x`"

    assert wrong_in(named) == ["tests/architecture/test_papers.py::test_nothing_of_the_kind", "tests/nowhere.py::test_x"]


def test_every_requirement_of_level_1_and_2_and_the_chosen_of_3_stand_in_the_table_once():
    found = rows()
    ids = [id_ for id_, *_ in found]

    assert len(ids) == len(set(ids))
    assert len([line for line in ASVS.read_text().splitlines() if re.match(r"\| \d", line)]) == len(ids), "a line of another form"
    assert {id_ for id_, level, *_ in found if level == "L3"} == CHOSEN
    counted = {chapter: [0, 0] for chapter in CHAPTERS}
    for id_, level, *_ in found:
        counted[id_.partition(".")[0]][level == "L3"] += 1
    assert {chapter: tuple(numbers) for chapter, numbers in counted.items()} == CHAPTERS
    assert [id_ for id_ in ids if id_ != id_.strip()] == []


def test_the_sum_above_the_table_is_the_tables():
    said = re.search(r"^Of (\d+): (\d+) met, (\d+) in part, (\d+) not, (\d+) do not apply\.$", ASVS.read_text(), re.MULTILINE)
    met = [each for _, _, each, _ in rows()]

    assert [int(number) for number in said.groups()] == [len(met), *(met.count(each) for each in ("yes", "in part", "no", "n/a"))]


def test_what_is_met_names_its_test_or_its_reason_and_what_is_not_says_why():
    bare = [id_ for id_, _, met, words in rows() if met == "yes" and not TEST.search(words) and len(words.split()) < 5]
    silent = [id_ for id_, _, met, words in rows() if met != "yes" and len(TEST.sub("", words).split()) < 4]

    assert bare == []
    assert silent == []
