"""A file of people in a browser without script, from choosing it to the people it makes; then one's exports, in compact rows."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.access.importing.tasks import work_on_imports
from portal.access.models import User
from tests.browser import assert_accessible, shoot
from tests.portal.access.people import everybody

pytestmark = pytest.mark.browser
FILE = {"name": "people.csv", "mimeType": "text/csv", "buffer": b"name,email,team\nQuin Quay,quin@northwind.example,Web\n"}


def test_people_are_imported_without_script_and_stand_under_exports_in_compact_rows(visit, site):
    rex = everybody()["Rex"]
    User.objects.filter(pk=rex.pk).update(density="compact")
    visit.expect_status(422)
    page = visit(reverse("imports"), by=rex, script=False)

    page.get_by_role("button", name="Upload and check").click()
    expect(page.locator("#main").get_by_role("link", name="Choose a file")).to_be_visible()
    page.locator("input[type=file]").set_input_files([FILE])
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_role("heading", name="people.csv")).to_be_visible()
    work_on_imports()
    page.get_by_role("link", name="Look again").click()
    page.get_by_role("button", name="Import 1 person").click()
    expect(page.get_by_text("Being imported").first).to_be_visible()
    work_on_imports()
    page.get_by_role("link", name="Look again").click()

    expect(page.get_by_text("Imported").first).to_be_visible()
    assert User.objects.get(email="quin@northwind.example").team == "Web"
    page = visit(reverse("exports"), by=rex)
    expect(page.get_by_role("link", name="People of the file people.csv")).to_be_visible()
    assert page.locator("html").get_attribute("data-density") == "compact"
    assert page.locator(".row").first.evaluate("row => getComputedStyle(row).paddingTop") == "6px"
    assert_accessible(page)
    shoot(page, "exports")
    page = visit(reverse("people"), by=rex)
    assert_accessible(page)
