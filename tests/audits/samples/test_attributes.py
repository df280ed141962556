"""What the attributes of a row say: met, failed, not needed, or waiting for a day that has not come. No database."""

from datetime import UTC, datetime, timedelta

import pytest

from audits.samples.attributes import Now, attributes_of_row

NOW = Now(datetime(2026, 3, 10, tzinfo=UTC), timedelta(days=7))
BEFORE, EARLIER, LATER = "2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z", "2026-03-12T00:00:00Z"
EMPTY = {"pull_requests": "", "changes": "", "exceptions": "", "outcome": "", "committed_at": ""}


def said(kind, row, name):
    """State of one attribute of a row."""
    return {attribute.name: attribute.state for attribute in attributes_of_row(kind, row, now=NOW)}[name]


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


@pytest.mark.parametrize(
    ("outcome", "answered", "due", "in_time", "not_open"),
    [
        ("Open", "", LATER, "waiting", "waiting"),
        ("Open", "", EARLIER, "failed", "failed"),
        ("Explained", BEFORE, EARLIER, "met", "met"),
        ("Explained", EARLIER, BEFORE, "failed", "met"),
        ("Repaired", EARLIER, "", "not_needed", "met"),
        ("Cleared by later evidence", "", EARLIER, "not_needed", "met"),
        ("Open", "", "", "not_needed", "failed"),
    ],
)
def test_an_exception_waits_for_its_answer_until_that_is_due(outcome, answered, due, in_time, not_open):
    row = {"owner": "Ann", "outcome": outcome, "answered_at": answered, "due_at": due, "found_at": BEFORE}

    assert (said("exceptions", row, "Answered in time"), said("exceptions", row, "Not open")) == (in_time, not_open)


@pytest.mark.parametrize(
    ("holder", "by", "due", "state"),
    [
        ("Ann", "Bob", EARLIER, "met"),
        ("Ann", "Ann", EARLIER, "failed"),
        ("Ann", "", EARLIER, "failed"),
        ("Ann", "", LATER, "waiting"),
        ("", "Bob", EARLIER, "not_needed"),
    ],
)
def test_who_answered_counts_and_not_who_was_asked_first(holder, by, due, state):
    row = {"belongs_to": holder, "reviewer": "Ann", "answered_by": by, "answered_at": BEFORE if by else "", "due_at": due}

    assert said("access_reviews", {**row, "outcome": "Keep", "removed_at": ""}, "By somebody else") == state


@pytest.mark.parametrize(
    ("answered", "removed", "state"), [(EARLIER, "", "waiting"), (BEFORE, "", "failed"), (BEFORE, LATER, "met")]
)
def test_a_right_that_is_to_go_has_the_time_that_the_policy_gives(answered, removed, state):
    row = {"belongs_to": "Ann", "answered_by": "Bob", "answered_at": answered, "due_at": LATER}

    assert said("access_reviews", {**row, "outcome": "Remove", "removed_at": removed}, "Removed") == state
