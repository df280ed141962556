"""Clauses in words, and the clocks of the policy."""

from datetime import UTC, datetime

import pytest

from portal.policy.clauses import Clause
from portal.policy.clocks import add_working_days
from portal.policy.models import PolicyDraft


def test_the_clauses_run_from_1_to_31_each_with_a_sentence_and_a_chapter():
    assert [clause.value for clause in Clause] == [f"P-{number:02}" for number in range(1, 32)]
    assert all(clause.sentence.endswith(".") and clause.chapter for clause in Clause)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ((2026, 11, 2, 10), 2, (2026, 11, 4, 10)),  # Monday
        ((2026, 11, 6, 10), 2, (2026, 11, 10, 10)),  # Friday
        ((2026, 11, 7, 10), 2, (2026, 11, 11, 0)),  # Saturday counts from Monday's midnight
        ((2026, 11, 8, 23), 0, (2026, 11, 9, 0)),
        ((2026, 11, 4, 10), 5, (2026, 11, 11, 10)),
    ],
)
def test_working_days_leave_out_weekends(start, days, end):
    assert add_working_days(datetime(*start, tzinfo=UTC), days) == datetime(*end, tzinfo=UTC)


def test_a_draft_is_called_by_the_version_that_it_goes_out_from():
    assert str(PolicyDraft(based_on=3)) == "draft after version 3"
