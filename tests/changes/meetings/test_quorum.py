"""The quorum as a table: more than half of the roster, and somebody who leads."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.meetings.quorum import Quorum, Spell, needed_of, quorum_of, was_quorate

CHAIR, DEPUTY, A, B, C, GUEST = 1, 2, 3, 4, 5, 99
AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


def later(minutes):
    return AT + timedelta(minutes=minutes)


@pytest.mark.parametrize(("voters", "needed"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (24, 13), (25, 13)])
def test_more_than_half_is_needed(voters, needed):
    assert needed_of(voters) == needed


@pytest.mark.parametrize(("voters", "percent", "needed"), [(3, 0, 1), (3, 66, 2), (3, 67, 3), (9, 66, 6), (5, 100, 5), (0, 100, 1)])
def test_the_policy_may_ask_for_another_share_and_never_for_more_than_all(voters, percent, needed):
    assert needed_of(voters, percent) == needed


@pytest.mark.parametrize(
    ("roster", "leads", "present", "met"),
    [
        ([], [], [], False),
        ([], [], [GUEST], False),
        ([CHAIR], [CHAIR], [CHAIR], True),
        ([CHAIR], [CHAIR], [], False),
        ([CHAIR, A], [CHAIR], [CHAIR], False),
        ([CHAIR, A], [CHAIR], [CHAIR, A], True),
        ([CHAIR, A, B], [CHAIR], [CHAIR, A], True),
        ([CHAIR, A, B], [CHAIR], [A, B], False),
        ([CHAIR, A, B], [CHAIR], [CHAIR], False),
        ([CHAIR, A, B], [CHAIR], [CHAIR, GUEST], False),
        ([CHAIR, A, B, C], [CHAIR], [CHAIR, A], False),
        ([CHAIR, A, B, C], [CHAIR], [CHAIR, A, B], True),
        ([CHAIR, DEPUTY, A, B, C], [CHAIR, DEPUTY], [DEPUTY, A, B], True),
        ([CHAIR, DEPUTY, A, B, C], [CHAIR, DEPUTY], [A, B, C], False),
        ([CHAIR, DEPUTY, A, B, C], [CHAIR, DEPUTY], [CHAIR, DEPUTY], False),
        ([CHAIR, DEPUTY, A, B, C], [CHAIR, DEPUTY], [CHAIR, DEPUTY, A], True),
        ([A, B, C], [], [A, B, C], False),
    ],
)
def test_a_quorum_is_more_than_half_with_somebody_who_leads(roster, leads, present, met):
    assert quorum_of(roster=roster, leads=leads, present=present).met is met


def test_how_it_stands_is_said_in_a_sentence():
    assert quorum_of(roster=[CHAIR, A, B], leads=[CHAIR], present=[CHAIR, A, GUEST]) == Quorum(3, 2, 2, True)
    assert Quorum(3, 2, 2, True).sentence == "Quorum: 2 of 3 voters here, 2 needed."
    assert Quorum(3, 2, 1, True).sentence == "No quorum: 1 of 3 voters here, 2 needed."
    assert Quorum(3, 2, 2, False).sentence == "No quorum: neither the chair nor a deputy is here; 2 of 3 voters here, 2 needed."


@pytest.mark.parametrize(
    ("spells", "quorate"),
    [
        ([], False),
        ([Spell(CHAIR, later(0)), Spell(A, later(5))], True),
        ([Spell(CHAIR, later(0), later(5)), Spell(A, later(5))], False),
        ([Spell(A, later(0), later(9)), Spell(CHAIR, later(8), later(30))], True),
        ([Spell(A, later(0)), Spell(B, later(1))], False),
        ([Spell(CHAIR, later(0), later(5)), Spell(CHAIR, later(20)), Spell(A, later(10), later(21))], True),
    ],
)
def test_a_meeting_was_quorate_if_its_quorum_was_there_at_some_moment(spells, quorate):
    assert was_quorate(roster=[CHAIR, A, B], leads=[CHAIR], spells=spells) is quorate
