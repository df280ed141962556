"""What the attributes of a row say: met, failed, not needed, or waiting for a day that has not come. No database."""

import pytest

from audits.samples.attributes import attributes_of_row

EMPTY = {"pull_requests": "", "changes": "", "exceptions": "", "outcome": "", "committed_at": ""}


def said(kind, row, name):
    """State of one attribute of a row."""
    return {attribute.name: attribute.state for attribute in attributes_of_row(kind, row)}[name]


@pytest.mark.parametrize(
    ("requests", "outcome", "state"),
    [
        ("acme/web#1", "By a pull request", "met"),
        ("acme/web#1", "No longer on the branch", "met"),
        ("", "By a pull request", "met"),
        ("", "From before the scope began", "not_needed"),
        ("", "Pushed without a pull request", "failed"),
        ("", "No longer on the branch", "failed"),
    ],
)
def test_a_commit_is_by_a_pull_request_when_one_accounts_for_it(requests, outcome, state):
    assert said("commits", {**EMPTY, "pull_requests": requests, "outcome": outcome}, "By a pull request") == state
