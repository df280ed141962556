"""One change from the first thought to production, through the pages and the doors, in one browser: P-01 to P-20 as one story."""

import pytest
from playwright.sync_api import expect

from changes.gates.models import Verdict
from changes.proposals.models import Approval, Change
from tests.audits.engagements.opened import admitted
from tests.changes.people import linked, person
from tests.journeys.forge import ACCOUNTS, Forge

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


@pytest.fixture
def team(site):
    """Ann, Bob and Dev with their accounts at the forge; Bob can sign in with a password."""
    people = {name: person(name.title(), password=PASSWORD) for name in ("ann", "bob", "dev")}
    for name, user in people.items():
        linked(user, ACCOUNTS[name], name)
    return people


def state_of(page, gate):
    """What the page says about a gate, wherever it is shown."""
    return page.locator(".gate").filter(has_text=gate).locator(".state").first


def test_a_change_is_proposed_reviewed_proven_approved_released_and_read_by_the_auditor(visit, site, team):
    forge = Forge(site)

    # Ann proposes, before there is any code (P-01, P-05).
    ann = visit("/changes/", by=team["ann"])
    ann.keyboard.press("c")
    ann.wait_for_url("**/changes/new/")
    ann.fill("#id_title", "Show delivery dates in the basket")
    ann.fill("#id_why", "Customers ask support when their order **arrives**.")
    expect(ann.locator("#preview strong")).to_have_text("arrives")
    ann.fill("#id_rollback", "Release the version before it; nothing else changes.")
    ann.click("text=Submit for review")
    ann.wait_for_url("**/changes/1001/")
    expect(ann.locator(".head .badge").first).to_have_text("In review")
    expect(ann.locator("#approval")).to_contain_text("Only approvers")

    # Her pull request names the number and joins (P-02); Dev reviews, CI passes (P-03, P-11); it goes to main and staging (P-04).
    forge.open(7, title="Delivery dates", body="Part of CHG-1001", by="ann")
    forge.work()
    expect(ann.locator("#linked")).to_contain_text("northwind/web #7")
    forge.review(7, by="dev")
    forge.check(7)
    merged = forge.merge(7, by="dev")
    forge.deploy(merged, "staging")
    forge.work()
    expect(ann.locator("#timeline")).to_contain_text("released")
    expect(state_of(ann, "nobody signed it off yet")).to_contain_text("Waiting")

    # Ann says that it works in staging.
    ann.reload()
    ann.fill("#sign-off #id_note", "Ordered three things and saw three dates.")
    ann.click("text=Sign off: it works in staging")
    expect(ann.locator("#toasts")).to_contain_text("Signed off in staging.")
    expect(ann.locator("#sign-off")).to_have_count(0)

    # Bob took no part. He signed in this morning, so he is asked to do it again before his word counts (P-03, P-19): in a dialog,
    # which holds what he wrote. Without script it is a page of its own (test_pages_browser).
    bob = visit("/", by=team["bob"], fresh=False)
    bob.locator(".row").filter(has_text="Show delivery dates in the basket").locator(".row-link").click()
    bob.wait_for_url("**/changes/1001/**")
    bob.check("text=I read the proposal and the rollback plan")
    bob.fill("#approval #id_note", "Small and easy to undo.")
    bob.click("#approval >> text=Approve for production")
    expect(bob.locator("#again").get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    assert not Approval.objects.exists()
    bob.fill("#again [name=password]", PASSWORD)
    bob.keyboard.press("Enter")
    expect(bob.locator("#toasts")).to_contain_text("Approval recorded.")
    expect(bob.locator(".head .badge").first).to_have_text("Approved")
    assert Approval.objects.get().note == "Small and easy to undo."

    # The promotion carries it to prod, and the release follows (P-08, P-12).
    forge.open(8, title="Promote main to prod", by="ann", into="prod", head=merged)
    forge.review(8, by="dev")
    forge.check(8)
    promoted = forge.merge(8, by="bob")
    forge.deploy(promoted, "production")
    forge.work()

    change = Change.objects.get()
    assert change.state == "released"
    assert sorted(Verdict.objects.values_list("moment", flat=True)) == ["merge", "release"]
    states = {gate["name"]: gate["state"] for gate in change.assessment["gates"]}
    assert "failed" not in states.values()
    # What only Git, Fly, Slack and a decided list can tell is not taken for granted.
    assert sorted(name for name, state in states.items() if state == "not_connected") == ["Log", "Merge", "Rollback plan"]
    assert states["Approval"] == states["Staging"] == states["Review"] == states["Release"] == "met"

    # Uma reads the same page within her engagement: the frozen verdicts, and nothing to press but her way out.
    uma, _ = admitted()
    seen = visit("/changes/1001/", by=uma)
    expect(seen.locator(".strip")).to_contain_text("Read-only.")
    expect(seen.locator("main")).to_contain_text("Frozen verdicts")
    expect(seen.locator("main")).to_contain_text("At the release to production")
    expect(seen.locator("#timeline")).to_contain_text("Bob approved for production")
    assert seen.locator("main form").count() == 0
    assert {form.get_attribute("action") for form in seen.locator("form[method=post]").all()} == {"/theme/", "/account/logout/"}
