"""Decisions as files in Git: names, front matter, what stands in them. Pure."""

from datetime import UTC, datetime

import pytest

from changes.meetings.adr import Condition, DecisionFacts, markdown, name_of

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FACTS = DecisionFacts(
    number=7,
    title="CHG-1042 Split the queue",
    outcome="conditional",
    reason="It is sound\nand small.",
    where="Meeting 31",
    by="Cleo",
    at=AT,
    link="https://changes.example/decisions/7/",
    context="The queue is full every Monday.",
    digest="ab" * 32,
    expires_at=datetime(2027, 2, 22, tzinfo=UTC),
    supersedes=3,
    conditions=(Condition("Load test", "Dev", "before the merge", "2026-12-04T00:00:00+00:00"),),
    votes={"yes": ["Cleo", "Dev"], "no": []},
    quorum="2 of 3 voters, 2 needed.",
)
WANTED = f"""---
status: "accepted"
date: 2026-11-24
decision-makers: ["Cleo", "Dev"]
---

# CHG-1042 Split the queue

## Context and Problem Statement

The queue is full every Monday.

## Decision Outcome

Approved with conditions, because: It is sound and small.

### Consequences

Conditions:

- Load test (Dev, before the merge, until 2026-12-04)

### Confirmation

Decided by Meeting 31 on 2026-11-24 09:30 UTC, recorded by Cleo. 2 of 3 voters, 2 needed.

- yes: Cleo, Dev
- no: nobody

## More Information

Decision 7.

The text that was decided on has the SHA-256 `{"ab" * 32}`.

It holds until 2027-02-22.

It takes the place of decision 0003.

https://changes.example/decisions/7/
"""


def changed(**values):
    return markdown(DecisionFacts(**{**vars(FACTS), **values}))


def test_a_decision_as_a_file_has_everything_that_was_decided():
    assert markdown(FACTS) == WANTED


def test_a_file_without_votes_conditions_and_text_says_the_rest():
    plain = changed(conditions=(), votes={}, quorum="", digest="", expires_at=None, supersedes=None, link="", context=" ")

    assert "Consequences" not in plain
    assert "## Context and Problem Statement\n\nCHG-1042 Split the queue\n" in plain
    assert plain.endswith("recorded by Cleo.\n\n## More Information\n\nDecision 7.\n")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"outcome": "approved"}, "accepted"),
        ({"outcome": "rejected"}, "rejected"),
        ({"outcome": "deferred"}, "proposed"),
        ({"ended": "the proposal was edited"}, "deprecated"),
        ({"ended": "another took its place", "replaced_by": 12}, "superseded by decision 0012"),
    ],
)
def test_the_status_is_one_of_the_format(values, status):
    assert f'status: "{status}"\n' in changed(**values)


def test_names_of_people_do_not_break_the_front_matter():
    assert r'decision-makers: ["A \"B\" \\C", "Cleo"]' in changed(votes={"yes": ['A "B"\n\\C']})


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("CHG-1042 Split the queue", "0007-chg-1042-split-the-queue.md"),
        ("Überlauf & Größe / ../etc", "0007-uberlauf-groe-etc.md"),
        ("日本語", "0007-decision.md"),
        ("x" * 100, f"0007-{'x' * 60}.md"),
    ],
)
def test_the_name_of_a_file_is_plain(title, name):
    assert name_of(7, title) == name
