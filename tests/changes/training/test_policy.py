"""Who has to sign by when, and who is current: tables over moments. A day is counted from the first course."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.training import policy
from changes.training.facts import INTRODUCTION, JOINING, VERSION, YEARLY, Called, Due, Edition, Signed, Standing, Taught
from portal.policy.parameters import DEFAULT
from portal.policy.refusal import Refused, Stale

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TERMS = policy.terms_of(DEFAULT)
ALWAYS = datetime.min.replace(tzinfo=UTC)
BUILT_IN = Edition(1, ALWAYS, material=True)
ONE = (Called(1, START),)


def day(number):
    return START + timedelta(days=number)


TWO = (*ONE, Called(2, day(100)))


def standing(at, *, joined=-50, called=ONE, signed=()):
    given = [Signed(version, day(number)) for version, number in signed]
    dues = policy.dues_of(joined_at=day(joined), called=called, signed=given, terms=TERMS)
    return policy.standing_at(dues=dues, at=day(at), opens_before=DEFAULT.training_after_version_within)


CASES = {
    # joined, called, signed, at -> current, since, open reason, until, late
    "no course at all": ({"called": ()}, 5, (True, None, None, None, False)),
    "there before the first course, in time": ({}, 5, (True, None, INTRODUCTION, 30, False)),
    "there before the first course, late": ({}, 30, (False, 30, INTRODUCTION, None, True)),
    "joined later, in time": ({"joined": 10}, 20, (False, 10, JOINING, None, False)),
    "joined later, late": ({"joined": 10}, 24, (False, 10, JOINING, None, True)),
    "signed": ({"signed": [(1, 3)]}, 60, (True, None, None, 368, False)),
    "the year is nearly over": ({"signed": [(1, 3)]}, 340, (True, None, YEARLY, 368, False)),
    "the year is over": ({"signed": [(1, 3)]}, 368, (False, 368, YEARLY, None, True)),
    "signed again in time": ({"signed": [(1, 3), (1, 350)]}, 400, (True, None, None, 715, False)),
    "a new version, in time": ({"called": TWO, "signed": [(1, 3)]}, 129, (True, None, VERSION, 130, False)),
    "a new version, late": ({"called": TWO, "signed": [(1, 3)]}, 130, (False, 130, VERSION, 368, True)),
    "a new version, signed": ({"called": TWO, "signed": [(1, 3), (2, 110)]}, 131, (True, None, None, 475, False)),
    "never signed, and a new version came": ({"called": TWO}, 101, (False, 30, INTRODUCTION, 130, True)),
    "joined after the new version": ({"called": TWO, "joined": 120}, 130, (False, 120, JOINING, None, False)),
    "joined after it and signed": ({"called": TWO, "joined": 120, "signed": [(2, 130)]}, 131, (True, None, None, 495, False)),
    "joined before it, never signed": ({"called": TWO, "joined": 90}, 105, (False, 90, JOINING, 130, True)),
}


@pytest.mark.parametrize(("facts", "at", "wanted"), CASES.values(), ids=CASES.keys())
def test_who_is_current_and_what_is_open(facts, at, wanted):
    found = standing(at, **facts)

    def moment(number):
        return None if number is None else day(number)

    current, since, reason, until, late = wanted
    assert (found.current, found.since, found.open and found.open.reason, found.until, found.late) == (
        current,
        moment(since),
        reason,
        moment(until),
        late,
    )


def test_what_came_in_time_and_what_was_late_stays_known():
    signed = [Signed(1, day(33)), Signed(2, day(110))]

    dues = policy.dues_of(joined_at=day(-50), called=TWO, signed=signed, terms=TERMS)

    assert [(due.reason, due.version, due.late_by(day(200)).days) for due in dues] == [
        (INTRODUCTION, 1, 3),
        (VERSION, 2, 0),
        (YEARLY, 1, 0),
        (YEARLY, 2, 0),
    ]
    assert dues[0].late_by(day(32)) == timedelta(days=2)
    assert dues[-1].late_by(day(480)) == timedelta(days=5)


def test_whoever_is_not_current_is_refused_with_why_and_where():
    with pytest.raises(Refused) as refused:
        policy.check_trained(name="Bob", standing=standing(368, signed=[(1, 3)]))

    assert str(refused.value) == (
        "P-28: Training is not current since 5 Mar 2027: Bob signed the policy last on 5 Mar 2026, and a year is over."
    )
    assert "/training/" in refused.value.instead
    policy.check_trained(name="Bob", standing=standing(5))
    with pytest.raises(Refused, match=r"not current: Bob has"):
        policy.check_trained(name="Bob", standing=Standing(False, None, "has never signed the policy", None, None, True))


def test_a_version_is_called_once_it_holds_and_somebody_teaches_it():
    second, third, fourth = (
        Edition(2, day(50), material=True),
        Edition(3, day(80), material=False),
        Edition(4, day(90), material=True),
    )
    early = [Taught(1, day(0)), Taught(2, day(40)), Taught(3, day(85))]

    assert policy.called_by(taught=[], editions=[BUILT_IN]) == ()
    assert policy.called_by(taught=[Taught(7, day(0))], editions=[BUILT_IN]) == ()
    assert policy.called_by(taught=early, editions=[BUILT_IN, second, third, fourth]) == (Called(1, day(0)), Called(2, day(50)))
    assert policy.called_by(taught=[early[0], early[2]], editions=[BUILT_IN, second, third]) == (
        Called(1, day(0)),
        Called(2, day(85)),
    )
    assert policy.teaches(version=2, editions=[BUILT_IN, second, third], at=day(100))
    assert not policy.teaches(version=2, editions=[BUILT_IN, second, fourth], at=day(90))


@pytest.mark.parametrize(("at", "kind"), [(0, "assigned"), (7, "before"), (13, "before"), (14, "due"), (60, "due")])
def test_which_reminder_is_in_place(at, kind):
    due = Due(JOINING, 1, day(0), day(14))

    assert policy.reminder_for(due=due, at=day(at), before=timedelta(days=7)) == kind


WHOLE = {"title": "T", "pages": [1], "questions": [1, 2], "draw": 2, "pass_mark": 80, "statement": "I do"}


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"title": " "}, "no title"),
        ({"pages": []}, "no page"),
        ({"statement": ""}, "statement"),
        ({"draw": 3}, "the bank has 2"),
        ({"draw": 0}, "the bank has 2"),
        ({"pass_mark": 0}, "pass mark"),
        ({"pass_mark": 101}, "pass mark"),
    ],
)
def test_a_course_that_lacks_something_is_not_published(spoilt, words):
    policy.check_course(**WHOLE)

    with pytest.raises(Refused, match=words):
        policy.check_course(**{**WHOLE, **spoilt})


def test_small_rules():
    policy.check_saved(seen=2, version=2)
    with pytest.raises(Stale):
        policy.check_saved(seen=1, version=2)
    assert policy.minutes_for(texts=["word " * 900], questions=4) == 8
    assert policy.minutes_for(texts=[], questions=0) == 1
    policy.check_all_read(count=2, read={1, 2})
    with pytest.raises(Refused, match=r"page 2\."):
        policy.check_all_read(count=2, read={1})
    with pytest.raises(Refused, match=r"pages 2, 3\."):
        policy.check_all_read(count=3, read={1})
    policy.check_answerable(ends_at=day(1), submitted=False, at=day(1))
    with pytest.raises(Stale, match="handed in"):
        policy.check_answerable(ends_at=day(1), submitted=True, at=day(0))
    with pytest.raises(Stale, match="does not count as failed"):
        policy.check_answerable(ends_at=day(1), submitted=False, at=day(2))
    policy.check_complete(drawn=2, answered={1, 2})
    with pytest.raises(Refused, match="Question 2 without"):
        policy.check_complete(drawn=2, answered={1})
    with pytest.raises(Refused, match="Questions 1, 2 without"):
        policy.check_complete(drawn=2, answered=set())
    assert [policy.is_right(chosen=chosen, right=(0, 2)) for chosen in ([0, 2], [2, 0], [0], [0, 1, 2])] == [
        True,
        True,
        False,
        False,
    ]
    assert [policy.has_passed(correct=n, drawn=5, pass_mark=80) for n in (3, 4, 5)] == [False, True, True]
    policy.check_name(typed=" ann  BERG ", name="Ann Berg")
    with pytest.raises(Refused, match="not the one of your account"):
        policy.check_name(typed="Ann", name="Ann Berg")
    policy.check_not_replaced(version=1, editions=[BUILT_IN, Edition(2, day(3), True)], at=day(2))
    with pytest.raises(Stale, match=r"replaced by version 2 at 5 Mar 2026, 09:00 UTC\. Nothing was signed"):
        policy.check_not_replaced(version=1, editions=[BUILT_IN, Edition(2, day(3), True)], at=day(3))
