"""Every clause has a control, and every control has a check or says why it has none."""

import pytest

from audits.controls.catalogue import CONTROLS
from audits.controls.rows import READERS
from audits.controls.unread import CLOUDFLARE, DOPPLER, FLY, FORGE, GIT, SLACK
from portal.policy.clauses import Clause

CRITERIA = {
    "CC8.1",
    "CC6.1",
    "CC6.2",
    "CC6.3",
    *(f"CC7.{n}" for n in range(1, 6)),
    "CC1.4",
    "CC2.2",
    "CC2.3",
    "CC3.4",
    "CC4.1",
    "CC5.3",
}
"""The ids that POLICY.md names."""


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
    assert control.criteria
    assert set(control.criteria) <= CRITERIA
    assert control.frequency
    assert not control.expected or control.expected.endswith(".")
    assert control.needs <= {GIT, FORGE, FLY, SLACK, DOPPLER, CLOUDFLARE}
    assert control.owner.label


def test_every_named_check_is_there_and_every_check_is_named():
    named = [control.check for control in CONTROLS.values() if control.check]

    assert sorted(named) == sorted(READERS)
    assert len(named) == len(set(named))


def test_the_criteria_of_the_policy_are_all_served_and_no_control_waits_for_its_check():
    assert set().union(*(control.criteria for control in CONTROLS.values())) == CRITERIA
    assert [control.id for control in CONTROLS.values() if not control.check] == []
