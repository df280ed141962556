"""The completeness ledger in a browser: both themes, a narrow screen, from a number to its rows; and as an auditor has it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.connectors import outages
from changes.connectors.models import Source
from changes.exceptions.edits import judge_edits
from changes.inventory.actions import note_events
from changes.inventory.facts import VendorEvent
from tests.journeys.company import founded
from tests.journeys.test_pages_browser import looked_at

pytestmark = pytest.mark.browser


@pytest.fixture
def company(site):
    """A change in production, an edit of DNS that no change covers, and a source that was away for an hour."""
    company = founded(site)
    _, first = company.promoted(10, "Show delivery dates")
    company.forge.deploy(first, "production")
    company.forge.work()
    at = timezone.now()
    source = Source.objects.create(
        name="cloudflare", kind="cloudflare", api_url="https://api.cloudflare.com", connected_at=at - timedelta(days=3)
    )
    outages.well(of=source, at=at - timedelta(days=2))
    outages.failed(of=source, why="GET /zones answered 503", at=at - timedelta(days=2))
    outages.well(of=source, at=at - timedelta(days=2) + timedelta(hours=1))
    event = VendorEvent(
        external_id="e1",
        at=at - timedelta(hours=2),
        kind="cloudflare.dns_record",
        action="update",
        object_name="www.northwind.example",
    )
    note_events(source="cloudflare", events=[event], at=at)
    judge_edits(source="cloudflare", since=at - timedelta(days=1), at=at)
    return company


def test_from_a_number_to_its_rows_and_their_exception(visit, company):
    page = visit("/completeness/", by=company.people["Mia"])
    expect(page.locator("main")).to_contain_text("Edits of DNS and Access")
    looked_at(page)
    page.get_by_role("link", name="1 h of outage, cloudflare").click()
    expect(page.locator("main")).to_contain_text("GET /zones answered 503")
    looked_at(page)
    page.go_back()
    page.get_by_role("link", name="1 without, cloudflare").click()
    expect(page.locator("main")).to_contain_text("www.northwind.example")
    looked_at(page)
    page.get_by_role("link", name="Exception").last.click()
    expect(page.locator("h1")).to_contain_text("DNS")
