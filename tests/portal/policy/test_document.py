"""The policy as a document: every clause once, front matter there and back, and clear words for what is none."""

import pytest

from portal.policy.clauses import Clause
from portal.policy.document import LONGEST, WrongDocument, built_in, check, exported, imported, sections
from portal.policy.parameters import DEFAULT
from portal.policy.plain import parameters_from, plain


def test_the_first_version_has_every_clause_once_in_order():
    found = sections(built_in())

    check(built_in())
    assert [section.id for section in found] == [clause.value for clause in Clause]
    assert found[0].anchor == "p-01"
    assert all(section.text and section.title for section in found)


def test_a_file_goes_there_and_back():
    text = built_in() + "\nWith “quotes”, ümlauts and +++ in it.\n"
    raw = exported(
        text=text, parameters=plain(DEFAULT), number=3, effective="2026-11-02T00:00:00+00:00", summary='A "new" one', material=False
    )

    found = imported("\ufeff" + raw.replace("\n", "\r\n"))

    assert parameters_from(found.parameters, version="1", base=DEFAULT) == DEFAULT
    assert found.text == text.strip() + "\n"
    assert (found.summary, found.material) == ('A "new" one', False)


def test_front_matter_may_be_left_out():
    found = imported(built_in())

    assert (found.parameters, found.summary, found.material) == ({}, "", True)


def without(clause):
    return "\n".join(line for line in built_in().split("\n") if not line.startswith(f"## {clause}"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (without("P-07"), "P-07 is missing"),
        (built_in() + "\n## P-01 Again\n\nTwice.\n", "stands in the text twice"),
        (built_in() + "\n## P-99 New\n\nWords.\n", "no clause P-99"),
        (built_in().rstrip().rsplit("\n", 1)[0] + "\n", "P-31 has no words"),
        ("x" * (LONGEST + 1), "at most"),
        ("x" * (2 * LONGEST + 1), "too long"),
        ("+++\nversion = 1\n", "does not end"),
        ("+++\nversion = = 1\n+++\n", "no TOML"),
        (f"+++\nparameters = 1\n+++\n{built_in()}", "a table of names"),
    ],
)
def test_what_is_no_policy_is_told_where(text, words):
    with pytest.raises(WrongDocument, match=words):
        imported(text)
