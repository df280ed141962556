"""How judgements of parts add up to a gate."""

import pytest

from changes.gates.facts import GateState
from changes.gates.gate import (
    LATE,
    NUMBERS,
    Code,
    Evidence,
    Gate,
    Judgement,
    combined,
    met,
    not_connected,
    not_needed,
    open_or_failed,
)
from portal.policy.clauses import Clause

HELD = met("It holds", Evidence("one", "commit:a@1"))
WAITS = open_or_failed(late=False, reason="It waits", who="Somebody does it.", evidence=(Evidence("two", "commit:a@2"),))
BROKEN = open_or_failed(late=True, reason="It broke", who="")
UNSEEN = not_connected("nothing was read", who="An administrator connects it.")
SPARED = not_needed("It is not asked")

ORDER = {
    "failed over all": ((HELD, WAITS, UNSEEN, SPARED, BROKEN), GateState.FAILED, "It broke."),
    "waiting over not connected": ((HELD, UNSEEN, WAITS, SPARED), GateState.WAITING, "It waits."),
    "not connected over met": ((HELD, UNSEEN, SPARED), GateState.NOT_CONNECTED, "Not connected: nothing was read."),
    "met over not needed": ((SPARED, HELD), GateState.MET, "It holds."),
    "not needed alone": ((SPARED,), GateState.NOT_NEEDED, "It is not asked."),
}


@pytest.mark.parametrize(("parts", "state", "reason"), ORDER.values(), ids=ORDER.keys())
def test_the_worst_part_decides_and_speaks(parts, state, reason):
    gate = combined(Code.CI, parts)

    assert (gate.state, gate.reason) == (state, reason)


def test_a_gate_of_one_part_says_everything():
    assert combined(Code.CI, [WAITS]) == Gate(
        number=5,
        code="ci",
        name="CI",
        clause=Clause.CI_PASSES,
        state=GateState.WAITING,
        reason="It waits.",
        who="Somebody does it.",
        evidence=(Evidence("two", "commit:a@2"),),
        confirmed=True,
        doubt="",
    )


def test_a_gate_about_nothing_is_an_error_and_never_met():
    with pytest.raises(ValueError, match="empty"):
        combined(Code.CI, [])


def test_all_parts_give_evidence_and_equal_sentences_are_said_once():
    gate = combined(Code.CI, [WAITS, WAITS, HELD])

    assert (gate.reason, gate.who) == ("It waits.", "Somebody does it.")
    assert [item.label for item in gate.evidence] == ["two", "one"]


def test_one_unconfirmed_part_makes_the_gate_unconfirmed():
    gate = combined(Code.CI, [HELD, met("So does this", confirmed=False)])

    assert (gate.confirmed, gate.reason) == (False, "It holds; So does this (reported, not confirmed yet).")


def test_what_waits_needs_no_word_about_confirmation():
    gate = combined(Code.CI, [open_or_failed(late=False, reason="It waits", who="", confirmed=False)])

    assert (gate.confirmed, gate.reason) == (False, "It waits.")


def test_a_part_may_cite_another_clause_than_the_gate():
    assert combined(Code.ROLLBACK, [Judgement(GateState.MET, "Fine", clause=Clause.SNAPSHOT)]).clause == Clause.SNAPSHOT


def test_a_failure_that_cannot_be_mended_says_so_and_one_that_can_says_how():
    assert open_or_failed(late=True, reason="", who="Ann does it.").who == LATE
    assert open_or_failed(late=True, reason="", who="Ann does it.", remedy="Ann does it.").who == "Ann does it."


def test_there_are_twelve_gates_in_the_order_of_the_policy():
    assert [(number, str(code)) for code, number in NUMBERS.items()] == [
        (1, "proposal"),
        (2, "decision"),
        (3, "pull_request"),
        (4, "review"),
        (5, "ci"),
        (6, "rollback"),
        (7, "staging"),
        (8, "approval"),
        (9, "merge"),
        (10, "release"),
        (11, "log"),
        (12, "review_after"),
    ]
