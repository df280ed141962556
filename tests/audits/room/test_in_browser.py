"""A question, its answer, and a finding from its opening to its end, in a real browser."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from audits.findings.models import Finding
from audits.requests.models import Request
from tests.audits.engagements.opened import admitted
from tests.browser import assert_accessible, shoot
from tests.portal.access.people import person

pytestmark = pytest.mark.browser


def test_an_auditor_asks_the_owner_answers_and_a_finding_is_closed(visit, site):
    uma, engagement = admitted(repositories=["acme/web"], systems=("git", "fly"), criteria=("CC8.1",))
    rex, day = person("Rex"), str((timezone.now() + timedelta(days=5)).date())

    page = visit(reverse("audit-requests", args=[engagement.pk]), by=uma)
    expect(page.get_by_text("records from 1 Jan 2026 to 31 Dec 2026")).to_be_visible()
    page.get_by_label("Question").fill("Who renews tokens?")
    page.get_by_label("What you need").fill("Please name the page, and one example.")
    page.get_by_label("Who answers").select_option(label="Rex")
    page.get_by_label("Answer by").fill(day)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("heading", name="Who renews tokens?")).to_be_visible()

    owner = visit("/", by=rex)
    owner.get_by_role("link", name="Answer an audit's request").first.click()
    owner.get_by_label("Message").fill("I do; the page Integrations says when.")
    assert_accessible(owner)
    owner.get_by_role("button", name="Answer", exact=True).click()
    expect(owner.get_by_text("Answered. Whoever asked is told.")).to_be_visible()

    page.reload()
    expect(page.get_by_text("the page Integrations says when")).to_be_visible()
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_role("heading", name="Open it again")).to_be_visible()
    assert Request.objects.get().messages.count() == 3

    page.get_by_role("link", name="Findings").first.click()
    page.get_by_label("Finding", exact=True).fill("A token ran out unnoticed")
    page.get_by_label("What was seen").fill("Nobody is told before a token runs out.")
    page.get_by_label("Severity").select_option(label="Medium")
    page.get_by_label("Who answers for it").select_option(label="Rex")
    page.get_by_label("Corrected by").fill(day)
    assert_accessible(page)
    page.get_by_role("button", name="Add the finding").click()
    expect(page.get_by_text("Rex has the next step")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)
    eye, words = (page.locator(f".strip > {part}").bounding_box() for part in ("svg", "span"))
    assert words["x"] > eye["x"] + eye["width"], "the eye stands beside the words"
    page.set_viewport_size({"width": 1440, "height": 900})

    owner.goto(page.url)
    said = {"Respond for management": "The response stands.", "Record the correction": "Somebody else retests it."}
    for button, words in said.items():
        owner.get_by_label("What was found or done").fill("A warning comes 14 days before.")
        owner.get_by_role("button", name=button).click()
        expect(owner.get_by_text(words)).to_be_visible()
    expect(owner.get_by_text("Whoever works in this audit has the next step")).to_be_visible()
    page.reload()
    page.get_by_label("What was found or done").fill("Seen on the page.")
    page.get_by_label("Passed").check()
    page.get_by_role("button", name="Record the retest").click()
    expect(page.get_by_text("Recorded: the retest passed.")).to_be_visible()
    page.get_by_label("What was found or done").fill("It holds.")
    page.get_by_role("button", name="Close the finding").click()
    expect(page.locator("main").get_by_text("Closed").first).to_be_visible()
    assert Finding.objects.get().steps.order_by("number").last().state == "closed"
    assert_accessible(page)

    compliance = visit(reverse("audit", args=[engagement.pk]), by=engagement.confirmed_by)
    assert_accessible(compliance)
    shoot(compliance, "audit")
    compliance.get_by_role("button", name="See what the auditor sees").click()
    expect(compliance.get_by_role("region", name="Preview")).to_be_visible()
    expect(compliance.get_by_role("button", name="End now")).to_have_count(0)
    compliance.get_by_role("button", name="Leave the preview").click()
    expect(compliance.get_by_text("The preview is over.")).to_be_visible()
    assert_accessible(visit(reverse("prepare-engagement"), by=engagement.confirmed_by))
