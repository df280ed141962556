"""Every clause has a control, and every control has a check or says why it has none."""

import pytest

from audits.controls.catalogue import CONTROLS
from audits.controls.checks import CHECKS
from portal.policy.clauses import Clause


def test_every_clause_has_its_control():
    assert list(CONTROLS) == list(Clause)
    assert [control.id for control in CONTROLS.values()] == [f"C-{number:02}" for number in range(1, 32)]


@pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda control: control.id)
def test_a_control_has_a_check_or_a_reason_and_not_both(control):
    assert bool(control.check) != bool(control.later)
    assert control.title
    assert control.population
    assert control.test.endswith(".")
    assert not control.later or control.later.endswith(".")


def test_every_named_check_is_there_and_every_check_is_named():
    named = [control.check for control in CONTROLS.values() if control.check]

    assert sorted(named) == sorted(CHECKS)
    assert len(named) == len(set(named))
