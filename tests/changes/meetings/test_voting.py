"""What votes come to, who may vote, and what may be recorded: tables of cases."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.meetings import voting
from changes.meetings.voting import Cast, last_words, tally
from portal.policy.refusal import Refused, Stale

AT = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
CLEO, DEV, EVE, FAY, ANN = 1, 2, 3, 4, 9
ROSTER = frozenset({CLEO, DEV, EVE, FAY})


def cast(person, choice, minute=0):
    return Cast(person, choice, AT + timedelta(minutes=minute))


def counted(*casts, present=ROSTER, involved=frozenset(), percent=50):
    return tally(casts=casts, roster=ROSTER, leads=frozenset({CLEO}), present=present, involved=involved, percent=percent)


def test_the_last_word_counts():
    assert last_words([cast(DEV, "no", 2), cast(DEV, "yes", 1), cast(EVE, "yes")]) == {DEV: "no", EVE: "yes"}


@pytest.mark.parametrize(
    ("result", "carried", "words"),
    [
        (counted(cast(CLEO, "yes"), cast(DEV, "yes"), cast(EVE, "no")), True, "2 yes, 1 no, 0 abstained, 0 recused"),
        (counted(cast(CLEO, "yes"), cast(DEV, "no")), False, "1 yes, 1 no"),
        (counted(), False, "0 yes"),
        (counted(cast(CLEO, "abstain"), cast(DEV, "yes")), True, "1 yes, 0 no, 1 abstained"),
        (counted(cast(CLEO, "yes"), cast(DEV, "yes"), involved=frozenset({DEV})), True, "1 yes, 0 no, 0 abstained, 1 recused"),
        (counted(cast(CLEO, "yes"), present=frozenset({CLEO, DEV})), False, "No quorum"),
        (counted(cast(DEV, "yes"), present=frozenset({DEV, EVE, FAY})), False, "neither the chair nor a deputy"),
        (counted(cast(CLEO, "yes"), cast(ANN, "no"), present=ROSTER | {ANN}), True, "1 yes, 0 no"),
        (counted(cast(CLEO, "yes"), cast(FAY, "no"), present=frozenset({CLEO, DEV, EVE})), True, "1 yes, 0 no"),
    ],
)
def test_what_votes_come_to(result, carried, words):
    assert (result.carried, words in result.sentence) == (carried, True), result.sentence


def test_who_said_nothing_is_told():
    result = counted(cast(CLEO, "yes"), cast(DEV, "recused"))

    assert (result.silent, result.recused, result.yes) == ((EVE, FAY), (DEV,), (CLEO,))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"choice": "perhaps"}, "no vote"),
        ({"person": ANN, "name": "Ann"}, "Ann has no seat"),
        ({"present": frozenset({CLEO})}, "not at the meeting"),
        ({"present": None}, ""),
        ({"involved": frozenset({DEV})}, "contributed"),
        ({"involved": frozenset({DEV}), "choice": "recused"}, ""),
    ],
)
def test_who_may_say_what(given, words):
    case = {"person": DEV, "name": "Dev", "choice": "yes", "roster": ROSTER, "present": ROSTER, "involved": frozenset(), **given}
    if words:
        with pytest.raises(Refused, match=words):
            voting.check_voter(**case)
    else:
        voting.check_voter(**case)


@pytest.mark.parametrize(
    ("closed", "over", "edited", "words"),
    [(False, False, False, ""), (True, False, False, "closed"), (False, True, False, "closed"), (False, False, True, "edited")],
)
def test_a_vote_takes_words_while_it_is_open_on_its_text(closed, over, edited, words):
    if words:
        with pytest.raises(Stale, match=words):
            voting.check_open(closed=closed, over=over, edited=edited)
    else:
        voting.check_open(closed=closed, over=over, edited=edited)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ""),
        ({"reason": " "}, "reason"),
        ({"quorum": False}, "no quorum"),
        ({"recorder_involved": True}, "contributed to it"),
        ({"outcome": "conditional"}, "Conditions belong"),
        ({"outcome": "conditional", "conditions": 1}, ""),
        ({"conditions": 1}, "Conditions belong"),
        ({"carried": None}, "no vote on this text"),
        ({"carried": False}, "did not carry"),
        ({"outcome": "rejected"}, "The vote carried"),
        ({"outcome": "rejected", "carried": False}, ""),
        ({"void": "there was no quorum"}, "does not count: there was no quorum"),
        ({"outcome": "deferred", "carried": None}, ""),
        ({"needs_vote": False, "carried": None}, ""),
    ],
)
def test_what_may_be_recorded(given, words):
    case = {
        "outcome": "approved",
        "reason": "Fine.",
        "needs_vote": True,
        "carried": True,
        "void": "",
        "quorum": True,
        "recorder_involved": False,
        "conditions": 0,
        **given,
    }
    if words:
        with pytest.raises(Refused, match=words):
            voting.check_decision(**case)
    else:
        voting.check_decision(**case)
