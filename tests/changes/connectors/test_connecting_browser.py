"""GitHub makes an App from our manifest, in a real browser: the page's policy lets its form go to GitHub and nowhere else."""

import pytest
from playwright.sync_api import expect

from changes.connectors.door import forget
from changes.connectors.models import HookSecret, Source
from portal import vault
from tests.browser import assert_accessible
from tests.changes.people import person
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
pytestmark = pytest.mark.browser


def test_a_github_app_is_made_tested_and_connected(visit, northwind, settings):
    forget()
    settings.CONNECTOR_PRIVATE_HOSTS, settings.CONNECT_ADDRESSES = ["127.0.0.1"], [f"github={northwind.api_url}"]
    settings.BASE_URL = visit.site
    visit.expect_host(northwind.url)
    page = visit("/integrations/", by=person("Rex"))
    page.get_by_role("link", name="Connect", exact=True).click()
    expect(page.locator("h1")).to_have_text("Connect a vendor")
    assert_accessible(page)
    page.get_by_role("button", name="Connect GitHub").click()
    page.get_by_label("Address of the API").select_option(northwind.api_url)
    page.get_by_label("Token, or the App's private key").fill("ghp_a-first-try")
    page.get_by_role("button", name="Keep and go on").click()
    expect(page.locator("[data-secret]")).to_be_visible()
    page.get_by_role("link", name="Change the credential").click()
    expect(page.get_by_role("button", name="Describe the App to GitHub")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Organisation at GitHub").fill("northwind")
    page.get_by_role("button", name="Describe the App to GitHub").click()
    expect(page.locator("h1")).to_have_text("On to GitHub")
    assert_accessible(page, themes=("light",))
    page.get_by_role("button", name="Make the App at").click()
    expect(page.locator("body")).to_contain_text("GitHub has made the App. Install it, then test.")
    page.get_by_role("button", name="Test the connection").click()
    expect(page.locator("#tested")).to_contain_text("The App countersign sees 1 repository")
    assert_accessible(page)
    page.get_by_label("northwind/web").check()
    page.get_by_role("button", name="Connect, and read the last 90 days").click()
    expect(page.locator("#progress")).to_contain_text("0 of 4 steps")

    row = Source.objects.get()
    assert (row.app_id, row.installation_id) == (northwind.app_id, northwind.installation_id)
    assert vault.open(bytes(HookSecret.objects.get().secret_encrypted)) == northwind.hooks.config["secret"]
    assert northwind.hooks.config["url"] == f"{visit.site}/hooks/github/"
    page.goto(f"{visit.site}/integrations/")
    assert_accessible(page)
