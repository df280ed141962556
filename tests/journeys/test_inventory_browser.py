"""The inventory, drift and the reconciliation in a real browser: for everybody to read, in both themes, small, without script."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.drift.actions import note_compared, record
from changes.drift.facts import Found, Place, Rule
from changes.drift.models import DriftCase
from changes.inventory.actions import note_events, observe
from changes.inventory.facts import Seen, VendorEvent
from changes.inventory.models import Asset
from changes.inventory.reconciling import first_of
from tests.changes.people import person
from tests.journeys.company import LONG_WORD, SCRIPT
from tests.journeys.test_pages_browser import looked_at

pytestmark = pytest.mark.browser


def filled():
    """Assets of hostile names, one changed and one not seen, a case of drift, and a month that waits."""
    now = timezone.now()
    before = first_of(now.date()) - timedelta(days=1)
    early = datetime(before.year, before.month, before.day, 12, tzinfo=UTC)

    def read(*names, at, image):
        seen = [Seen("fly.app", name, name, "production", configuration={"image": image, "env": ["PORT"]}) for name in names]
        observe(source="fly", kinds={"fly.app"}, seen=seen, at=at)

    read(f"{SCRIPT} {LONG_WORD}", "web", at=early, image=LONG_WORD * 2)
    read(f"{SCRIPT} {LONG_WORD}", "web", at=now, image=f"{SCRIPT} {LONG_WORD}")
    observe(source="old", kinds={"cf.zone"}, seen=[Seen("cf.zone", "z", "old.example")], at=now - timedelta(hours=30))
    note_events(source="fly", events=[VendorEvent("1", now, f"{SCRIPT}{LONG_WORD}", object_id="web")], at=now)
    note_compared(source="fly", subject=LONG_WORD, problem=f"No release of {LONG_WORD}", at=now)
    place = Place(Rule.SERVICES, "fly", f"{SCRIPT}{LONG_WORD}", "production")
    record(looked_at=[place], found=[Found(place, (f"Only in Fly: {SCRIPT}{LONG_WORD}",), f"{LONG_WORD} at 1111111")], at=now)
    return before


def test_the_pages_are_accessible_and_a_month_is_signed_without_script(visit):
    visit.expect_status(422)
    before, bob, mia = filled(), person("Bob"), person("Mia")
    asset, case = Asset.objects.filter(source="fly").first(), DriftCase.objects.get()
    sign = f"/inventory/reconciliation/{before.year}-{before.month}/sign/"

    page = visit("/inventory/", by=mia)
    for path in ("/inventory/", f"/inventory/{asset.pk}/", "/drift/", f"/drift/{case.pk}/", "/inventory/reconciliation/", sign):
        page.goto(f"{visit.site}{path}")
        looked_at(page)

    plain = visit(f"/drift/{case.pk}/", by=bob, script=False)
    plain.get_by_role("button", name="Record").click()
    expect(plain.locator("body")).to_contain_text("Choose what is done about it")
    plain.get_by_label("What is done about it").select_option("change_git")
    plain.get_by_label("Why, or what will be done").fill("The file is behind.")
    plain.get_by_role("button", name="Record").click()
    expect(plain.locator("body")).to_contain_text("Git will be changed")
    plain.goto(f"{visit.site}/inventory/{asset.pk}/")
    plain.get_by_label("Owner").select_option("Bob")
    plain.get_by_role("button", name="Keep").click()
    expect(plain.locator("body")).to_contain_text("Kept.")

    page.goto(f"{visit.site}{sign}")
    page.get_by_label("Note").fill("The zone was not read in time.")
    page.get_by_label("I have compared these numbers").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator("body")).to_contain_text("Signed by Mia")
    looked_at(page)
