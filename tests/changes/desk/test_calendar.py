"""The calendar, freezes, feeds and the page of the deploy gate: what they show, to whom, and what their buttons do."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from changes.calendar import actions
from changes.calendar.entries import Entry, Wanted, entries_of, provider
from changes.calendar.facts import Span
from changes.delivery.models import Release, Repository
from portal.access.models import User
from tests.audits.engagements.opened import admitted
from tests.changes.desk.calendars import HOUR, WEB, frozen, proposed, released, soon, text
from tests.changes.people import person, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
CALENDAR = "/changes/?view=calendar"


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def ann():
    return person("Ann")


@pytest.fixture
def repository(at):
    return Repository.objects.create(name=WEB, in_scope_from=at)


# The calendar


@pytest.mark.parametrize("shape", ["", "month", "week", "agenda"])
def test_every_shape_shows_windows_freezes_and_releases(client, ann, repository, at, shape):
    change = proposed(ann, at)
    actions.plan(change=change, environment="production", span=soon(at, 0, 1), by=ann, at=at)
    frozen(at, level="soft")
    released(repository, at)
    sign_in(client, ann)

    page = text(client.get(f"{CALENDAR}&shape={shape}"))

    for words in ("CHG-1001 Split the queue", "Soft freeze: End of year", "web-prod v7 to production"):
        assert words in page
    assert ('<table class="cal"' in page) == (shape in ("", "month"))
    assert ('class="cal-agenda"' in page) == (shape in ("", "agenda"))
    assert ('class="cal-week"' in page) == (shape == "week")
    assert ("cal-auto" in page) == (shape == "")


def test_a_conflict_is_marked_on_both_windows(client, ann, repository, at):
    first, second = proposed(ann, at), proposed(ann, at, "Drop the table")
    for change in (first, second):
        actions.plan(change=change, environment="production", span=soon(at, 0, 1), by=ann, at=at)
    sign_in(client, ann)

    page = text(client.get(f"{CALENDAR}&shape=agenda"))

    assert "2 conflicts" in page
    assert "CHG-1002 Drop the table is planned for the same time and touches acme/web." in page
    assert "CHG-1001 Split the queue is planned for the same time and touches acme/web." in page


def test_filters_leave_out_other_environments_and_repositories(client, ann, repository, at):
    change = proposed(ann, at)
    other = proposed(ann, at, "Elsewhere", ("acme/api",))
    actions.plan(change=change, environment="staging", span=soon(at, 0, 1), by=ann, at=at)
    actions.plan(change=other, environment="production", span=soon(at, 0, 1), by=ann, at=at)
    sign_in(client, ann)

    def shown(query):
        page = text(client.get(f"{CALENDAR}&shape=agenda&{query}"))
        return "Split the queue" in page, "Elsewhere" in page

    assert shown("") == (True, True)
    assert shown("environment=production") == (False, True)
    assert shown("repository=acme/web") == (True, False)
    assert shown("environment=moon&repository=%00") == (True, True)


@pytest.mark.parametrize(
    "query",
    [
        "on=yesterday",
        "on=0001-01-01",
        "on=9999-12-31",
        "shape=circle",
        "days=0",
        "days=x",
        "days=9999999999",
        "shape=agenda&days=0092999999",
    ],
)
def test_an_address_that_means_nothing_shows_the_calendar_all_the_same(client, ann, query):
    sign_in(client, ann)

    assert client.get(f"{CALENDAR}&{query}").status_code == 200


def test_days_are_those_of_the_readers_zone(client, ann, at):
    change = proposed(ann, at)
    evening = (at + timedelta(days=3)).replace(hour=23, minute=30, second=0, microsecond=0)
    actions.plan(change=change, environment="production", span=Span(evening, evening + HOUR), by=ann, at=at)
    User.objects.filter(pk=ann.pk).update(time_zone="Asia/Tokyo")
    day = evening.astimezone(ZoneInfo("Asia/Tokyo")).date()
    sign_in(client, User.objects.get(pk=ann.pk))

    page = text(client.get(f"{CALENDAR}&shape=agenda&days=1&on={day}"))

    assert "08:30 to 09:30" in page
    assert "the zone Asia/Tokyo" in page
    assert "Split the queue" not in text(client.get(f"{CALENDAR}&shape=agenda&days=1&on={evening.date()}"))


def test_a_piece_comes_without_what_stands_around_it(client, ann):
    sign_in(client, ann)

    piece = client.get(CALENDAR, headers={"HX-Request": "true"})

    assert b"<html" not in piece.content
    assert b'class="heat"' not in piece.content
    assert b'id="calendar-now"' in piece.content


def test_the_calendar_asks_few_queries_whatever_stands_on_it(client, ann, repository, at, django_assert_max_num_queries):
    for number in range(6):
        change = proposed(ann, at, f"Change {number}")
        actions.plan(change=change, environment="production", span=soon(at, number, 2), by=ann, at=at)
        released(repository, at - number * HOUR, version=number)
    frozen(at)
    sign_in(client, ann)
    client.get(CALENDAR)

    with django_assert_max_num_queries(18):
        client.get(CALENDAR)


def test_meetings_join_by_a_provider(at, monkeypatch):
    monkeypatch.setattr("changes.calendar.entries._providers", [])
    meeting = Entry("meeting", soon(at), "Architecture meeting 31", "/meetings/31/", "meeting-31", at)

    @provider("meeting")
    def meetings(wanted):
        return [meeting] if wanted.span.overlaps(meeting.span) else []

    provider("meeting")(meetings)

    assert entries_of(wanted=Wanted(soon(at))) == [meeting]
    assert entries_of(wanted=Wanted(soon(at), kinds=frozenset({"window"}))) == []
    with pytest.raises(ValueError, match="no kind of entry"):
        provider("party")


def test_what_the_forge_and_fly_both_told_stands_once(client, ann, repository, at):
    released(repository, at)
    Release.objects.create(
        repository=repository,
        source="github",
        vendor_id="9",
        environment="production",
        commit_sha="c" * 40,
        state="succeeded",
        created_at=at,
        reported_at=at,
    )

    found = entries_of(wanted=Wanted(Span(at - HOUR, at + HOUR)))

    assert [entry.title for entry in found] == ["web-prod v7 to production"]


def test_the_heat_map_counts_releases_and_rings_emergencies(client, ann, repository, at):
    for number in range(3):
        released(repository, at, version=number)
    sign_in(client, ann)

    page = text(client.get(CALENDAR))

    today = at.date()
    assert "3 releases to production in 26 weeks; most on" in page
    assert '<td class="hm-3"><a href="?view=calendar&amp;shape=agenda&amp;days=1&amp;environment=production&amp;on=' in page
    assert f"3 releases on {today:%a %-d %b %Y}" in page


def test_an_auditor_sees_only_the_scope_of_the_engagement(client, ann, at):
    uma, _ = admitted(repositories=[WEB])
    for title, name in (("Inside", WEB), ("Outside", "acme/secret")):
        change = proposed(ann, at, title, (name,))
        actions.plan(change=change, environment="production", span=soon(at, 0, 1), by=ann, at=at)
    frozen(at, name="Of web", repositories=[WEB])
    frozen(at, name="Of the other", repositories=["acme/secret"])
    sign_in(client, uma)

    page, freezes = text(client.get(f"{CALENDAR}&shape=agenda")), text(client.get(reverse("freezes")))

    assert ("Inside" in page, "Outside" in page, "Of web" in page, "Of the other" in page) == (True, False, True, False)
    assert ("Of web" in freezes, "Of the other" in freezes) == (True, False)
    assert "Subscribe" not in page
    assert "<form" not in freezes.partition("<main")[2].partition("</main>")[0]
