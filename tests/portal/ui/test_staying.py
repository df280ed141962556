"""The session of an open page: what the page is told of it, the warning before it ends, and signing in again beside the form."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from changes.calendar.models import CalendarFeed
from portal.access.models import User
from portal.access.sessions import IDLE, LONGEST, SEEN
from tests.browser import NARROW, PROOFS, assert_accessible, session_of
from tests.portal.access.people import person

PASSWORD = "correct horse battery staple"
TO_THE_BUTTON = """button => {
  button.setAttribute('formaction', button.form.getAttribute('action'));
  button.form.setAttribute('action', '/me/profile/');
}"""
"""The form goes where its pressed button says: that address is asked about, not the one of the form."""


@pytest.mark.django_db
def test_a_page_is_told_how_its_session_stands_and_asking_alone_keeps_nobody_signed_in(client):
    assert client.get("/account/session/").json() == {"person": None}
    bob, began = person("Bob"), timezone.now()
    client.force_login(bob)

    with time_machine.travel(began, tick=False):
        first = client.get("/account/session/").json()
        assert f'data-person="{bob.pk}" data-left="1800" data-idle' in client.get("/help/").content.decode()
    with time_machine.travel(began + IDLE / 2, tick=False):
        asked = client.get("/account/session/", headers={"X-Unattended": "true"}).json()
        stayed = client.get("/account/session/").json()
    with time_machine.travel(began + IDLE, tick=False):
        later = client.get("/account/session/").json()

    assert (first["person"], first["left"], first["idle"], len(first["token"])) == (str(bob.pk), IDLE.seconds, True, 64)
    assert (asked["left"], stayed["left"], later["left"]) == (IDLE.seconds // 2, IDLE.seconds, IDLE.seconds)
    with time_machine.travel(began + LONGEST, tick=False):
        assert client.get("/account/session/").json() == {"person": None}


@pytest.mark.django_db
def test_a_page_learns_whether_a_form_needs_a_fresher_proof_than_there_is(client):
    client.force_login(person("Bob"))
    stale = client.session

    def prove(path):
        return client.get("/account/session/", {"for": path}).json()["prove"]

    stale[PROOFS] = []
    stale.save()
    asked = {path: prove(path) for path in ("/me/feeds/new/", "/me/profile/", "/nowhere/", "")}
    assert asked == {"/me/feeds/new/": True, "/me/profile/": False, "/nowhere/": False, "": False}


@pytest.mark.django_db
def test_whoever_does_not_end_when_idle_is_told_of_the_twelve_hours(client):
    client.force_login(person("Ann"))

    told = client.get("/account/session/").json()

    assert (told["left"] // 60, told["idle"]) == (LONGEST.seconds // 60 - 1, False) or told["left"] == LONGEST.seconds


def seen_ago(ago):
    """Let nobody have been here for so long, in the only session."""
    store = SessionStore(Session.objects.get().session_key)
    store[SEEN] = (timezone.now() - ago).timestamp()
    store.save()


@pytest.mark.browser
def test_a_session_warns_can_be_kept_and_is_signed_in_to_again_without_losing_the_form(visit):
    bob = person("Bob", password=PASSWORD)
    page = visit("/me/", by=bob)
    page.clock.install()
    page.reload()

    # Nobody is there: the page warns, says how long it takes, and one press is enough.
    seen_ago(IDLE - timedelta(seconds=70))
    page.clock.fast_forward("29:00")
    expect(page.locator("#ending")).to_be_visible()
    expect(page.locator("[data-count]")).to_contain_text("1 min ")
    assert_accessible(page, widths=(NARROW,))
    with page.expect_response("**/account/session/"):
        page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#ending")).to_be_hidden()
    assert SessionStore(Session.objects.get().session_key)[SEEN] > timezone.now().timestamp() - 60

    # The machine slept. What was typed is held until the same person is signed in again, and is sent then.
    page.fill("#id_name", "Bob Stone")
    seen_ago(IDLE + timedelta(minutes=1))
    page.get_by_role("button", name="Save the profile").click()
    again = page.locator("#again")
    expect(again.locator("[name=password]")).to_be_focused()
    expect(again.locator("[name=login]")).to_have_value("bob@northwind.example")
    assert_accessible(page, widths=(NARROW,))
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(again.locator(".errsum")).to_be_focused()
    again.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(again).to_be_hidden()
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert User.objects.get().name == "Bob Stone"


@pytest.mark.browser
def test_what_needs_a_fresh_proof_is_sent_after_it_and_never_for_somebody_else(visit):
    bob, ann = person("Bob", password=PASSWORD), person("Ann", password=PASSWORD)
    page = visit("/me/feeds/", by=bob, fresh=False)
    again = page.locator("#again")
    page.fill("#id_name", "Releases")
    button = page.get_by_role("button", name="Make the feed")
    button.evaluate(TO_THE_BUTTON)

    button.click()
    expect(again.get_by_role("heading", level=2, name="Confirm that it is you")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    again.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("calendar.ics?token=")
    assert [feed.name for feed in CalendarFeed.objects.all()] == ["Releases"]

    page.goto(f"{visit.site}/me/")
    page.fill("#id_name", "Typed by Bob")
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(ann), "url": visit.site}])
    page.get_by_role("button", name="Save the profile").click()
    expect(again).to_contain_text("Somebody else is signed in here now")
    assert sorted(User.objects.values_list("name", flat=True)) == ["Ann", "Bob"]
