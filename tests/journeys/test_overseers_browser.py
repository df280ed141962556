"""The pages of those who keep watch, in a browser: controls, oversight, rollbacks, noise, written votes, notices."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from audits.controls.daily import run_daily
from audits.jobs.working import work_on_jobs
from changes.delivery.models import Release, Repository
from changes.meetings import written
from changes.meetings.rules import fortnightly
from changes.proposals.models import Change, Revision
from tests.changes.meetings.situations import DAY, board, large, somebody
from tests.journeys.company import founded
from tests.journeys.test_pages_browser import looked_at, walked

pytestmark = pytest.mark.browser


@pytest.fixture
def company(site):
    """A change in production, a rollback, a push past every pull request, and one change that waits for the meeting."""
    company = founded(site)
    _, first = company.promoted(10, "Show delivery dates")
    company.forge.deploy(first, "production")
    _, second = company.promoted(20, "Index the product search")
    company.forge.deploy(second, "production")
    company.forge.deploy(first, "production")
    company.forge.push("prod", by="ann", message="Quick fix")
    company.forge.work()
    at = timezone.now()
    starts = (at + timedelta(days=3)).replace(microsecond=0)
    rule = fortnightly(starts_on=starts.date())
    board(at=at - DAY, starts_on=starts.date(), time=starts.time(), zone="UTC", rule=rule)
    company.waits = large("Split the queue into one for each of the shop's suppliers", at=at - DAY)
    return company


def test_the_controls_are_run_and_read(visit, company):
    page = visit("/controls/", by=somebody("Dev"))
    expect(page.locator("main")).to_contain_text("The controls have not run yet")
    looked_at(page)
    page.get_by_role("button", name="Run the controls").click()
    expect(page.locator("#toasts")).to_contain_text("The controls are being run.")
    assert work_on_jobs(now=timezone.now) == 1
    page.goto(f"{visit.site}/controls/")
    page.get_by_role("link", name="C-02 Every commit").click()
    expect(page.locator("main")).to_contain_text("What did not pass")
    looked_at(page)
    page.get_by_role("link", name="rows of the population").click()
    expect(page.locator("main")).to_contain_text("they give the same digest")
    looked_at(page)


def test_the_controls_by_week_and_the_insights_are_accessible(visit, company):
    visit.expect_status(422)
    at = timezone.now()
    Repository.objects.update(in_scope_from=at - 15 * DAY)
    first = Release.objects.filter(environment="production", succeeded_at__isnull=False).earliest("id")
    Release.objects.filter(pk=first.pk).update(succeeded_at=at - 20 * DAY)
    Change.objects.filter(released_at=None, merged_at__isnull=False).update(released_at=at)
    run_daily(at=at)
    page = walked(visit, ["/controls/", "/insights/", "/insights/deploys/"], by=somebody("Dev"))
    page.goto(f"{visit.site}/insights/")
    for picture in page.locator("details", has_text="The numbers").all():
        picture.locator("summary").click()
    expect(page.locator("svg.chart")).to_have_count(3)
    expect(page.locator("svg.tiles").first).to_be_visible()
    page.goto(f"{visit.site}/controls/")
    page.get_by_label("To and including").fill("2020-01-01")
    page.get_by_role("button", name="Run the controls").click()
    expect(page.locator(".errsum")).to_contain_text("The period ends before it begins")


def test_what_oversight_needs_is_accessible(visit, company):
    walked(visit, ["/oversight/", "/rollbacks/", "/exceptions/noise/", "/notices/", "/me/notices/"], by=company.people["Mia"])
    page = walked(visit, ["/oversight/", "/rollbacks/", "/decisions/", "/decisions/matrix/", "/policy/"], by=somebody("Cleo"))
    page.goto(f"{visit.site}/verify/{Revision.objects.earliest('id').digest}/")
    looked_at(page)
    walked(visit, ["/integrations/effects/", "/integrations/"], by=company.people["Rex"])


def test_mistakes_in_their_forms_are_told_accessibly(visit, company):
    visit.expect_status(422)
    page = visit("/exceptions/noise/", by=company.people["Mia"])
    page.get_by_role("button", name="Record the rule").click()
    expect(page.locator(".errsum").first).to_be_visible()
    looked_at(page)
    page = visit("/rollbacks/drills/new/", by=company.people["Bob"])
    looked_at(page)
    page.get_by_role("button", name="Record the drill").click()
    expect(page.locator(".errsum").first).to_be_visible()
    looked_at(page)


def test_a_vote_in_writing_is_accessible_from_the_question_to_the_decision(visit, company):
    page = visit(f"/decisions/votes/new/?key=change:{company.waits.number}", by=somebody("Cleo"))
    looked_at(page)
    at = timezone.now()
    ballot = written.put_to_vote(key=f"change:{company.waits.number}", closes_at=at + DAY, by=somebody("Cleo"), at=at)
    address = f"/decisions/votes/{ballot.pk}/"
    page = visit(address, by=somebody("Dev"))
    looked_at(page)
    page.click("main button[name=vote][value=yes]")
    expect(page.locator("main button[value=yes]")).to_have_attribute("aria-pressed", "true")
    looked_at(page)
