"""Approvals in a real browser: conditions, somebody away, nobody left, several at once; read by all, and without script."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.approvals.models import Condition, Delegation, Waiver
from changes.delivery.models import PullRequest
from changes.gates.actions import reassess
from changes.proposals.models import Approval, Change
from portal.access.models import Identity
from tests.changes.people import linked
from tests.journeys.company import founded
from tests.journeys.test_pages_browser import looked_at

pytestmark = pytest.mark.browser


def soon(days):
    return (timezone.now() + timedelta(days=days)).date().isoformat()


def test_an_approval_with_a_condition_keeps_the_gate_until_it_is_done(visit, site):
    visit.expect_status(422)
    company = founded(site)
    change = company.opened(1, "Send invoices as PDF")
    page = visit(f"/changes/{change.number}/", by=company.people["Bob"])

    page.click("text=Approve with conditions")
    expect(page.locator("#id_c1-text")).to_be_visible()
    looked_at(page)
    page.click("text=Approve with these conditions")
    expect(page.locator(".errsum").first).to_contain_text("Say what has to be done")
    looked_at(page)
    page.fill("#id_c1-text", "Watch the queue for an hour")
    page.select_option("#id_c1-owner", label="Ann")
    page.fill("#id_c1-due", soon(2))
    page.check("#id_c1-to_confirm")
    page.check("#id_read")
    page.click("text=Approve with these conditions")
    expect(page.locator("#approval")).to_contain_text("Watch the queue for an hour")
    expect(page.locator("#gates")).to_contain_text("is not done yet")
    looked_at(page)

    page = visit(f"/changes/{change.number}/", by=company.people["Ann"])
    looked_at(page)
    page.fill(f"#id_condition_{Condition.objects.get().pk}_note", "Dashboard and alarm are there")
    page.get_by_role("button", name="It is done").click()
    expect(page.locator("#approval")).to_contain_text("To be confirmed")

    page = visit("/", by=company.people["Bob"])
    page.click("text=Confirm a condition")
    page.get_by_role("button", name="Confirm that it is done").click()
    expect(page.locator("#approval")).to_contain_text("Done")


def test_somebody_away_is_stood_in_for_without_script(visit, site):
    company = founded(site)
    change = company.opened(1, "Send invoices as PDF")
    page = visit("/approvals/delegations/", by=company.people["Bob"], script=False)

    page.click("text=Hand approvals over")
    page.select_option("#id_to", label="Dev")
    page.fill("#id_starts", soon(0))
    page.fill("#id_ends", soon(3))
    page.fill("#id_reason", "Holiday")
    page.get_by_role("button", name="Hand the approvals over").click()
    expect(page.locator("main")).to_contain_text("Dev for Bob")

    page = visit(f"/changes/{change.number}/", by=company.people["Dev"], script=False)
    page.check("text=I read the proposal and the rollback plan")
    page.select_option("#id_on_behalf_of", index=1)
    page.click("#approval >> text=Approve for production")
    expect(page.locator("#approval")).to_contain_text("Dev on behalf of Bob")
    page.goto(f"{visit.site}/approvals/delegations/")
    page.click("text=End it now")
    expect(page.locator("main")).to_contain_text("Ended by Dev")
    assert Delegation.objects.get().ended_by == company.people["Dev"]


def test_pages_of_delegations_are_accessible(visit, site):
    visit.expect_status(422)
    company = founded(site)
    page = visit("/approvals/delegations/new/", by=company.people["Cleo"])

    looked_at(page)
    page.get_by_role("button", name="Hand the approvals over").click()
    expect(page.locator(".errsum")).to_be_focused()
    looked_at(page)
    page.select_option("#id_absent", label="Bob")
    page.select_option("#id_to", label="Dev")
    page.fill("#id_starts", soon(1))
    page.fill("#id_ends", soon(3))
    page.fill("#id_reason", "Ill")
    page.get_by_role("button", name="Hand the approvals over").click()
    expect(page.locator("main")).to_contain_text("Dev for Bob")
    looked_at(page)


def test_where_nobody_is_left_chair_and_compliance_waive_it_in_sight(visit, site):
    company = founded(site)
    change = company.opened(1, "Send invoices as PDF")
    company.forge.review(1, by="dev")
    company.forge.check(1)
    company.forge.merge(1, by="dev")
    company.forge.work()
    everyone = [{"uid": uid, "login": "x"} for uid in hands(company)]
    PullRequest.objects.update(commit_people=everyone)
    reassess(change=Change.objects.get(pk=change.pk), at=timezone.now())
    page = visit("/", by=company.people["Cleo"])

    page.click("text=Nobody is left who may approve")
    expect(page.locator("#id_reason")).to_be_visible()
    looked_at(page)
    page.fill("#id_reason", "All three wrote it together, and customers wait.")
    page.fill("#id_review", soon(20))
    page.click("text=Write the waiver")
    expect(page.locator("#approval")).to_contain_text("Pending")
    page.goto(f"{visit.site}/changes/{change.number}/waiver/")
    looked_at(page)

    page = visit(f"/changes/{change.number}/waiver/", by=company.people["Mia"])
    page.click("text=Sign this waiver")
    expect(page.locator("#approval")).to_contain_text("Waived by Cleo (chair) and Mia (compliance manager)")
    expect(page.locator("#gates")).to_contain_text("gates met")
    looked_at(page)
    page.goto(f"{visit.site}/exceptions/")
    expect(page.locator("main")).to_contain_text("waived the approval of")
    page.goto(f"{visit.site}/changes/{change.number}/waiver/")
    looked_at(page)
    page.fill("#id_note", "It was right.")
    page.click("text=Record the review")
    expect(page.locator("#id_note")).to_have_count(0)
    assert Waiver.objects.get().reviewed_by == company.people["Mia"]


def hands(company):
    """The accounts of everybody who may approve."""
    for name, uid in (("Bob", 9001), ("Dev", 9002), ("Cleo", 9003)):
        if not company.people[name].identities.filter(provider="github").exists():
            linked(company.people[name], uid)
    rows = Identity.objects.filter(user__name__in=["Bob", "Dev", "Cleo"], provider="github")
    return [int(uid) for uid in rows.values_list("uid", flat=True)]


def test_routine_changes_are_approved_together_without_script(visit, site):
    visit.expect_status(422)
    company = founded(site)
    changes = [company.opened(number, f"Bump lodash to 4.17.{number}") for number in (1, 2, 3)]
    Change.objects.update(gates="mnmmmmmwwwww", routine=True)
    page = visit("/approvals/", by=company.people["Bob"])
    looked_at(page)
    page.click("text=Approve the chosen ones")
    expect(page.locator("main")).to_contain_text("Choose at least one change")
    page.click("text=Choose all routine ones")
    expect(page.locator("#id_read")).to_be_visible()
    looked_at(page)
    page = visit("/approvals/", by=company.people["Bob"], script=False)
    for change in changes[:2]:
        page.check(f"#change-{change.number}")
    page.click("text=Approve the chosen ones")
    page.fill("#id_note", "Patch releases, all green")
    page.check("#id_read")
    page.click("text=Approve 2 changes for production")
    expect(page.locator("h1")).to_have_text("2 of 2 changes approved")
    assert Approval.objects.count() == 2
    shown = visit("/approvals/", by=company.people["Bob"])
    expect(shown.locator("main")).not_to_contain_text(str(changes[0]))
