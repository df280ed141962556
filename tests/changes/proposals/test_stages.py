"""The column of the board and the next deadline: the rules as tables, and the database computes the same."""

import itertools
import random
from datetime import timedelta

import pytest

from changes.proposals.deadlines import NEVER
from changes.proposals.lifecycle import State
from changes.proposals.models import Change
from changes.proposals.stages import ENTERS, Stage, stage_of
from tests.changes.proposals.catalogue import AT
from tests.database import cover

ALL = "m" * 12
CASES = [
    ("draft", "-" * 12, "draft"),
    ("draft", ALL, "draft"),
    ("proposed", "-" * 12, "review"),
    ("proposed", "wmmmmmmmmmmm", "review"),
    ("proposed", "mmwmmmmmmmmm", "review"),
    ("proposed", "mmmfmmmmmmmm", "review"),
    ("proposed", "mmmmwmmmmmmm", "review"),
    ("proposed", "mmmmmwmmmmmm", "review"),
    ("proposed", "mwwmmmmmmmmm", "review"),
    ("proposed", "mwmmmmwwwwww", "meeting"),
    ("proposed", "mfmmmmmmmmmm", "meeting"),
    ("proposed", "mnmmmmwwwwww", "staging"),
    ("proposed", "mnmcmmwwwwww", "staging"),
    ("proposed", "mnmmmmfmwwww", "staging"),
    ("proposed", "mnmmmmmwwwww", "approval"),
    ("proposed", "mnmmmmnfwwww", "approval"),
    ("approved", "mnmmmmmmwwww", "production"),
    ("approved", "mnmmmmwmwwww", "staging"),
    ("merged", "wwwwwwwwwwww", "production"),
    ("released", "mnmmmmmmmmmw", "production"),
    ("released", "mnmmmmmmmmmf", "production"),
    ("released", "mnmmmmmmmmmm", ""),
    ("released", "mnmmmmmmmmmn", ""),
    ("released", "------------", ""),
    ("rolled_back", "mnmmmmmmmmmw", "production"),
    ("rolled_back", "mnmmmmmmmmmm", ""),
    ("closed", "mnmmmmmmmmmw", ""),
    ("withdrawn", "mnmmmmwwwwww", ""),
]


@pytest.mark.parametrize(("state", "gates", "stage"), CASES)
def test_evidence_puts_a_change_into_its_column(state, gates, stage):
    assert stage_of(state=state, gates=gates) == stage


def test_every_column_says_what_enters_it():
    assert set(ENTERS) == set(Stage)


@pytest.mark.django_db
def test_the_database_computes_the_same_column():
    chance = random.Random(7)
    letters = ["".join(chance.choice("mwfnc-") for _ in range(12)) for _ in range(60)]
    known = [gates for _, gates, _ in CASES]
    pairs = list(itertools.product(State.values, {*letters, *known}))
    values = {"opened_at": AT, "moved_at": AT}
    rows = [Change(number=number, state=state, gates=gates, **values) for number, (state, gates) in enumerate(pairs, start=1)]
    born = [row for row in rows if row.state in ("draft", "proposed", "merged")]

    Change.objects.bulk_create(born)
    cover(*born)

    found = {(row.state, row.gates): row.stage for row in Change.objects.all()}
    assert found == {(state, gates): stage_of(state=state, gates=gates) for state, gates in found}
    assert set(found.values()) == set(Stage.values)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("retrospective", "review", "gates", "days"),
    [
        (None, None, ALL, None),
        (None, 5, "mnmmmmmmmmmw", 5),
        (2, 5, "mnmmmmmmmmmw", 2),
        (7, 5, "mnmmmmmmmmmf", 5),
        (2, None, "-" * 12, 2),
        (2, 5, "mnmmmmmmmmmm", None),
        (None, 5, "mnmmmmmmmmmn", None),
    ],
)
def test_what_is_due_next_is_the_earlier_review_until_it_is_written(retrospective, review, gates, days):
    def after(number):
        return AT + timedelta(days=number) if number else None

    row = Change.objects.create(
        number=1, opened_at=AT, moved_at=AT, gates=gates, retrospective_due_at=after(retrospective), review_due_at=after(review)
    )
    cover(row)

    row.refresh_from_db()

    assert row.due_at == (after(days) or NEVER)
