"""Forms that send, in a real browser: the pressed button turns, nothing is sent twice, and everything comes back."""

import pytest
from playwright.sync_api import expect

from portal.access.models import User
from tests.pace import SHARED
from tests.portal.access.people import person

pytestmark = pytest.mark.browser

WATCHED = """() => {
  const button = [...document.querySelectorAll('button')].find(one => one.textContent === 'Save the profile');
  window.turned = [];
  new MutationObserver(() => window.turned.push([
    button.getAttribute('aria-busy'), getComputedStyle(button, '::before').animationName, document.activeElement === button,
    button.getAttribute('aria-disabled'),
  ])).observe(button, {attributeFilter: ['aria-busy']});
}"""
"""Notes how the button looks whenever it begins or ends to turn: while a page is on its way the browser answers no questions."""
AGAIN = """() => window.addEventListener('submit', event => setTimeout(() => {
  const busy = () => event.submitter.getAttribute('aria-busy'), before = busy();
  window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
  console.info(`came back: ${before}, ${busy()}`);
}, 500), {once: true})"""
"""As when the page comes back from the browser's memory, a moment after it was sent; says how the button was before and is then."""
STOP = """() => window.addEventListener('submit', event => setTimeout(() => {
  window.stop();
  setTimeout(() => console.info(`stopped: ${event.submitter.getAttribute('aria-busy')}`), 100);
}, 500), {once: true})"""
FILE = {
    "status": 200,
    "body": "a,b",
    "headers": {"Content-Type": "text/csv", "Content-Disposition": 'attachment; filename="a.csv"'},
}


def test_a_form_under_way_turns_rests_sends_once_and_comes_back(visit):
    page = visit("/me/", by=person("Ann"))
    held = []
    page.route("**/me/profile/", lambda route: held.append(route))
    button = page.get_by_role("button", name="Save the profile")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    page.fill("#id_name", "Ann Berg")
    page.evaluate(WATCHED)
    page.clock.install()

    def press(times):
        for _ in range(times):
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(int(200 * SHARED)):
            if held:
                break
            page.wait_for_timeout(25)
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)
        assert len(held) == 1

    def is_back():
        expect(button).not_to_have_attribute("aria-busy", "true")
        expect(button).not_to_have_attribute("aria-disabled", "true")
        turned = page.evaluate("window.turned.splice(0)")
        assert (turned[0], turned[-1]) == (["true", "spin", True, "true"], [None, "none", True, None])

    press(3)
    held.pop().fulfill(status=204)
    page.clock.fast_forward(31_000)
    is_back()
    expect(page.locator("#toasts")).to_contain_text("There is no answer yet")

    page.evaluate("document.querySelector('form[action$=\"/me/profile/\"]').dataset.file = ''")
    press(1)
    held.pop().fulfill(**FILE)
    page.clock.fast_forward(4_000)
    is_back()

    page.evaluate("delete document.querySelector('form[action$=\"/me/profile/\"]').dataset.file")
    page.evaluate(AGAIN)
    with page.expect_console_message(lambda line: line.text == "came back: true, null"):
        press(1)
    held.pop().fulfill(status=204)
    is_back()

    page.evaluate(STOP)
    with page.expect_console_message(lambda line: line.text == "stopped: null"):
        press(1)
    held.clear()
    is_back()

    page.unroute("**/me/profile/")
    button.click()
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert User.objects.get().name == "Ann Berg"
