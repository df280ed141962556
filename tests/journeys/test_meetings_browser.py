"""Meetings before they begin, in a real browser: read by all, ordered by keyboard, without script, live, on paper and small."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.meetings import agenda, keeping
from changes.meetings.models import AgendaItem, Meeting
from changes.meetings.rules import fortnightly
from tests.audits.engagements.opened import admitted
from tests.browser import NARROW, WIDE, assert_accessible, overflow_of, shoot
from tests.changes.meetings.situations import board, large, numbered, somebody, titles
from tests.journeys.company import LONG_WORD, SCRIPT
from tests.pace import SHARED

pytestmark = pytest.mark.browser
NARROWEST = 320


def looked_at(page):
    """What every page keeps: axe in both themes at both widths, and no sideways scrolling at 320 px."""
    assert_accessible(page, widths=(WIDE, NARROW))
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    assert overflow_of(page) <= 0, f"{page.url} is {overflow_of(page)} px wider than a window of {NARROWEST}"
    assert page.evaluate("window.broken") is None
    page.set_viewport_size({"width": WIDE, "height": 900})


@pytest.fixture
def meeting(site):
    """The next meeting, in five days, with three points; one of them tries to break the page."""
    at = timezone.now()
    first = (at + timedelta(days=5)).date()
    board(at=at, starts_on=first, rule=fortnightly(starts_on=first), place=f"Room {LONG_WORD[:60]}")
    row = numbered(1)
    for number, title in enumerate(("Our log format", f"{SCRIPT} {LONG_WORD}"[:200], "Who is on call")):
        put(row, title, key=str(number), note=SCRIPT if number else "One line a request")
    return row


def put(meeting, title, *, key, note="", minutes=25):
    return agenda.put_point(
        meeting=meeting, title=title, note=note, minutes=minutes, key=key, by=somebody("Ann"), at=timezone.now()
    )


def test_the_pages_are_accessible_for_the_chair_a_voter_and_an_auditor(visit, meeting):
    large()
    item = AgendaItem.objects.order_by("position").first()
    agenda.set_dormant(item=item, dormant=True, by=somebody("Cleo"), at=timezone.now())
    page = visit("/meetings/", by=somebody("Cleo"))
    series = f"/meetings/series/{meeting.series_id}/"
    for path in (
        "/meetings/",
        "/meetings/1/",
        f"/meetings/1/points/{item.pk}/",
        series,
        f"{series}change/",
        "/meetings/series/new/",
    ):
        page.goto(f"{visit.site}{path}")
        looked_at(page)
    shoot(page, "series-form")
    page.goto(f"{visit.site}/meetings/1/")
    page.click("text=Waiting folded")
    page.click("text=Move this meeting")
    page.evaluate("scrollTo(0, 0)")
    looked_at(page)
    shoot(page, "meeting")

    uma, _ = admitted()
    page = visit("/meetings/1/", by=uma)
    looked_at(page)
    expect(page.locator("main form button")).to_have_count(0)


def test_mistakes_are_told_accessibly(visit, meeting):
    visit.expect_status(422)
    page = visit("/meetings/1/", by=somebody("Cleo"))

    page.click("text=Put it on the agenda")
    expect(page.locator(".errsum")).to_be_focused()
    assert page.title().startswith("Problem: ")
    looked_at(page)
    page.click("text=Move this meeting")
    page.click("text=Move it")
    expect(page.locator("#move .errsum")).to_be_focused()
    looked_at(page)


def test_a_missed_meeting_asks_for_its_reason_accessibly(visit, meeting):
    late = meeting.planned_at + timedelta(days=2)
    keeping.keep(at=late)
    page = visit("/meetings/1/", by=somebody("Cleo"))

    looked_at(page)
    page.fill("#reason_reason", "All were ill")
    page.click("text=Give the reason")
    expect(page.locator("#reason")).to_contain_text("Explained")
    looked_at(page)


def test_the_chair_orders_by_keyboard_alone_and_the_focus_stays(visit, meeting):
    page = visit("/meetings/1/", by=somebody("Cleo"))
    last = AgendaItem.objects.get(title="Who is on call")

    page.focus(f"#up-{last.pk}")
    page.keyboard.press("Enter")
    expect(page.locator(f"#point-{last.pk} .agenda-n")).to_have_text("2")
    expect(page.locator(f"#up-{last.pk}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"#point-{last.pk} .agenda-n")).to_have_text("1")
    expect(page.locator(f"#up-{last.pk}")).to_be_focused()

    assert titles(meeting)[0] == "Who is on call"
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/meetings/")


def test_reading_counts_down_at_once_and_others_see_a_new_point_live(visit, meeting):
    page = visit("/meetings/1/", by=somebody("Dev"))
    other = visit("/meetings/1/", by=somebody("Ann"))
    expect(page.locator("#unread")).to_have_text("3 of 3 unread by you.")
    expect(page.locator("[data-live='on']")).to_be_visible()

    page.locator("text=Mark read").first.click()
    expect(page.locator("#unread")).to_have_text("2 of 3 unread by you.")
    other.fill("#point_title", "A word about tests")
    other.click("text=Put it on the agenda")

    expect(page.locator("#agenda")).to_contain_text("A word about tests")
    expect(page.locator("#unread")).to_have_text("3 of 4 unread by you.")


def test_everything_works_without_script(visit, meeting):
    page = visit("/meetings/1/", by=somebody("Cleo"), script=False)
    first = AgendaItem.objects.order_by("position").first()

    page.locator("text=Mark read").first.click()
    expect(page.locator("#unread")).to_contain_text("2 of 3 unread")
    page.click(f"#down-{first.pk}")
    expect(page.locator(f"#point-{first.pk} .agenda-n")).to_have_text("2")
    page.click("text=Cancel this meeting")
    page.fill("#cancel_reason", "Nobody is there")
    page.click("text=Cancel it")

    expect(page.locator("h1 ~ p").last).to_contain_text("Nobody is there")
    assert Meeting.objects.get(number=1).state == "cancelled"


def test_an_agenda_on_paper_has_its_points_and_its_digest_and_no_buttons(visit, meeting):
    page = visit("/meetings/1/", by=somebody("Dev"))

    page.emulate_media(media="print")

    expect(page.locator("footer.printonly")).to_be_visible()
    expect(page.locator("footer.printonly")).to_contain_text("Digest ")
    expect(page.locator("#agenda")).to_contain_text("25 min")
    for selector in ("#put", "#move", "text=Mark read", ".nav", ".agenda-x .iconbtn"):
        for found in page.locator(selector).all():
            expect(found).to_be_hidden()
    shoot(page, "meeting-print")


def test_two_hundred_points_stay_quick(visit, meeting):
    at = timezone.now()
    AgendaItem.objects.bulk_create(
        AgendaItem(
            meeting=meeting,
            kind="point",
            key=f"p{n}",
            title=f"Point {n}",
            position=n,
            put_by=somebody("Ann"),
            put_at=at,
            waiting_since=at,
        )
        for n in range(10, 207)
    )
    page = visit("/meetings/1/", by=somebody("Cleo"))
    item = AgendaItem.objects.get(key="p206")

    expect(page.locator(".agenda-row")).to_have_count(200)
    page.click(f"#up-{item.pk}")
    expect(page.locator(f"#point-{item.pk} .agenda-n")).to_have_text("199", timeout=3000 * SHARED)
    assert_accessible(page, widths=(NARROW,), themes=("light",))
