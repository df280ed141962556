"""The complete table of states and verbs: what is allowed, where it leads, and what is not allowed."""

import pytest

from changes.proposals.lifecycle import MOVES, OPEN_STATES, Move, State, find_move, moves_from, permitted_pairs

VERBS = ("propose", "approve", "lapse", "withdraw", "reopen", "merge", "release", "roll_back", "close", "take_back")
D, P, A, M, R, B, C, W = (
    State.DRAFT,
    State.PROPOSED,
    State.APPROVED,
    State.MERGED,
    State.RELEASED,
    State.ROLLED_BACK,
    State.CLOSED,
    State.WITHDRAWN,
)
TABLE = {
    #              propose approve lapse withdraw reopen merge release roll_back close take_back
    State.DRAFT: (P, None, None, W, None, M, None, None, None, None),
    State.PROPOSED: (None, A, None, W, None, M, None, None, None, None),
    State.APPROVED: (None, None, P, W, None, M, None, None, None, None),
    State.MERGED: (None, None, None, None, None, None, R, B, None, W),
    State.RELEASED: (None, None, None, None, None, None, None, B, C, W),
    State.ROLLED_BACK: (None, None, None, None, None, None, R, None, C, W),
    State.CLOSED: (None, None, None, None, None, None, None, B, None, W),
    State.WITHDRAWN: (None, None, None, None, P, M, None, None, None, None),
}
CASES = [(state, verb, target) for state, row in TABLE.items() for verb, target in zip(VERBS, row, strict=True)]
BY_A_PERSON = {"propose", "approve", "withdraw", "reopen", "close"}


def test_the_table_knows_every_state_and_every_verb():
    assert set(TABLE) == set(State)
    assert {move.verb for move in MOVES} == set(VERBS)


@pytest.mark.parametrize(("state", "verb", "target"), CASES, ids=[f"{state}-{verb}" for state, verb, _ in CASES])
def test_a_verb_leads_where_the_table_says_or_nowhere(state, verb, target):
    move = find_move(verb, state)

    assert (move.target if move else None) == target


@pytest.mark.parametrize("move", MOVES, ids=[f"{move.source}-{move.verb}" for move in MOVES])
def test_facts_move_a_change_by_themselves_and_people_press_the_rest(move):
    assert move.by_person == (move.verb in BY_A_PERSON)


@pytest.mark.parametrize("state", list(State))
def test_moves_from_a_state_are_those_that_start_there(state):
    found = moves_from(state)

    assert [(move.verb, move.target) for move in found] == [(move.verb, move.target) for move in MOVES if move.source == state]
    assert {move.verb for move in found} == {verb for verb, target in zip(VERBS, TABLE[state], strict=True) if target}


def test_no_verb_is_twice_in_one_state():
    pairs = [(move.verb, move.source) for move in MOVES]

    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(("verb", "state"), [("merge", "nowhere"), ("vanish", "draft"), ("", "")])
def test_what_the_table_does_not_know_leads_nowhere(verb, state):
    assert find_move(verb, state) is None


def test_an_unknown_state_has_no_moves():
    assert moves_from("nowhere") == []


def test_the_database_is_told_every_pair_of_the_table():
    assert permitted_pairs() == {(str(state), str(target)) for state, _, target in CASES if target}


def test_pairs_of_other_moves_can_be_asked_for():
    assert permitted_pairs([Move("approve", State.PROPOSED, State.APPROVED, by_person=True)]) == {("proposed", "approved")}


def test_a_merge_to_production_is_taken_from_every_state_before_it():
    assert {move.source for move in MOVES if move.verb == "merge"} == OPEN_STATES | {State.WITHDRAWN}
