"""The pages of meetings: who sees and does what, without script; what is typed wrong comes back with its reason."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from icalendar import Calendar

from changes.delivery.models import Repository
from changes.desk.meetings.shapes import veiled
from changes.exceptions.models import ExceptionRecord
from changes.meetings import actions, agenda, keeping
from changes.meetings.models import AgendaItem, Meeting, PreRead, Seat, Series
from changes.meetings.queries import Agenda, Line
from changes.meetings.rules import fortnightly
from changes.meetings.syncing import keep_in_step, next_meeting
from portal.access.scope import EVERYTHING, Scope
from portal.home.inbox import items_for
from tests.audits.engagements.opened import admitted
from tests.changes.desk.calendars import text
from tests.changes.meetings.situations import DAY, become, board, large, numbered, somebody, titles
from tests.changes.people import sign_in
from tests.database import lifted
from tests.portal.access.people import LONG_AGO

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def meeting(at):
    """The next of a series whose first meeting is in five days."""
    first = (at + 5 * DAY).date()
    board(at=at, starts_on=first, rule=fortnightly(starts_on=first))
    return numbered(1)


def put(meeting, title="Our log format", by="Ann", **values):
    given = {"note": "", "minutes": 10, "key": title} | values
    return agenda.put_point(meeting=meeting, title=title, by=somebody(by), at=timezone.now(), **given)


def needs(name, at):
    return [(item.title, item.href) for item in items_for(user=somebody(name), at=at) if "/meetings/" in item.href]


def test_meetings_are_for_people_who_signed_in(client, meeting):
    for path in ("/meetings/", "/meetings/1/", f"/meetings/series/{meeting.series_id}/", "/meetings/1/meeting.ics"):
        assert client.get(path).status_code == 302


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Mia", "Rex"])
def test_everybody_reads_the_pages(client, meeting, name):
    sign_in(client, somebody(name))

    assert "6 points" not in text(client.get("/meetings/"))
    page = text(client.get("/meetings/1/"))
    assert "0 of 60 min" in page
    assert "Nothing to discuss" in page
    assert "2 of 3 voters" in page
    series = text(client.get(f"/meetings/series/{meeting.series_id}/"))
    assert "every two weeks" in series.lower()
    assert series.count("/meetings/") >= 4


def test_a_portal_without_a_series_says_what_to_do(client):
    sign_in(client, somebody("Cleo"))
    assert "Make a series" in text(client.get("/meetings/"))
    client.logout()
    sign_in(client, somebody("Ann"))
    page = text(client.get("/meetings/"))
    assert "No series yet" in page
    assert "Make a series" not in page


def given(at, **values):
    base = {
        "name": "Architecture meeting",
        "starts_on": (at + 3 * DAY).date().isoformat(),
        "time": "10:00",
        "zone": "Europe/Berlin",
        "every": "2",
        "minutes": "60",
        "holidays": "2030-12-25\n\n2030-01-01\n",
    }
    return base | values


def test_the_chair_makes_a_series_with_its_voters(client, at):
    dev, eli = somebody("Dev"), somebody("Eli", "architect")
    sign_in(client, somebody("Cleo"))
    assert client.get("/meetings/series/new/").status_code == 200

    answer = client.post("/meetings/series/new/", given(at, voters=[dev.pk, eli.pk]))

    series = Series.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/meetings/series/{series.pk}/")
    assert series.holidays == ["2030-01-01", "2030-12-25"]
    assert Meeting.objects.count() == 6
    assert [seat.part for seat in Seat.objects.order_by("pk")] == ["chair", "voter", "voter"]
    second = client.post("/meetings/series/new/", given(at))
    assert second.status_code == 422
    assert "One series stands at a time" in text(second)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": ""}, "Name it, such as"),
        ({"zone": "Mars"}, "There is no such time zone"),
        ({"time": "soon"}, "Write a time"),
        ({"minutes": "1"}, "greater than or equal to 10"),
        ({"holidays": "Christmas"}, "Christmas is no day"),
        ({"every": "own", "rule": "FREQ=SECONDLY"}, "at most once a day"),
        ({"every": "own", "rule": ""}, "semicolons"),
        ({"every": "own", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "no meeting within a year"),
        ({"starts_on": ""}, "Say on which day"),
        ({"every": "7"}, "valid choice"),
    ],
)
def test_a_wrong_series_comes_back_with_its_reason(client, at, values, words):
    sign_in(client, somebody("Cleo"))

    answer = client.post("/meetings/series/new/", given(at, **values))

    assert answer.status_code == 422
    assert words in text(answer)
    assert "<title>Problem: " in text(answer)


def test_the_chair_changes_the_series_and_is_told_when_somebody_was_faster(client, meeting, at):
    sign_in(client, somebody("Cleo"))
    path = f"/meetings/series/{meeting.series_id}/change/"
    form = text(client.get(path))
    assert 'value="Europe/Berlin"' in form
    day = meeting.series.starts_on.isoformat()

    done = client.post(path, given(at, starts_on=day, time="11:00", version="1"), follow=True)
    late = client.post(path, given(at, starts_on=day, time="12:00", version="1"))
    wrong = client.post(path, given(at, starts_on=day, time="", version="2"))

    assert "Meetings 1, 2, 3, 4, 5, 6 moved" in text(done)
    assert (late.status_code, wrong.status_code) == (409, 422)
    same = client.post(path, given(at, starts_on=day, time="11:00", version="2"), follow=True)
    assert "No meeting moved" in text(same)


def test_a_series_with_a_rule_of_its_own_shows_it_in_its_form(client, at):
    board(at=at, rule="FREQ=MONTHLY;BYDAY=1TU", starts_on=at.date())
    sign_in(client, somebody("Cleo"))

    page = text(client.get(f"/meetings/series/{Series.objects.get().pk}/change/"))

    assert 'value="FREQ=MONTHLY;BYDAY=1TU"' in page


def test_seats_are_given_and_ended_with_a_fresh_sign_in(client, meeting):
    zoe, path = somebody("Zoe", "architect"), f"/meetings/series/{meeting.series_id}/seats/"
    sign_in(client, somebody("Cleo"), fresh=False)
    assert "reauthenticate" in client.post(path, {"person": zoe.pk, "part": "voter"}).url
    sign_in(client, somebody("Cleo"))

    assert "Zoe has a seat" in text(client.post(path, {"person": zoe.pk, "part": "voter"}, follow=True))
    refused = client.post(path, {"person": zoe.pk, "part": "deputy"})
    nobody = client.post(path, {"person": "", "part": "voter"})
    seat = Seat.objects.get(person=zoe)
    ended = client.post(f"{path}{seat.pk}/end/", follow=True)

    assert (refused.status_code, nobody.status_code) == (422, 422)
    assert "Zoe may not lead" in text(refused)
    assert "The seat of Zoe has ended" in text(ended)
    assert "Former seats" in text(ended)
    assert client.post(f"{path}{Seat.objects.get(part='chair').pk}/end/").status_code == 422


def test_a_series_ends_with_its_reason(client, meeting):
    sign_in(client, somebody("Cleo"))
    path = f"/meetings/series/{meeting.series_id}/end/"

    assert client.post(path, {"reason": ""}).status_code == 422
    page = text(client.post(path, {"reason": "A new rhythm"}, follow=True))

    assert "The series has ended" in page
    assert "Give a seat" not in page
    assert numbered(1).state == "cancelled"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/meetings/series/new/", "Dev"),
        ("/meetings/1/move/", "Dev"),
        ("/meetings/1/cancel/", "Mia"),
        ("/meetings/1/reason/", "Dev"),
        ("/meetings/1/points/new/", "Rex"),
    ],
)
def test_who_may_not_gets_403(client, meeting, path, name):
    sign_in(client, somebody(name))

    assert client.post(path).status_code == 403


def test_a_point_is_put_and_a_wrong_one_comes_back(client, meeting):
    sign_in(client, somebody("Ann"))
    page = text(client.get("/meetings/1/"))
    key = re.search(r'name="key" value="(\w+)"', page)[1]
    sent = {"title": "Our log format", "note": "One line a request?", "minutes": "20", "key": key}

    first = client.post("/meetings/1/points/new/", sent)
    second = client.post("/meetings/1/points/new/", sent)
    wrong = client.post("/meetings/1/points/new/", {"title": "", "minutes": "x", "note": "kept"})
    page = text(client.get("/meetings/1/"))

    item = AgendaItem.objects.get()
    assert first.url == second.url == f"/meetings/1/#point-{item.pk}"
    assert wrong.status_code == 422
    assert "Say in a few words" in text(wrong)
    assert "kept" in text(wrong)
    assert "20 of 60 min" in page
    assert "put by Ann" in page


def test_a_full_agenda_says_so(client, meeting, at):
    AgendaItem.objects.bulk_create(
        AgendaItem(
            meeting=meeting,
            kind="point",
            key=f"p{n}",
            title=f"P{n}",
            position=n,
            put_at=at,
            waiting_since=at,
            put_by=somebody("Ann"),
        )
        for n in range(200)
    )
    sign_in(client, somebody("Ann"))

    answer = client.post("/meetings/1/points/new/", {"title": "One more", "minutes": "5"})

    assert answer.status_code == 422
    assert "at most 200 points" in text(answer)


def test_reading_is_marked_by_buttons_with_and_without_script(client, meeting):
    first, second = put(meeting, "One"), put(meeting, "Two")
    sign_in(client, somebody("Dev"))
    assert "2 of 2 unread by you" in text(client.get("/meetings/1/"))

    plain = client.post("/meetings/1/points/", {"act": f"read:{first.pk}"})
    piece = client.post("/meetings/1/points/", {"act": f"read:{second.pk}"}, headers={"HX-Request": "true"})

    assert plain.url == f"/meetings/1/#point-{first.pk}"
    assert "You have read all of them" in text(piece)
    assert "<html" not in text(piece)
    assert PreRead.objects.count() == 2
    client.post("/meetings/1/points/", {"act": f"unread:{second.pk}"})
    assert "1 of 2 unread by you" in text(client.get("/meetings/1/agenda/", headers={"HX-Request": "true"}))


def test_the_chair_orders_and_nobody_else(client, meeting):
    put(meeting, "One")
    two = put(meeting, "Two")
    sign_in(client, somebody("Cleo"))

    assert client.post("/meetings/1/points/", {"act": f"up:{two.pk}"}).status_code == 302
    assert titles(meeting) == ["Two", "One"]
    assert client.post("/meetings/1/points/", {"act": f"down:{two.pk}"}).status_code == 302
    assert client.post("/meetings/1/points/", {"act": f"sideways:{two.pk}"}).status_code == 409
    assert client.post("/meetings/1/points/", {"act": "up:99999"}).status_code == 404
    assert client.post("/meetings/1/points/", {}).status_code == 404
    sign_in(client, somebody("Dev"))
    assert client.post("/meetings/1/points/", {"act": f"up:{two.pk}"}).status_code == 403
    assert titles(meeting) == ["One", "Two"]
    assert 'value="up:' not in text(client.get("/meetings/1/"))


def test_the_chair_plans_folds_and_takes_off(client, meeting):
    item = put(meeting, "One")
    sign_in(client, somebody("Cleo"))
    path = f"/meetings/1/points/{item.pk}/"
    assert "How long" not in text(client.get(path))

    assert client.post(path, {"minutes": "0"}).status_code == 422
    client.post(path, {"minutes": "25", "folded": "on"})
    page = text(client.get("/meetings/1/"))
    assert "Waiting folded" in page
    assert "0 of 60 min" in page
    client.post(path, {"minutes": "25"})
    assert "25 of 60 min" in text(client.get("/meetings/1/"))
    assert client.post(f"{path}off/", {"reason": ""}).status_code == 422
    done = text(client.post(f"{path}off/", {"reason": "Settled by mail"}, follow=True))

    assert "Taken off" in done
    assert "Settled by mail" in done
    assert "waits on no planned agenda" in text(client.get(path))


def test_who_put_a_point_takes_it_off_and_others_read_that_they_may_not(client, meeting):
    item = put(meeting, "One")
    path = f"/meetings/1/points/{item.pk}/"
    sign_in(client, somebody("Dev"))
    assert "Take it off this agenda" not in text(client.get(path))
    assert client.post(path, {"minutes": "25"}).status_code == 403
    sign_in(client, somebody("Ann"))
    assert "Take it off this agenda" in text(client.get(path))

    client.post(f"{path}off/", {"reason": "Not needed"})

    assert titles(meeting, "dropped") == ["One"]


def test_a_meeting_is_moved_by_the_clocks_of_its_series(client, meeting):
    sign_in(client, somebody("Cleo"))
    day = (meeting.planned_at + DAY).date()

    wrong = client.post("/meetings/1/move/", {"to": "", "reason": "", "version": "1"})
    nowhere = client.post("/meetings/1/move/", {"to": "2027-03-28T02:30", "reason": "x", "version": "1"})
    past = client.post("/meetings/1/move/", {"to": "2026-01-01T10:00", "reason": "x", "version": "1"})
    done = client.post("/meetings/1/move/", {"to": f"{day}T14:00", "reason": "The room is taken", "version": "1"}, follow=True)

    assert [answer.status_code for answer in (wrong, nowhere, past)] == [422, 422, 422]
    assert "does not exist in Europe/Berlin" in text(nowhere)
    assert "This moment is over" in text(past)
    assert "The room is taken" in text(done)
    assert f"{day:%-d %B %Y}, 14:00 to 15:00 Europe/Berlin" in text(done)
    assert client.post("/meetings/1/move/", {"to": f"{day}T15:00", "reason": "x", "version": "1"}).status_code == 409


def test_a_meeting_is_cancelled_and_its_points_go_on(client, meeting):
    put(meeting, "One")
    sign_in(client, somebody("Cleo"))

    assert client.post("/meetings/1/cancel/", {"reason": "", "version": "1"}).status_code == 422
    page = text(client.post("/meetings/1/cancel/", {"reason": "Nobody is there", "version": "1"}, follow=True))
    client.get("/meetings/")

    assert "Nobody is there" in page
    assert "Put a point" not in page
    assert titles(numbered(2)) == ["One"]
    assert "Cancelled" in text(client.get("/meetings/"))


def test_the_reason_of_a_missed_meeting_is_given_on_its_page(client, meeting):
    late = meeting.planned_at + 2 * DAY
    keeping.keep(at=late)
    assert needs("Cleo", late)[0] == ("Give the reason for a missed meeting", "/meetings/1/#reason")
    sign_in(client, somebody("Dev"))
    assert "Give the reason" not in text(client.get("/meetings/1/"))
    sign_in(client, somebody("Cleo"))
    assert "Give the reason" in text(client.get("/meetings/1/"))

    assert client.post("/meetings/1/reason/", {"reason": " "}).status_code == 422
    page = text(client.post("/meetings/1/reason/", {"reason": "All were ill"}, follow=True))

    assert "All were ill" in page
    assert "Explained" in page
    assert "Give the reason" not in page
    assert ExceptionRecord.objects.get().state == "explained"
    assert not any("reason" in title for title, _ in needs("Cleo", late))


def test_inboxes_ask_the_chair_to_shorten_and_voters_to_read(meeting, at):
    item = put(meeting, "One", minutes=50)
    put(meeting, "Two", minutes=25)
    day = f"{meeting.planned_at:%A}"

    assert needs("Cleo", at) == [("Read 2 points before " + day, "/meetings/1/"), ("Shorten the agenda", "/meetings/1/")]
    agenda.mark_read(item=item, by=somebody("Dev"), at=at)
    assert needs("Dev", at) == [("Read 1 point before " + day, "/meetings/1/")]
    assert needs("Ann", at) == []
    assert needs("Dev", at - 3 * DAY) == []


def test_the_list_shows_free_minutes_and_what_is_over(client, meeting):
    put(meeting, "One", minutes=75)
    sign_in(client, somebody("Dev"))

    page = text(client.get("/meetings/"))

    assert "75 of 60 min" in page
    assert "15 too many" in page
    assert "0 of 60 min, 60 free" in page
    assert "1 point unread by you" in page
    assert "<html" not in text(client.get("/meetings/", headers={"HX-Request": "true"}))


def test_a_meeting_is_a_file_for_calendar_programs(client, meeting):
    sign_in(client, somebody("Dev"))

    answer = client.get("/meetings/1/meeting.ics")

    event = Calendar.from_ical(answer.content).walk("VEVENT")[0]
    assert (str(event["summary"]), event["sequence"], event.decoded("dtstart")) == (
        "Architecture meeting 1",
        0,
        meeting.planned_at.replace(microsecond=0),
    )
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=60)


def test_a_number_that_is_no_meeting_is_not_found(client, meeting):
    sign_in(client, somebody("Dev"))

    for path in ("/meetings/99/", "/meetings/99999999999999/", "/meetings/series/99/", "/meetings/1/points/99/"):
        assert client.get(path).status_code == 404


def test_a_visit_keeps_the_agenda_in_step_and_an_auditors_visit_writes_nothing(client, meeting):
    large()
    uma, _ = admitted()
    sign_in(client, uma)
    page = text(client.get("/meetings/1/"))
    assert "Nothing to discuss" in page
    assert not AgendaItem.objects.exists()
    sign_in(client, somebody("Ann"))

    assert "Split the queue" in text(client.get("/meetings/1/"))
    sign_in(client, uma)
    page = text(client.get("/meetings/1/"))

    assert "Split the queue" in page
    main = page[page.index("<main") :]
    assert "Mark read" not in main
    assert "Put a point" not in main
    assert client.get("/meetings/").status_code == 200
    assert client.get(f"/meetings/series/{meeting.series_id}/").status_code == 200


def test_an_auditor_reads_no_words_about_other_repositories(client, meeting, at):
    mine, other = large("Inside the scope"), large("Outside the scope")
    with lifted(connection, "changes_change"):
        for change, name in ((mine, "acme/web"), (other, "acme/api")):
            Repository.objects.create(name=name, in_scope_from=at - 9 * DAY)
            type(change).objects.filter(pk=change.pk).update(repository_names=[name])
    keep_in_step(meeting=meeting, at=at)
    put(meeting, "A word of our own")
    uma, _ = admitted(repositories=["acme/web"])
    sign_in(client, uma)

    page = text(client.get("/meetings/1/"))

    assert "Inside the scope" in page
    assert "A word of our own" in page
    assert "Outside the scope" not in page
    assert "A point outside of your engagement" in page


@pytest.mark.parametrize(
    ("scope", "hidden"),
    [(EVERYTHING, set()), (Scope(window_from=LONG_AGO), {1}), (Scope(repositories=frozenset({"acme/web"})), {1})],
    ids=["everybody", "an auditor of all", "an auditor of one repository"],
)
def test_findings_are_hidden_from_auditors_for_they_may_be_of_another_audit(scope, hidden):
    kinds = (AgendaItem.Kind.FINDING, AgendaItem.Kind.POINT)
    items = [AgendaItem(pk=pk, kind=kind, key=f"{kind}:{pk}") for pk, kind in enumerate(kinds, start=1)]
    finding, point = (Line(item, item.pk, 0, False, None, False, "") for item in items)

    assert veiled(Agenda(Meeting(), (point, finding), (), ()), scope) == hidden


def test_two_hundred_points_are_shown_with_few_queries(client, meeting, at, django_assert_max_num_queries):
    AgendaItem.objects.bulk_create(
        AgendaItem(
            meeting=meeting,
            kind="point",
            key=f"p{n}",
            title=f"P{n}",
            position=n,
            put_at=at,
            waiting_since=at,
            put_by=somebody("Ann"),
        )
        for n in range(200)
    )
    sign_in(client, somebody("Cleo"))
    client.get("/meetings/1/")

    with django_assert_max_num_queries(21):
        page = text(client.get("/meetings/1/"))

    assert page.count('class="row agenda-row"') == 200


def test_meetings_stand_on_the_calendar_and_in_feeds(client, meeting, at):
    put(meeting, "One")
    actions.cancel(meeting=numbered(2), reason="x", version=1, by=somebody("Cleo"), at=at)
    sign_in(client, somebody("Dev"))

    page = text(client.get(f"/changes/?view=calendar&shape=agenda&on={meeting.planned_at:%Y-%m-%d}&days=20"))

    assert "Architecture meeting 1" in page
    assert "Architecture meeting 2" not in page
    assert "1 point" in page


def test_the_palette_finds_meetings(client, meeting):
    sign_in(client, somebody("Dev"))

    assert "/meetings/1/" in text(client.get("/palette/?q=meeting"))
    assert "/meetings/4/" in text(client.get("/palette/?q=meeting+4"))
    assert "/meetings/4/" not in text(client.get("/palette/?q=meeting+5"))


def test_a_held_meeting_shows_its_points_and_takes_no_more(client, meeting):
    put(meeting, "One")
    become(meeting, "live", started_at=meeting.planned_at)
    AgendaItem.objects.update(state="settled")
    become(meeting, "ended", ended_at=meeting.planned_at, quorate=True, chair=somebody("Cleo"))
    sign_in(client, somebody("Cleo"))

    page = text(client.get("/meetings/1/"))

    assert "Settled" in page
    assert "Put a point" not in page
    assert "led by Cleo" in text(client.get("/meetings/"))
    assert next_meeting(at=meeting.planned_at) == numbered(2)
