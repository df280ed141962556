"""Calendar, freezes, feeds and the page of the deploy gate in a real browser: both themes, small, on paper, without script."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from changes.calendar import actions, overriding
from changes.calendar.facts import Span
from changes.delivery.models import Release, Repository
from changes.exceptions.asking import ask_gate
from changes.gates import modes
from tests.browser import NARROW, WIDE, assert_accessible, overflow_of, shoot
from tests.changes.desk.calendars import proposed, released
from tests.journeys.company import LONG_WORD, SCRIPT, founded
from tests.journeys.forge import NAME

pytestmark = pytest.mark.browser
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALENDAR = "/changes/?view=calendar"


@pytest.fixture
def planned(site):
    """Windows in conflict, freezes of both kinds, releases and a rollback, hostile names, answers of the gate."""
    company, at = founded(site), timezone.now()
    people, repository = company.people, Repository.objects.get(name=NAME)
    first = proposed(people["Ann"], at, f"Pay \u202eeciovni\u202c later {SCRIPT} {LONG_WORD}", (NAME,))
    second = proposed(people["Ann"], at, "Drop the table", (NAME,))
    for change in (first, second):
        actions.plan(change=change, environment="production", span=Span(at + HOUR, at + 3 * HOUR), by=people["Ann"], at=at)
    given = {
        "environments": ["production"],
        "repositories": [],
        "apps": [],
        "reason": f"Rest {LONG_WORD}",
        "by": people["Cleo"],
        "at": at,
    }
    hard = actions.set_freeze(name=f"End of year {SCRIPT}", level="hard", span=Span(at, at + 5 * DAY), **given)
    actions.set_freeze(name="Sale", level="soft", span=Span(at + 6 * DAY, at + 8 * DAY), **given)
    for number in range(5):
        released(repository, at - number * DAY, version=number)
    last = Release.objects.latest("id")
    released(repository, at - HOUR, version=9, rolls_back=last)
    overriding.ask_override(change=first, freeze=hard, reason="Customers cannot pay", by=people["Bob"], at=at)
    for commit in ("abcdef1", "c" * 12, SCRIPT):
        ask_gate(repository=NAME, commit=commit, environment="production", by=people["Ann"], token=None, at=at)
    row = modes.ask_to_open(
        repository=repository, environment="staging", until=at + DAY, reason="Fly is away", by=people["Mia"], at=at
    )
    modes.confirm_open(gate_mode=row, digest=row.digest, by=people["Cleo"], at=at)
    modes.ask_to_open(repository=repository, environment="production", until=at + DAY, reason="x", by=people["Mia"], at=at)
    return company, first


def looked_at(page):
    assert_accessible(page)
    page.set_viewport_size({"width": 320, "height": 800})
    assert overflow_of(page) <= 0, f"{page.url} is {overflow_of(page)} px wider than a window of 320"
    page.set_viewport_size({"width": WIDE, "height": 900})
    assert page.evaluate("window.broken") is None


def test_the_calendar_in_every_shape_is_accessible(visit, planned):
    company, _ = planned
    page = visit(CALENDAR, by=company.people["Ann"])
    for shape in ("", "month", "week", "agenda"):
        page.goto(f"{visit.site}{CALENDAR}&shape={shape}")
        looked_at(page)
        shoot(page, f"calendar-{shape or 'auto'}")
    page.set_viewport_size({"width": NARROW, "height": 844})
    page.goto(f"{visit.site}{CALENDAR}")
    shoot(page, "calendar-auto")
    page.goto(f"{visit.site}{CALENDAR}&shape=month")
    shoot(page, "calendar-month")


@pytest.mark.parametrize(("width", "script", "month"), [(WIDE, True, True), (NARROW, True, False), (WIDE, False, False)])
def test_a_wide_window_with_script_shows_the_month_and_everything_else_the_agenda(visit, planned, width, script, month):
    company, _ = planned

    page = visit(CALENDAR, by=company.people["Ann"], width=width, script=script)

    assert page.locator(".cal-month").is_visible() == month
    assert page.locator(".cal-agenda").is_visible() != month


def test_on_paper_the_agenda_stands_in_light_with_the_heat_map(visit, planned):
    company, _ = planned
    page = visit(CALENDAR, by=company.people["Ann"], theme="dark")

    page.emulate_media(media="print")

    assert page.locator(".cal-agenda").is_visible()
    assert not page.locator(".filters").is_visible()
    assert page.locator(".heat").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_months_are_leafed_through_and_filtered_without_a_new_page(visit, planned):
    company, _ = planned
    page = visit(f"{CALENDAR}&shape=agenda", by=company.people["Ann"])
    expect(page.locator("#calendar")).to_contain_text("2 conflicts")

    page.select_option("#f-environment", "staging")
    expect(page.locator("#calendar")).not_to_contain_text("Drop the table")
    assert "environment=staging" in page.url
    page.select_option("#f-environment", "")
    expect(page.locator("#calendar")).to_contain_text("2 conflicts")
    page.click("text=Week")
    expect(page.locator(".cal-week")).to_be_visible()
    page.get_by_role("link", name="Later", exact=True).click()
    page.click("text=Today")
    expect(page.locator(".cal-week")).to_contain_text("Drop the table")


def test_a_day_of_the_heat_map_opens_what_was_released_then(visit, planned):
    company, _ = planned
    page = visit(CALENDAR, by=company.people["Ann"])

    page.locator(".heat a").last.click()

    expect(page.locator(".cal-agenda")).to_contain_text("web-prod")
    expect(page.locator(".cal-agenda section")).to_have_count(1)


def test_the_bell_of_the_calendar_brings_what_others_plan(visit, planned):
    company, change = planned
    page = visit(f"{CALENDAR}&shape=agenda", by=company.people["Mia"])
    expect(page.locator("[data-live=on]")).to_be_attached()

    actions.cancel(change=change, environment="production", by=company.people["Ann"], at=timezone.now())

    expect(page.locator("#calendar")).not_to_contain_text("2 conflicts")


def test_freezes_feeds_and_the_gate_are_accessible(visit, planned):
    company, _ = planned
    page = visit(reverse("freezes"), by=company.people["Cleo"])
    for name in ("freezes", "feeds", "deploy-gate"):
        page.goto(f"{visit.site}{reverse(name)}")
        looked_at(page)
        shoot(page, f"calendar-{name}")


def test_the_schedule_on_the_page_of_a_change_is_accessible_and_tells_mistakes(visit, planned):
    company, change = planned
    visit.expect_status(422)
    page = visit(reverse("change", args=[change.number]), by=company.people["Cleo"])
    looked_at(page)
    expect(page.locator("#schedule")).to_contain_text("Customers cannot pay")
    shoot(page, "calendar-change")

    page.click("#fold-window summary")
    page.fill("#window_starts", "2020-01-01T10:00")
    page.fill("#window_ends", "2020-01-01T09:00")
    page.click("text=Plan this window")

    expect(page.locator("#schedule .errsum")).to_contain_text("The window ends before it begins.")
    assert page.locator("#window_starts").input_value() == "2020-01-01T10:00"
    looked_at(page)


def test_a_feed_is_made_without_script_and_shown_once(visit, planned):
    company, _ = planned
    page = visit(reverse("feeds"), by=company.people["Ann"], script=False)

    page.fill("#id_name", "Phone")
    page.get_by_role("button", name="Make the feed").click()

    address = page.locator("[data-token]").inner_text()
    assert "/calendar.ics?token=csf_" in address
    page.goto(f"{visit.site}{reverse('feeds')}")
    expect(page.locator("main")).to_contain_text("Phone")
    assert address.partition("token=")[2] not in page.content()
