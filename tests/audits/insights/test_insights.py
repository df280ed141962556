"""The insights: numbers that can be counted by hand, titles that state the finding, honest empty states, and scope."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audits.insights import delivery, flow, standing
from audits.insights.period import Period
from audits.insights.picture import length, percent
from changes.delivery.models import Repository, Review
from changes.drift.actions import note_compared, record
from changes.drift.facts import Found as Drifted
from changes.drift.facts import Place, Rule
from changes.exceptions.actions import Found, open_exception
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from changes.meetings.models import AgendaItem, Meeting, Series
from changes.outcomes.dora import Deploy, LeadTime, numbers
from changes.proposals.models import Change
from portal.access.scope import EVERYTHING, Scope
from portal.ledger.actions import append
from tests.audits.engagements.opened import admitted
from tests.changes.outcomes.world import in_production, pull, released
from tests.changes.people import person, sign_in
from tests.changes.training.world import publish, trained

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY, HOUR, WEEK = timedelta(days=1), timedelta(hours=1), timedelta(days=7)


def period(weeks=4, scope=EVERYTHING, until=AT):
    return Period(until - weeks * WEEK, until, weeks, scope)


def test_weeks_end_with_the_moment_of_the_page_and_every_moment_has_its_week():
    four = period()

    assert four.mondays == [AT - n * WEEK for n in (4, 3, 2, 1)]
    assert [four.week_of(moment) for moment in (four.since, AT - 3 * WEEK - HOUR, AT - 3 * WEEK, AT - HOUR)] == [0, 0, 1, 3]
    assert four.before == AT - 8 * WEEK


def delivered(deploys, leads, weeks=4):
    both = {"deploys": deploys, "lead_times": [lead.took for lead in leads], "days": 7 * weeks}
    return delivery.Delivered(period(weeks), deploys, leads, numbers(**both), numbers(deploys=[], lead_times=[], days=28))


def deploy(number, ago, *, failed=False, recovered=None, emergency=False):
    at = AT - ago
    return Deploy(number, at, failed, at + recovered if recovered else None, rework=emergency, emergency=emergency)


def lead(number, took):
    return LeadTime(number, AT - DAY - took, AT - DAY)


def test_the_pictures_of_delivery_state_what_they_show_and_lie_on_the_same_rows():
    deploys = [
        deploy(1, 20 * DAY),
        deploy(2, 13 * DAY, failed=True, recovered=HOUR),
        deploy(3, DAY, emergency=True),
        deploy(4, DAY),
    ]
    leads = [lead(number, took) for number, took in enumerate((HOUR / 2, 2 * HOUR, 6 * HOUR, 30 * HOUR, 9 * DAY))]
    found = delivered(deploys, leads)

    columns, spread, fails = delivery.deploys_picture(found), delivery.lead_picture(found), delivery.fail_picture(found)
    by_code = {number.code: number for number in delivery.five(found)}

    assert columns.title == "We deploy about once a week"
    assert (columns.drawing.count("c-bar2"), columns.table.count("<tr>")) == (1, 5)
    assert spread.title == "Half of all changes reach production in 6 h"
    assert spread.words.endswith("1 in 10 takes longer than 9 d.")
    assert "<td>1</td>" in spread.table
    assert [spread.drawing.count(f">{word}<") for word in ("median", "p90")] == [1, 1]
    assert fails.title == "25 % of deploys failed lately, 25 % in all"
    assert by_code["deploys"].line == (0.0, 1.0, 1.0, 2.0)
    assert (by_code["fail-rate"].value, by_code["rework"].value, by_code["recovery"].value) == ("25 %", "25 %", "1 h")
    assert by_code["lead-time"].moved == "nothing to compare with"


@pytest.mark.parametrize(
    ("off", "blind", "title"),
    [
        (0, 0, "All that runs is as Git says"),
        (0, 2, "2 apps were not compared with Git"),
        (1, 2, "1 app runs something Git does not say"),
    ],
)
def test_what_was_not_compared_is_not_said_to_match(off, blind, title):
    assert standing._drift_title(off, blind) == title


@pytest.mark.django_db
def test_drift_is_what_git_does_not_say_and_shown_where_fly_is_in_the_scope():
    observe(source="fly", kinds={"fly.app"}, seen=[Seen("fly.app", "web", "web", environment="production")], at=AT)
    note_compared(source="fly", subject="web", at=AT)
    places = [Place(rule, "fly", "web", "production") for rule in (Rule.PARITY, Rule.SECRETS)]
    record(looked_at=places, found=[Drifted(place, ("Another name.",)) for place in places], at=AT)

    drift = standing.drift_table(Scope(systems=frozenset({"fly"})))

    assert (drift.title, [cell.word for cell in drift.rows[0][1]]) == (
        "All that runs is as Git says",
        ["not used", "not used", "matches"],
    )
    assert standing.drift_table(Scope(systems=frozenset({"git"}))) is None


def test_less_than_two_weeks_of_deploys_say_so_and_draw_nothing():
    found = delivered([deploy(1, 13 * DAY)], [lead(1, HOUR)])

    for picture in (delivery.deploys_picture(found), delivery.lead_picture(found), delivery.fail_picture(found)):
        assert (picture.missing, str(picture.drawing)) == ("Needs 2 weeks of deploys to production.", "")


@pytest.mark.parametrize(("share", "place"), [(0.5, 4), (0.9, 8), (0.91, 9), (1.0, 9), (0.0, 0)])
def test_the_ninth_of_ten_is_a_time_that_was_measured(share, place):
    times = [timedelta(hours=number) for number in range(10)]

    assert delivery.at_share(times, share) == times[place]
    assert (length(None), percent(None), percent(0.05), percent(0.12)) == ("–", "–", "5.0 %", "12 %")


def test_a_change_waits_from_the_latest_moment_before_and_never_less_than_nothing():
    moments = {"opened": AT, "reviewed": AT + HOUR, "main": AT + 3 * HOUR, "approved": AT + 2 * HOUR, "prod": AT + 4 * HOUR}

    assert list(flow.waits_in(moments)) == [
        ("reviewed", HOUR),
        ("main", 2 * HOUR),
        ("approved", timedelta(0)),
        ("prod", HOUR),
    ]
    assert list(flow.waits_in({})) == []


@pytest.mark.django_db(transaction=True)
def test_the_page_shows_every_picture_from_records_and_only_those_of_an_engagement(client):
    ann, mia, now = person("Ann"), person("Mia"), timezone.now()
    merged = pull(1, merge="a", at=now - 20 * DAY)
    change = in_production(ann, merged)
    Change.objects.filter(pk=change.pk).update(released_at=now - 20 * DAY + HOUR, opened_at=now - 21 * DAY)
    Repository.objects.update(in_scope_from=now - 30 * DAY, mirrored_at=now)
    Review.objects.create(
        pull_request=merged, vendor_id=1, state="approved", submitted_at=now - 20 * DAY - HOUR / 2, reported_at=now
    )
    for number, letter in enumerate("abc", start=1):
        released(letter, number, at=now - (21 - 5 * number) * DAY)
    other = pull(9, merge="z", at=now - DAY, repo="acme/secret")
    open_exception(
        repository=other.repository, found=Found("no_review", "#9", "secret:no_review", "No.", now, True), at=now - 3 * DAY
    )
    publish(by=mia, at=now - 90 * DAY)
    observe(source="fly", kinds={"fly.app"}, seen=[Seen("fly.app", "web-prod", "web-prod", "production")], at=now)
    note_compared(source="fly", subject="web-prod", at=now)
    place = Place(Rule.ENV, "fly", "web-prod", "production")
    record(looked_at=[place], found=[Drifted(place, ("Only in Fly: X",))], at=now)

    sign_in(client, ann)
    page = client.get("/insights/?weeks=26").content.decode()
    rows = client.get("/insights/deploys/?weeks=26").content.decode()
    lead_rows = client.get("/insights/lead-time/").content.decode()

    for words in (
        "We deploy about less than once a week",
        "Half of all changes reach production in",
        "Changes wait longest for: ",
        "2 of 3 releases belong to no change",
        "1 open exception, none older than 30 days",
        "still need",
        "1 app runs something Git does not say",
        "Needs a meeting that was held.",
        "Needs a week that is over.",
    ):
        assert words in page, words
    assert page.count('role="img" aria-labelledby') == 3
    assert (rows.count("/deploys/"), "1–3 of 3" in rows) == (rows.count("/deploys/"), True)
    assert f"/changes/{change.number}/" in lead_rows
    assert client.get("/insights/nothing/").status_code == 404
    uma, _ = admitted(repositories=["acme/other"])
    auditor = Client()
    auditor.force_login(uma)
    seen = auditor.get("/insights/").content.decode()
    assert "Nothing was deployed yet" in seen
    assert "No exception is open" in seen
    assert "your engagement has its own runs" in seen
    assert "No rows" in auditor.get("/insights/deploys/").content.decode()


@pytest.mark.django_db
def test_meetings_training_and_exceptions_are_counted():
    mia = person("Mia")
    assert standing.training_picture(at=AT).missing
    course = publish(by=mia, at=AT - DAY)
    trained(course, by=mia, at=AT - DAY + HOUR)
    person("Ann")
    series = Series.objects.create(
        name="A", rule="FREQ=WEEKLY", starts_on=AT.date(), time=AT.time(), zone="UTC", made_by=mia, made_at=AT
    )
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[series])
    meeting = Meeting.objects.create(series=series, number=1, planned_at=AT - WEEK, changed_at=AT)
    for minutes in (20, 25):
        AgendaItem.objects.create(
            meeting=meeting,
            kind="point",
            key=f"point:{minutes}",
            title="x",
            minutes=minutes,
            position=minutes,
            put_at=AT,
            waiting_since=AT,
        )
    for step in ("live", "ended"):
        Meeting.objects.filter(pk=meeting.pk).update(state=step, started_at=AT - WEEK, ended_at=AT - WEEK + HOUR, quorate=True)
    append(stream="test", kind="test.made", actor="portal", fact={}, rows=[meeting])
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)
    for days in (1, 5, 20, 40):
        found = Found("no_review", f"#{days}", f"x{days}:no_review", "No.", AT - days * DAY, True)
        open_exception(repository=repository, found=found, at=AT - days * DAY)

    training, minutes = standing.training_picture(at=AT), standing.meetings_picture(period())
    ages = standing.exceptions_picture(EVERYTHING, at=AT)

    assert ("Compliance manager", "1 of 1") in [(bar.label, bar.words) for bar in training.bars]
    assert [(bar.words, bar.tone) for bar in minutes.bars] == [("60 of 45 minutes", "warn")]
    assert minutes.title == "1 of 1 meeting took longer than planned"
    assert [bar.value for bar in ages.bars] == [1, 1, 1, 1]
    assert ages.title == "4 open exceptions, 1 older than 30 days"
    assert standing.exceptions_picture(Scope(frozenset({"acme/other"})), at=AT).title == "No exception is open"
