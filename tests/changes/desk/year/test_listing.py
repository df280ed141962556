"""docs/demo.md lists every deviation and every trap of the year, as the register has them."""

from pathlib import Path

from changes.desk.demo.year.listing import kinds_of, tables
from changes.desk.demo.year.scenarios import SCENARIOS
from changes.exceptions.kinds import KINDS

PAGE = Path(__file__).parents[4] / "docs" / "demo.md"


def test_the_page_lists_every_scenario():
    assert tables() in PAGE.read_text(), f"docs/demo.md does not list the scenarios as they are. Put this into it:\n\n{tables()}"


def test_every_deviation_is_of_a_kind_of_its_own_and_a_trap_of_none():
    first = {name: kinds_of(row)[:1] for name, row in SCENARIOS.items()}
    deviations = {name: kinds for name, kinds in first.items() if not SCENARIOS[name].trap}

    assert all(set(kinds_of(SCENARIOS[name])) <= KINDS.keys() for name in deviations)
    assert len(set(deviations.values())) == len(deviations) >= 20
    assert {name for name, kinds in first.items() if not kinds} == SCENARIOS.keys() - deviations.keys()
