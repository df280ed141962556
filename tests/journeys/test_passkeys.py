"""A passkey from its first day to its last, with the virtual authenticator of Chromium: the real ceremony on both sides.

Browsers know no passkeys for bare IP addresses (WebAuthn Level 2, 5.1.2), so these tests ask for ``localhost``.
"""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from changes.proposals.models import Approval, Change
from tests.browser import PROOFS, assert_accessible, shoot
from tests.journeys.company import founded
from tests.portal.access.people import person

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"
IN_THE_LAPTOP = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Laptop:
    """The authenticator built into a computer, and the person who sits there."""

    def __init__(self, page):
        self.page = page
        self.tools = page.context.new_cdp_session(page)
        self.tools.send("WebAuthn.enable")
        self.number = self.tools.send("WebAuthn.addVirtualAuthenticator", {"options": IN_THE_LAPTOP})["authenticatorId"]

    def lend(self, other):
        """The other window sits on the same laptop: it knows the same keys."""
        for key in self.credentials():
            other.tools.send("WebAuthn.addCredential", {"authenticatorId": other.number, "credential": key})

    def credentials(self):
        """What the laptop holds by now."""
        return self.tools.send("WebAuthn.getCredentials", {"authenticatorId": self.number})["credentials"]

    def refuses(self):
        """From now on the person's finger is not recognised."""
        self.tools.send("WebAuthn.setUserVerified", {"authenticatorId": self.number, "isUserVerified": False})

    def sign_in(self, email="bob@northwind.example"):
        """E-mail address and password, on the sign-in page."""
        self.page.fill("#id_login", email)
        self.page.fill("#id_password", PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def sign_out(self):
        self.page.click("[popovertarget=you]")
        self.page.click("text=Sign out")
        expect(self.page.locator("h1")).to_have_text("Sign in")

    def add_key(self, name, *, passkey):
        """From the account page to the key; ends on the page that shows the recovery codes."""
        self.page.goto(f"{origin(self.page)}/me/")
        self.page.click("text=Passkeys, authenticator app and recovery codes")
        self.page.click("main >> text=Add a key")
        expect(self.page.locator("h1")).to_have_text("Confirm that it is you")
        self.page.fill("#id_password", PASSWORD)
        self.page.get_by_role("button", name="Confirm").click()
        self.page.fill("#id_name", name)
        if passkey:
            self.page.get_by_label(re.compile("Also sign in with it alone")).check()
        self.page.get_by_role("button", name="Add it").click()


def origin(page):
    return "/".join(page.url.split("/")[:3])


@pytest.fixture
def at_localhost(visit, settings):
    """Pages by a name; cheap passwords, since only their outcome matters."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    visit.site = visit.site.replace("127.0.0.1", "localhost")
    return visit


@pytest.fixture
def laptop(at_localhost):
    """Bob's laptop on the sign-in page. Bob approves, so a second factor is asked of him."""
    person("Bob", password=PASSWORD)
    return Laptop(at_localhost("/account/login/"))


def make_stale():
    """All that the signed-in people proved, they proved ten minutes ago."""
    for row in Session.objects.all():
        kept = row.get_decoded()
        for proof in kept.get(PROOFS, ()):
            proof["at"] = time.time() - 600
        row.session_data = Session.objects.encode(kept)
        row.save()


def test_a_passkey_is_added_signs_in_approves_is_renamed_and_goes(at_localhost):
    company = founded(at_localhost.site)
    bob = company.people["Bob"]
    bob.set_password(PASSWORD)
    bob.save()
    change = company.opened(1, "Send invoices as PDF")
    laptop = Laptop(at_localhost("/account/login/"))
    page = laptop.page

    laptop.sign_in()
    laptop.add_key("Laptop", passkey=True)
    expect(page.locator("h1")).to_have_text("Recovery codes")
    expect(page.locator("main li.mono, main .mono li")).to_have_count(10)
    assert_accessible(page)
    shoot(page, "recovery-codes")
    assert [key["isResidentCredential"] for key in laptop.credentials()] == [True]
    laptop.sign_out()

    laptop.sign_in()
    expect(page.locator("h1")).to_have_text("Second step")
    assert_accessible(page)
    shoot(page, "second-step")
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.locator("h1")).to_have_text("Needs you")

    make_stale()
    page.goto(f"{at_localhost.site}/changes/{change.number}/")
    page.check("text=I read the proposal and the rollback plan")
    page.click("#approval >> text=Approve for production")
    expect(page.locator("#again").get_by_role("heading", level=2, name="Confirm that it is you")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Send invoices as PDF")
    assert Approval.objects.count() == 0
    assert_accessible(page)
    with page.expect_popup() as opened:
        page.locator("#again").get_by_role("link", name="Go on in a small window").click()
    window = opened.value
    laptop.lend(Laptop(window))
    expect(window.locator("h1")).to_have_text("Confirm that it is you")
    assert_accessible(window)
    shoot(window, "prove-with-passkey")
    window.get_by_role("button", name="Use your passkey or security key").click()
    expect(page.locator("#toasts")).to_contain_text("Approval recorded.")
    assert Change.objects.get(pk=change.pk).state == "approved"

    page.goto(f"{at_localhost.site}/account/2fa/webauthn/")
    page.get_by_role("link", name="Rename Laptop").click()
    expect(page.locator("h1")).to_have_text("Rename this key")
    assert_accessible(page)
    shoot(page, "rename-key")
    page.fill("#id_name", "Laptop in the office")
    page.get_by_role("button", name="Save the name").click()
    expect(page.locator("main")).to_contain_text("Laptop in the office")
    assert_accessible(page)

    page.get_by_role("link", name="Remove Laptop in the office").click()
    expect(page.locator("h1")).to_have_text("Remove this key?")
    assert_accessible(page)
    shoot(page, "remove-key")
    page.get_by_role("button", name="Remove the key").click()
    expect(page.locator("main")).to_contain_text("No key yet")
    assert not Authenticator.objects.filter(user=bob).exists()


def test_a_passkey_signs_in_alone(laptop):
    page = laptop.page
    laptop.sign_in()
    laptop.add_key("Laptop", passkey=True)
    expect(page.locator("h1")).to_have_text("Recovery codes")
    laptop.sign_out()

    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.locator("h1")).to_have_text("Needs you")
    assert [key["signCount"] > 1 for key in laptop.credentials()] == [True]


def test_a_finger_that_is_not_recognised_changes_nothing_and_is_told(laptop):
    page = laptop.page
    laptop.sign_in()
    expect(page.locator("h1")).to_have_text("Needs you")
    laptop.refuses()

    laptop.add_key("Laptop", passkey=True)

    expect(page.locator("#toasts")).to_contain_text("Nothing was changed.")
    assert not Authenticator.objects.exists()


def test_an_answer_to_an_older_question_does_not_sign_in(laptop):
    page = laptop.page
    laptop.sign_in()
    laptop.add_key("Laptop", passkey=False)
    expect(page.locator("h1")).to_have_text("Recovery codes")
    laptop.sign_out()
    laptop.sign_in()
    expect(page.locator("h1")).to_have_text("Second step")
    other = page.context.new_page()
    other.goto(page.url)

    page.get_by_role("button", name="Use a passkey or security key").click()

    expect(page.locator("main")).to_contain_text("That key is not known here, or it answered too late.")
    assert page.title().startswith("Problem: ")
    assert_accessible(page)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.locator("h1")).to_have_text("Needs you")


def test_a_bare_ip_address_says_why_it_has_no_passkeys(visit):
    page = visit("/account/2fa/webauthn/add/", by=person("Bob", password=PASSWORD))

    page.get_by_role("button", name="Add it").click()

    expect(page.locator("#toasts")).to_contain_text("open this page at localhost")
