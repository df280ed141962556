"""Which change an edit in a vendor's console belongs to: the rules as a table. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from changes.exceptions.edit_rules import Candidate, Edit, matching, named_in, why_not

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REX, BOB = 1, 2
EDIT = Edit(kind="access", at=NOON, person=REX, names=(("www.northwind.example",),))
CHANGE = Candidate(
    number=7,
    kind="access",
    state="proposed",
    opened_at=NOON - DAY,
    ended_at=None,
    people=frozenset({REX}),
    text="Point www.northwind.example at the new shop.",
)
PLANNED = ((NOON - HOUR, NOON + HOUR),)


def both(edit=None, change=None):
    return replace(EDIT, **(edit or {})), replace(CHANGE, **(change or {}))


@pytest.mark.parametrize(
    ("edit", "change", "matches"),
    [
        ({}, {}, True),
        ({}, {"kind": "application"}, False),
        ({}, {"state": "draft"}, False),
        ({}, {"state": "withdrawn"}, False),
        ({}, {"state": "released"}, True),
        ({}, {"opened_at": NOON + HOUR}, False),
        ({}, {"opened_at": NOON - 91 * DAY}, False),
        ({}, {"opened_at": NOON - 91 * DAY, "windows": PLANNED}, True),
        ({}, {"windows": ((NOON + 2 * HOUR, NOON + 3 * HOUR),)}, False),
        ({}, {"windows": ((NOON + HOUR, NOON + 3 * HOUR),)}, True),
        ({}, {"state": "closed", "ended_at": NOON - HOUR}, False),
        ({}, {"state": "closed", "ended_at": NOON + HOUR}, True),
        ({"person": BOB}, {}, False),
        ({"person": None}, {}, False),
        ({}, {"text": "Point api.northwind.example elsewhere."}, False),
        ({}, {"text": "Point xwww.northwind.example elsewhere."}, False),
        ({}, {"text": "Point www.northwind.example.org elsewhere."}, False),
        ({}, {"text": "Point WWW.northwind.example."}, True),
        ({"person": BOB, "references": frozenset({7})}, {"text": ""}, True),
        ({"references": frozenset({7})}, {"kind": "secrets"}, False),
        ({"names": ()}, {}, False),
        ({"names": (("backend/prd",), ("backend", "prd"))}, {"text": "Rotate the key of backend in prd"}, True),
        ({"names": (("backend/prd",), ("backend", "prd"))}, {"text": "Rotate the key of the backend"}, False),
        ({"names": ((), ("STRIPE", "DATABASE_URL"))}, {"text": "Rotate STRIPE"}, False),
        ({"names": (("STRIPE",),)}, {"text": "Rotate STRIPE_KEY"}, False),
    ],
)
def test_a_change_covers_an_edit_by_kind_state_window_person_and_name(edit, change, matches):
    found_edit, candidate = both(edit, change)

    assert (matching(found_edit, [candidate]) is not None) is matches


def test_the_change_that_the_edit_names_wins_else_the_one_opened_last():
    older, newer = replace(CHANGE, number=6, opened_at=NOON - 2 * DAY), CHANGE

    assert matching(EDIT, [older, newer]) == (
        newer,
        "It names www.northwind.example, and whoever edited asked for it or worked on it",
    )
    assert matching(replace(EDIT, references=frozenset({6})), [newer, older]) == (older, "The edit names CHG-6")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "secrets"}, "It names CHG-7, which is a change of another kind"),
        ({"state": "draft"}, "It names CHG-7, which was not proposed"),
        ({"opened_at": NOON + DAY}, "It names CHG-7, but lies outside its time"),
        ({"number": 8}, ""),
    ],
)
def test_a_named_change_that_does_not_cover_the_edit_is_told_with_its_reason(change, words):
    edit, candidate = both({"references": frozenset({7})}, change)

    assert why_not(edit, [candidate]) == words


def test_no_name_is_no_name():
    assert named_in(replace(EDIT, names=(("",),)), "anything") == ""
