"""When something may be said, whom a text means, and when somebody is left alone: tables of cases."""

from datetime import UTC, datetime, time, timedelta

import pytest

from changes.talk import policy
from portal.policy.refusal import Refused

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(("text", "words"), [(" \n", "empty"), ("x" * 20_001, "20,001 characters")])
def test_a_comment_says_something_and_is_no_book(text, words):
    with pytest.raises(Refused, match=words):
        policy.check_text(text=text)
    policy.check_text(text="x" * 20_000)


@pytest.mark.parametrize(
    ("author", "minutes", "words"), [(True, 0, ""), (True, 10, ""), (True, 10.1, "ten minutes"), (False, 1, "author")]
)
def test_a_comment_locks_after_ten_minutes(author, minutes, words):
    given = {"is_author": author, "said_at": AT, "at": AT + timedelta(minutes=minutes)}
    if words:
        with pytest.raises(Refused, match=words):
            policy.check_correction(**given)
    else:
        policy.check_correction(**given)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@Ann and (@bob), please", ["ann", "bob"]),
        ("@ann. And @ann again", ["ann"]),
        ("mail ann@northwind.example or git@github.com:x", []),
        ("@ann.smith-jones+x!", ["ann.smith-jones+x"]),
        ("@ alone, @@twice, /@path", []),
        ("", []),
    ],
)
def test_names_behind_an_at_are_found_and_addresses_are_none(text, found):
    assert policy.handles_in(text) == found


def test_a_mention_means_everybody_of_that_name():
    people = {1: "ann@a.example", 2: "Ann@b.example", 3: "bob@a.example"}

    assert policy.mentioned(text="@ANN look", people=people) == [1, 2]
    assert policy.mentioned(text="@carl look", people=people) == []


@pytest.mark.parametrize(
    ("hour", "start", "end", "quiet"),
    [
        (21, None, time(7), False),
        (21, time(22), None, False),
        (21, time(22), time(22), False),
        (21, time(22), time(7), False),
        (22, time(22), time(7), True),
        (3, time(22), time(7), True),
        (7, time(22), time(7), False),
        (13, time(12), time(14), True),
        (14, time(12), time(14), False),
    ],
)
def test_quiet_hours_may_lie_on_both_sides_of_midnight(hour, start, end, quiet):
    at = datetime(2026, 11, 2, hour, 0, tzinfo=UTC)

    assert policy.is_quiet(at=at, zone="UTC", start=start, end=end) is quiet


def test_hours_are_those_of_the_person_over_a_change_of_clocks():
    before = datetime(2026, 10, 24, 6, 30, tzinfo=UTC)
    after = datetime(2026, 10, 26, 6, 30, tzinfo=UTC)
    hours = {"zone": "Europe/Berlin", "start": time(22), "end": time(8)}

    assert policy.is_quiet(at=before, **hours) is False
    assert policy.is_quiet(at=after, **hours) is True
    assert policy.digest_is_due(at=before, zone="Europe/Berlin", digest_at=time(8)) is True
    assert policy.digest_is_due(at=after, zone="Europe/Berlin", digest_at=time(8)) is False


def test_who_takes_part_or_asked_hears_of_it_unless_they_left():
    assert policy.followers(taking_part=[1, 2], wanted={2: False, 3: True, 4: False}) == {1, 3}
