"""The emergency lane in a real browser: a clock that ticks, pages that follow by themselves, accessible in themes and widths."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.proposals.models import Change
from tests.browser import assert_accessible, shoot, wait_until_live
from tests.changes.approvals.situations import proposed
from tests.changes.emergencies.situations import declared, plus_one
from tests.changes.emergencies.test_bypasses import merged_past, settled
from tests.changes.people import linked, person
from tests.pace import SHARED

pytestmark = pytest.mark.browser
NEW = "/changes/new/emergency/"


@pytest.fixture
def team(site):
    return {name: person(name) for name in ("Ann", "Bob", "Cleo", "Mia")}


def test_an_emergency_is_declared_on_a_phone_and_the_plus_one_arrives_by_itself(visit, team):
    ann = visit(NEW, by=team["Ann"], width=390)
    ann.fill("#id_broken", "Invoices print twice")
    ann.fill("#id_fix", "Stop the second printer")
    ann.fill("#id_undo", "Start it again")
    ann.locator("label", has_text="Bob").click()
    assert ann.locator("button.btn-big").bounding_box()["height"] >= 48
    ann.click("text=Declare and ask for the +1")
    ann.wait_for_url("**/changes/1001/**")
    clock = ann.locator("#emergency-status time[data-since]")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before, timeout=4000 * SHARED)

    bob = visit("/", by=team["Bob"], width=390)
    bob.locator(".row").filter(has_text="Invoices print twice").locator(".row-link").click()
    bob.click("text=Give the +1: I looked at it and it makes sense")
    expect(bob.locator("#toasts")).to_contain_text("Your +1 is recorded.")

    expect(ann.locator("#emergency-status")).to_contain_text("+1 by Bob in the portal", timeout=8000 * SHARED)
    expect(ann.locator("#emergency-status")).not_to_contain_text("Waiting for a +1")
    shoot(ann, "emergency-with-plus-one")


def test_the_form_is_accessible_with_and_without_problems(visit, team):
    page = visit(NEW, by=team["Ann"])
    assert_accessible(page)
    shoot(page, "emergency-form")

    visit.expect_status(422)
    page.click("text=Declare and ask for the +1")
    expect(page.locator(".errsum")).to_contain_text("Write what is broken")
    assert page.title().startswith("Problem: ")
    assert_accessible(page)


def test_the_form_works_without_script(visit, team):
    page = visit(NEW, by=team["Ann"], script=False)
    for name in ("broken", "fix", "undo"):
        page.fill(f"#id_{name}", name)
    page.click("text=Declare and ask for the +1")

    assert Change.objects.get().category == "emergency"
    assert "Waiting for a +1" in page.locator("#emergency-status").inner_text()


def test_the_list_and_an_undeclared_emergency_are_accessible(visit, team):
    linked(team["Bob"], 12, "bob")
    now = timezone.now()
    merged_past(proposed(team["Ann"]), merged_by_uid=12, at=now)
    settled(at=now)
    plus_one(declared(team["Ann"], key="form:2", at=now), team["Cleo"], at=now)
    declared(team["Ann"], key="form:3", broken="The queue stands still", at=now)

    for path, name, by in (
        ("/emergencies/", "emergencies", "Mia"),
        ("/changes/1001/", "undeclared", "Bob"),
        ("/changes/1003/", "waiting", "Cleo"),
    ):
        page = visit(path, by=team[by])
        assert_accessible(page)
        shoot(page, name)


def test_the_list_follows_by_itself(visit, team):
    page = visit("/emergencies/", by=team["Mia"])
    expect(page.locator("#rows")).to_contain_text("No emergency is open")
    wait_until_live(page)

    declared(team["Ann"], at=timezone.now())

    expect(page.locator("#rows")).to_contain_text("The checkout answers 500", timeout=8000 * SHARED)
    assert page.locator("#rows .card").count() == 3
