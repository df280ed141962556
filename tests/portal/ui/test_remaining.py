"""How long work still takes: an estimate from what was done so far, never negative, silent where there is nothing to go by."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template, TemplateSyntaxError

from portal.ui.remaining import in_words, time_left, words_left

AT = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)


def minutes(number):
    return AT + timedelta(minutes=number)


@pytest.mark.parametrize(
    ("began", "moved", "share", "words"),
    [
        (None, AT, 0.5, ""),
        (minutes(-4), None, 0.5, ""),
        (AT - timedelta(milliseconds=900), AT, 0.5, ""),
        (minutes(-4), AT, 0.0, ""),
        (minutes(-4), AT, 0.02, ""),
        (minutes(-4), AT, 1.0, ""),
        (minutes(-4), AT, 0.5, "about 4 minutes left"),
        (minutes(-4), AT, 0.8, "about a minute left"),
        (minutes(-4), AT, 0.9, "less than a minute left"),
        (minutes(-4), AT, 0.05, "about 76 minutes left"),
        (minutes(-4), AT, 0.03, "about 2 hours left"),
        (minutes(-60 * 24), AT, 0.3, "about 2 days left"),
        (minutes(-4), minutes(-2), 0.5, ""),
        (minutes(-4), minutes(-3), 0.1, "about 6 minutes left"),
    ],
)
def test_what_is_left_is_said_in_round_words_or_not_at_all(began, moved, share, words):
    assert words_left(began=began, moved=moved, share=share, at=AT) == words


def test_an_estimate_runs_down_while_one_step_lasts_and_is_never_below_nothing():
    began, moved = minutes(-10), minutes(-5)
    said = [time_left(began=began, moved=moved, share=0.5, at=AT + timedelta(seconds=30 * step)) for step in range(-10, 20)]

    told = [left for left in said if left is not None]
    assert told == sorted(told, reverse=True)
    assert min(told) > timedelta(0)
    assert said[-1] is None


def test_pages_say_it_behind_a_comma_by_the_time_of_the_request():
    class Work:
        began_at, moved_at, share = minutes(-4), AT, 0.5

    page = Template("5 of 10{% left work %}.")
    assert page.render(Context({"work": Work(), "now": AT})) == "5 of 10, about 4 minutes left."
    Work.share = 0.0
    assert page.render(Context({"work": Work(), "now": AT})) == "5 of 10."
    with pytest.raises((LookupError, TemplateSyntaxError), match="needs `now`"):
        page.render(Context({"work": Work()}))
    assert in_words(None) == ""
