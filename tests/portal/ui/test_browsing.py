"""The frame in a real browser: keyboard, palette, theme, live refresh, and the same without script, narrow and on paper."""

import re

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.sessions.models import Session
from django.core import mail
from django.utils import timezone
from playwright.sync_api import expect

from portal.home import inbox
from portal.home.inbox import Item
from portal.ui import doorbell
from portal.ui.markdown import render
from portal.ui.switchboard import CHECK_EVERY
from tests.browser import assert_accessible, overflow_of, transferred, wait_until_live
from tests.pace import SHARED
from tests.portal.access.people import person
from tests.portal.ui.test_words import ATTACKS

pytestmark = pytest.mark.browser

LIMIT = 120 * 1024
"""Bytes of a first visit, with everything that it loads."""
PLANT = """html => {
  window.pwned = 0; window.pwn = () => { window.pwned += 1; };
  const box = document.createElement('div');
  box.setAttribute('hx-disable', ''); box.innerHTML = html;
  document.querySelector('#main').append(box); htmx.process(box);
  box.querySelectorAll('*').forEach(node => node.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})));
}"""
PASSWORD = "correct horse battery staple"


def item(number):
    return Item(
        title=f"Approve number {number}",
        about="Split the worker queue",
        why="You are an approver",
        due_at=timezone.now(),
        href="/help/",
        act="Review",
        key=f"CHG-{number}",
        icon="stamp",
        tone="accent",
    )


@pytest.fixture
def waiting(monkeypatch):
    """What waits in everybody's inbox: a list that the test may change."""
    items = [item(1), item(2)]
    monkeypatch.setattr(inbox, "_providers", [lambda user, at: items])
    return items


def test_signing_in_works_with_the_keyboard_and_tells_mistakes(visit):
    person("Ann", password=PASSWORD)
    page = visit("/account/login/")

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.fill("#id_login", "ann@northwind.example")
    page.fill("#id_password", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".errsum")).to_be_focused()
    assert page.title().startswith("Problem: ")
    assert_accessible(page)

    page.fill("#id_login", "ann@northwind.example")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    expect(page.locator("h1")).to_have_text("Needs you")


def test_the_entrance_is_accessible_with_the_demos_people(visit, settings):
    settings.DEMO, settings.DEMO_PASSWORD = True, PASSWORD
    for name in ("Ann", "Bob", "Uma"):
        person(name, password=PASSWORD)
    page = visit("/account/login/")

    assert_accessible(page)
    page.click("text=Bob")
    page.wait_for_url("**/")
    page.click("[popovertarget=you]")
    expect(page.locator("#you")).to_contain_text("Approver")


ABOUT_ONESELF = [
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/",
    "/account/2fa/webauthn/add/",
    "/account/reauthenticate/",
    "/account/password/change/",
    "/account/logout/",
]
WITH_A_SECOND_FACTOR = [
    "/account/2fa/",
    "/account/2fa/totp/deactivate/",
    "/account/2fa/recovery-codes/",
    "/account/2fa/recovery-codes/generate/",
    "/account/2fa/reauthenticate/",
]


def looked_at(page, site, paths):
    """Each page in turn, in the context that is open."""
    for path in paths:
        page.goto(f"{site}{path}")
        assert page.url == f"{site}{path}"
        assert "oops-code" not in page.content()
        assert_accessible(page)


def test_pages_about_ones_sign_in_are_accessible(visit):
    looked_at(visit("/help/", by=person("Bob", password=PASSWORD)), visit.site, ABOUT_ONESELF)


def test_pages_about_a_second_factor_that_is_there_are_accessible(visit):
    bob = person("Bob", password=PASSWORD)
    TOTP.activate(bob, generate_totp_secret())
    RecoveryCodes.activate(bob)

    looked_at(visit("/help/", by=bob), visit.site, WITH_A_SECOND_FACTOR)


def test_a_forgotten_password_is_replaced_and_its_letter_counts_once(visit):
    person("Bob", password=PASSWORD)
    page = visit("/account/password/reset/")
    page.fill("#id_email", "bob@northwind.example")
    page.get_by_role("button", name="Send me the link").click()
    page.wait_for_url("**/reset/done/")
    link = re.search(r"/account/password/reset/key/\S+", mail.outbox[0].body)[0]

    page.goto(f"{visit.site}{link}")
    expect(page.locator("h1")).to_have_text("Choose a new password")
    assert_accessible(page)
    page.fill("#id_password1", f"{PASSWORD} again")
    page.fill("#id_password2", PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".errsum")).to_be_focused()
    assert_accessible(page)
    page.fill("#id_password1", f"{PASSWORD} again")
    page.fill("#id_password2", f"{PASSWORD} again")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator("h1")).to_have_text("Your password is changed")
    assert_accessible(page)

    page.goto(f"{visit.site}{link}")
    expect(page.locator("h1")).to_have_text("This link no longer works")
    assert_accessible(page)


def test_pages_outside_are_accessible(visit):
    outside = ["/account/password/reset/", "/account/password/reset/done/", "/account/inactive/", "/status/"]
    looked_at(visit("/account/login/"), visit.site, outside)


def test_error_pages_are_accessible_and_lead_on(visit):
    visit.expect_status(404, 403)
    page = visit("/help/", by=person("Ann"))

    for path in ("/nowhere/", "/integrations/"):
        page.goto(f"{visit.site}{path}")
        expect(page.locator(".oops-code")).to_be_visible()
        assert_accessible(page)
        page.click("main a.btn-primary")
        expect(page.locator("h1")).to_have_text("Needs you")


def test_the_palette_is_worked_by_keyboard_alone(visit):
    page = visit("/", by=person("Ann"))

    page.keyboard.press("Control+k")
    expect(page.locator("#palette input")).to_be_focused()
    page.keyboard.type("go help")
    expect(page.locator("#hits")).to_have_text("Go to helpg h")
    expect(page.locator("#palette input")).to_have_attribute("aria-activedescendant", "hit-1")
    assert_accessible(page)
    page.keyboard.press("Enter")

    page.wait_for_url("**/help/")


def test_the_palette_says_when_nothing_is_found_and_closes_with_one_escape(visit):
    page = visit("/", by=person("Ann"))

    page.keyboard.press("/")
    page.keyboard.type("zzzz")
    expect(page.locator("#hits")).to_contain_text("Nothing found")
    assert_accessible(page)
    page.keyboard.press("Escape")

    expect(page.locator("#palette")).to_be_hidden()


def test_rows_are_walked_with_j_and_k_and_pages_reached_with_g(visit, waiting):
    page = visit("/", by=person("Ann"))

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".row-link").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(".row-link").nth(0)).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("h")

    page.wait_for_url("**/help/")


def test_single_keys_can_be_switched_off_and_never_fire_while_typing(visit):
    ann = person("Ann")
    page = visit("/palette/", by=ann)
    page.fill("#f-q", "")
    page.locator("#f-q").press_sequentially("gh?")
    assert page.url.endswith("/palette/")
    expect(page.locator("#keys")).to_be_hidden()

    ann.shortcuts = False
    ann.save()
    page = visit("/", by=ann)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_the_theme_changes_at_once_and_the_server_remembers_it(visit, settings):
    page = visit("/help/", by=person("Ann"))

    page.click("[popovertarget=you]")
    page.click("[data-themes] button[value=dark]")

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    assert [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == settings.THEME_COOKIE_NAME] == ["dark"]


def test_the_theme_and_the_pages_work_without_script(visit, waiting):
    page = visit("/", by=person("Ann"), script=False)

    assert page.locator(".row-link").count() == 2
    page.click("[popovertarget=you]")
    page.click("[data-themes] button[value=dark]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.click(".searchbtn")
    page.fill("#f-q", "help")
    page.keyboard.press("Enter")
    page.click("main .row-link")

    expect(page).to_have_url(re.compile("/help/$"))
    page.click("[popovertarget=you]")
    page.click("text=Sign out")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_the_bell_refreshes_the_inbox_and_keeps_the_focus(visit, waiting):
    page = visit("/", by=person("Ann"))
    wait_until_live(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".nav .n[hx-get='/inbox/count/']")).to_contain_text("2")

    waiting.insert(0, item(0))
    doorbell.ring("inbox")

    expect(page.locator(".row-link")).to_have_count(3)
    expect(page.locator(".nav .n[hx-get='/inbox/count/']")).to_contain_text("3")
    assert page.evaluate("document.activeElement.textContent") == "Approve number 2"


def test_a_stream_ends_with_the_session_and_the_page_says_so(visit, waiting):
    visit.expect_status(401)
    page = visit("/", by=person("Ann"))
    wait_until_live(page)

    Session.objects.all().delete()

    expect(page.locator("#toasts")).to_contain_text("You are signed out", timeout=2000 * CHECK_EVERY * SHARED)
    expect(page.locator(".top .live")).to_have_text("Reconnecting, may be out of date")
    page.evaluate("htmx.trigger(document.body, 'portal:tick')")
    expect(page.locator("#problem")).to_contain_text("What you typed is still on this page.")
    expect(page.locator(".row-link")).to_have_count(2)


def test_pages_reflow_at_320_pixels(visit, waiting):
    visit.expect_status(404)
    page = visit("/", by=person("Ann", password=PASSWORD), width=320)

    for path in ("/", "/help/", "/gallery/", "/palette/", "/account/2fa/", "/nowhere/"):
        page.goto(f"{visit.site}{path}")
        assert overflow_of(page) <= 0, path


def test_targets_are_at_least_24_pixels(visit, waiting):
    page = visit("/gallery/", by=person("Ann"))

    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert small_targets(page) == [], f"at {width} px"


def small_targets(page):
    return page.evaluate(
        """[...document.querySelectorAll('a,button,input,summary,select')].filter(node => {
          const box = node.getBoundingClientRect();
          const inText = getComputedStyle(node).display === 'inline' || node.closest('label,.skip');
          return box.width && (box.width < 24 || box.height < 24) && !inText;
        }).map(node => node.outerHTML.slice(0, 120))"""
    )


def test_paper_is_light_for_people_with_a_dark_theme_and_has_no_frame(visit):
    page = visit("/gallery/", by=person("Ann"), theme="dark")

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator(".nav")).to_be_hidden()
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator("footer.printonly")).to_be_visible()


def test_a_first_visit_stays_small(visit, waiting):
    page = visit("/account/login/")
    entrance = transferred(page, page.url)

    page = visit("/", by=person("Ann"))
    inside = transferred(page, page.url)

    print(f"first visit: entrance {entrance:,} bytes, inbox {inside:,} bytes")
    assert max(entrance, inside) <= LIMIT


def test_nothing_is_kept_in_the_browsers_storage(visit, waiting):
    page = visit("/", by=person("Ann"))
    page.click("text=Help >> nth=0")

    kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert set(kept) <= {"htmx-current-path-for-history"}


def test_markdown_of_attackers_does_nothing_in_a_browser_with_htmx(visit):
    page = visit("/help/", by=person("Ann"))
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    for text in ATTACKS:
        page.evaluate(PLANT, render(text))
        page.wait_for_timeout(40)
        assert page.evaluate("window.pwned") == 0, text

    assert [url for url in asked if not url.split("?")[0].endswith(("/live/", "/inbox/count/", ".svg"))] == []


def test_htmx_does_not_look_into_untrusted_markup_even_if_it_got_through(visit):
    page = visit("/help/", by=person("Ann"))
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.evaluate(PLANT, "<b hx-get='/theme/' hx-trigger='load'>x</b><b data-hx-get='/theme/' data-hx-trigger='load'>y</b>")
    page.wait_for_timeout(200)

    assert [url for url in asked if "/theme/" in url] == []
