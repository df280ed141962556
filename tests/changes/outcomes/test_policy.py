"""What may be said about how it went: tables of cases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from changes.outcomes import policy
from changes.outcomes.policy import Wish
from portal.policy.refusal import Refused

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
TODAY = AT.date()
DAY = timedelta(days=1)


def refused(check, words, **given):
    with pytest.raises(Refused, match=words):
        check(**given)


@pytest.mark.parametrize(
    ("kind", "requester", "reviewer", "words"),
    [
        ("post_implementation", True, False, ""),
        ("post_implementation", False, True, ""),
        ("post_implementation", False, False, "requester"),
        ("retrospective", True, False, "retrospective"),
        ("retrospective", False, True, ""),
        ("retrospective", False, False, "retrospective"),
    ],
)
def test_who_says_how_it_went(kind, requester, reviewer, words):
    given = {"kind": kind, "is_requester": requester, "may_review": reviewer}
    if words:
        refused(policy.check_writer, words, **given)
    else:
        policy.check_writer(**given)


@pytest.mark.parametrize(
    ("outcome", "impact", "note", "troubles", "words"),
    [
        ("went_well", "", "", [], ""),
        ("went_well", "", "", ["web 7 failed"], "web 7 failed"),
        ("went_well", "", "A retry was enough.", ["web 7 failed"], ""),
        ("partly", "", "x", [], "noticed"),
        ("failed", " ", "", [], "noticed"),
        ("failed", "Ten minutes of errors.", "", [], ""),
        ("partly", "Slow pages.", "", ["web 7 failed"], ""),
        ("splendid", "x", "x", [], "how it went"),
    ],
)
def test_one_answer_is_enough_when_nothing_went_wrong(outcome, impact, note, troubles, words):
    given = {"outcome": outcome, "impact": impact, "note": note, "troubles": troubles}
    if words:
        refused(policy.check_outcome, words, **given)
    else:
        policy.check_outcome(**given)


@pytest.mark.parametrize(
    "wish",
    [Wish(" ", 1, TODAY), Wish("x", None, TODAY), Wish("x", 1, None), Wish("x", 1, TODAY - DAY), Wish("x", 1, TODAY + 367 * DAY)],
)
def test_a_follow_up_has_a_text_an_owner_and_a_day_ahead(wish):
    with pytest.raises(Refused):
        policy.check_follow_ups(wishes=[Wish("fine", 1, TODAY), wish], today=TODAY)


def test_follow_ups_may_be_none_and_due_today():
    policy.check_follow_ups(wishes=[], today=TODAY)
    policy.check_follow_ups(wishes=[Wish("x", 1, TODAY), Wish("x", 1, TODAY + 366 * DAY)], today=TODAY)


@pytest.mark.parametrize(
    ("owner", "oversees", "note", "words"),
    [(True, False, "done", ""), (False, True, "done", ""), (False, False, "done", "owner"), (True, False, " ", "what was done")],
)
def test_who_closes_a_follow_up(owner, oversees, note, words):
    given = {"is_owner": owner, "oversees": oversees, "note": note}
    if words:
        refused(policy.check_follow_up_done, words, **given)
    else:
        policy.check_follow_up_done(**given)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, ""),
        ({"merged": False}, "nothing to roll back"),
        ({"target": " "}, "go back to"),
        ({"data_loss": ""}, "lost"),
        ({"has_migration": True}, "migration"),
        ({"has_migration": True, "snapshot": "nightly"}, ""),
    ],
)
def test_a_rollback_says_where_to_what_is_lost_and_from_which_snapshot(wrong, words):
    given = {"merged": True, "target": "v6", "data_loss": "nothing", "snapshot": "", "has_migration": False, **wrong}
    if words:
        refused(policy.check_rollback, words, **given)
    else:
        policy.check_rollback(**given)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, ""),
        ({"app": "else"}, "else"),
        ({"app": ""}, "that app"),
        ({"seconds": 0}, "two days"),
        ({"seconds": 2 * 86400 + 1}, "two days"),
        ({"seconds": 2 * 86400, "began_at": AT - 2 * DAY}, ""),
        ({"began_at": AT - timedelta(seconds=59)}, "future"),
        ({"began_at": AT - timedelta(seconds=60)}, ""),
    ],
)
def test_a_drill_is_of_a_known_app_and_over(wrong, words):
    given = {"app": "web", "apps": ["api", "web"], "began_at": AT - DAY, "seconds": 60, "at": AT, **wrong}
    if words:
        refused(policy.check_drill, words, **given)
    else:
        policy.check_drill(**given)


def test_marks_are_for_production_and_a_fix_names_its_failure():
    policy.check_mark(what="failed", environment="production", resolves_known=False)
    policy.check_mark(what="fixed", environment="production", resolves_known=True)
    refused(policy.check_mark, "production", what="failed", environment="staging", resolves_known=False)
    refused(policy.check_mark, "which failure", what="fixed", environment="production", resolves_known=False)


def test_the_next_drill_is_due_after_the_last_or_after_the_first_release():
    first, last, every = AT - 90 * DAY, AT - 3 * DAY, 30 * DAY

    assert policy.next_drill_due(last=None, first_release=first, every=every) == AT - 60 * DAY
    assert policy.next_drill_due(last=last, first_release=first, every=every) == AT + 27 * DAY
    assert date(2026, 11, 2) == TODAY
