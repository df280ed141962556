"""The desk of the architecture team: each number is the count of its rows, and each opens them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.approvals.conditions import Wanted, fulfil, set_condition
from changes.desk.oversight import clocks
from changes.desk.oversight.trends import Rate, Trend, by_week, emergency_rate, trends
from changes.exceptions.actions import Found, answer, open_exception
from changes.meetings.models import Meeting
from changes.outcomes import actions as outcomes
from changes.outcomes.policy import Wish
from changes.proposals.models import Change
from portal.ui.components.spark import spark
from tests.changes.meetings.situations import asked, board, decided, large, meetings, numbered, somebody
from tests.changes.outcomes.world import in_production, pull, released, repository
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def found(key, at=AT, kind="no_staging"):
    thing = Found(kind, "#7", key, f"{key} happened.", at, True)
    return open_exception(repository=repository(), found=thing, at=at)


def test_decisions_wait_until_one_stands():
    first, second = large("One"), large("Two")
    decided(first)
    decided(second, outcome="rejected")

    number = clocks.waiting_decisions()

    assert (number.count, [row.words for row in number.rows]) == (1, [f"{second} Two"])
    assert number.tone == "warn"


def test_reviews_are_overdue_until_they_are_written():
    ann = person("Ann")
    late, done = in_production(ann, pull(7, merge="a")), in_production(ann, pull(8, merge="b"))
    Change.objects.update(review_due_at=AT, retrospective_due_at=None)
    given = {"kind": "post_implementation", "outcome": "went_well", "impact": "", "note": "", "follow_ups": ()}
    outcomes.review(change=done, by=ann, at=AT, **given)

    retrospectives, reviews = clocks.overdue_reviews(at=AT)

    assert (retrospectives.count, retrospectives.tone) == (0, "ok")
    assert (reviews.count, reviews.rows[0].words, reviews.rows[0].at) == (1, f"{late} Work", AT)


def test_exceptions_are_counted_by_clock_by_age_and_by_answer():
    mia = person("Mia")
    found("new")
    found("week", at=AT - 5 * DAY)
    found("month", at=AT - 20 * DAY)
    found("old", at=AT - 40 * DAY)
    answer(record=found("answered"), outcome="explained", note="x", by=mia, at=AT)

    assert [number.count for number in clocks.exceptions_by_age(at=AT)] == [1, 1, 1, 1]
    assert clocks.overdue_exceptions(at=AT).count == 3
    assert clocks.unjudged().count == 1
    assert clocks.holders() == [("Mia", 4, {"exception": 4})]


def test_conditions_are_overdue_until_they_are_done():
    change, dev = large(), somebody("Dev")
    wanted = Wanted("Load test", dev, "merge", AT + DAY)
    condition = set_condition(change=change, approval=None, wanted=wanted, by=somebody("Cleo"), at=AT)

    before, late = clocks.open_conditions(at=AT), clocks.open_conditions(at=AT + DAY)
    fulfil(condition=condition, note="Done.", by=dev, at=AT + DAY)

    assert (before.count, late.count, late.rows[0].who) == (0, 1, "Dev")
    assert clocks.open_conditions(at=AT + DAY).count == 0


def test_promises_are_overdue_after_their_day():
    ann, bob = person("Ann"), person("Bob")
    change = in_production(ann, pull(7, merge="a"))
    wish = Wish("Add an alarm", bob.pk, AT.date())
    given = {"kind": "post_implementation", "outcome": "went_well", "impact": "", "note": ""}
    outcomes.review(change=change, by=ann, at=AT, follow_ups=[wish], **given)
    meeting = numbered(meetings(board())[0][0])
    asked(meeting)

    assert [number.count for number in clocks.promises(at=AT)] == [0, 0]
    assert [number.count for number in clocks.promises(at=AT + DAY)] == [1, 0]
    assert [number.count for number in clocks.promises(at=AT + 60 * DAY)] == [1, 1]
    assert ("Bob", 1, {"follow-up": 1}) in clocks.holders()


def test_no_waiver_is_no_number():
    assert clocks.waivers(at=AT).count == 0


def test_weeks_are_counted_back_from_now():
    moments = [AT, AT - timedelta(days=6), AT - timedelta(days=7), AT - timedelta(days=84)]

    counted = by_week(moments, at=AT)

    assert (len(counted), counted[-1], counted[-2], sum(counted)) == (12, 2, 1, 3)


def test_a_trend_says_its_finding():
    assert Trend("x", (0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0)).sentence == "3 in the last four weeks, 1 in the four before"
    assert Trend("x", (0,) * 12).sentence == "0 in the last four weeks, as many as in the four before"


def test_trends_and_the_rate_of_emergencies_come_from_the_record():
    ann = person("Ann")
    in_production(ann, pull(7, merge="a"), category="emergency", at=AT)
    in_production(ann, pull(8, merge="b"), at=AT)
    found("x", at=AT)
    released("a", 1, at=AT, state="failed")

    assert [trend.total for trend in trends(at=AT)] == [1, 1, 1]
    assert emergency_rate(at=AT) == Rate(emergencies=1, undeclared=0, changes=2)
    assert (Rate(1, 0, 2).share, Rate(0, 0, 0).share) == (0.5, None)


def test_a_spark_is_drawn_from_two_numbers_on():
    drawn = str(spark([0, 2, 1], "it went up"))

    assert 'aria-label="it went up"' in drawn
    assert drawn.count(",") == 3
    assert str(spark([1], "x")) == ""


@pytest.mark.parametrize(("name", "status"), [("Dev", 200), ("Cleo", 200), ("Mia", 200), ("Ann", 403), ("Uma", 403)])
def test_the_page_is_for_those_who_oversee(client, name, status):
    sign_in(client, person(name))

    assert client.get(reverse("oversight")).status_code in (status, 302 if name == "Uma" else status)


def test_the_page_shows_everything_with_its_rows(client):
    change = large()
    found("something", at=timezone.now() - 40 * DAY)
    board(at=AT)
    sign_in(client, somebody("Dev"))

    page = client.get(reverse("oversight")).content.decode()

    assert f"{change} Split the queue" in page
    assert "something happened." in page
    assert "over 30 days" in page
    assert "minutes are asked for" in page or not Meeting.objects.filter(planned_at__gte=timezone.now()).exists()


def test_the_number_of_questions_does_not_grow(client, django_assert_max_num_queries):
    for number in range(30):
        found(f"x{number}", at=timezone.now() - timedelta(days=number))
    sign_in(client, somebody("Dev"))
    client.get(reverse("oversight"))

    with django_assert_max_num_queries(60):
        client.get(reverse("oversight"))
