"""A proposal from the first word to its history in a real browser: drafts, route, templates, two writers, and pull requests."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from changes.proposals.models import Change, Draft
from tests.browser import NARROW, WIDE, assert_accessible, overflow_of, shoot
from tests.journeys.company import SCRIPT, TITLE, founded

pytestmark = pytest.mark.browser
SAVED = "#draft-state time"


def written(page, **texts):
    for name, text in {"title": "Split the queue", "why": "Jobs wait.", "rollback": "Release the version before.", **texts}.items():
        page.fill(f"#id_{name}", text)


def looked_at(page, name):
    """axe in both themes at both widths, no sideways scrolling at 320 px, and pictures for people."""
    assert_accessible(page, widths=(WIDE, NARROW))
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        shoot(page, f"proposals-{name}")
    page.set_viewport_size({"width": 320, "height": 800})
    assert overflow_of(page) <= 0
    assert page.evaluate("window.broken") is None
    page.set_viewport_size({"width": WIDE, "height": 900})


def test_the_route_follows_what_is_typed_and_the_page_is_accessible(visit, site):
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"])
    expect(page.locator("#route .verdict b")).to_have_text("Normal so far: no meeting needed")

    written(page, title=TITLE[:200], why=SCRIPT)
    page.select_option("#id_answer_access", "yes")

    expect(page.locator("#route .verdict b")).to_have_text("Large: the architecture meeting decides first")
    expect(page.locator("#route")).to_contain_text("U+202E")
    looked_at(page, "new")


def test_a_template_fills_the_form_and_never_takes_words_away(visit, site):
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"])

    page.select_option("#id_kind", "application")
    expect(page.locator("#id_what")).to_have_value("### Behaviour that changes\n\n### Behaviour that stays\n")
    page.fill("#id_what", "Two queues.")
    page.select_option("#id_kind", "database")
    expect(page.locator("#id_rollback")).to_have_value("### Before new rows are written\n\n### After new rows are written\n")
    expect(page.locator("#id_what")).to_have_value("Two queues.")
    expect(page.locator("#proposal .banner")).to_contain_text("You have written under What changes already")
    looked_at(page, "template")
    page.click("text=Put its headings below my text")

    expect(page.locator("#proposal .banner")).to_have_count(0)
    assert page.input_value("#id_what").startswith("Two queues.\n\n### Tables and columns")


def test_a_draft_is_said_and_found_again_after_a_crash(visit, site):
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"])
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    written(page)
    expect(page.locator(SAVED)).to_contain_text("Saved ")
    page.locator(".nav").get_by_text("Deploys").click()
    page.wait_for_url("**/deploys/")

    assert asked == []
    page = visit("/changes/new/", by=company.people["Ann"])
    expect(page.locator("main")).to_contain_text("You have a draft that was not sent")
    looked_at(page, "draft")
    page.click("text=Continue it")
    expect(page.locator("#id_why")).to_have_value("Jobs wait.")
    page.click("text=Submit for review")
    expect(page.locator("h1")).to_have_text("Split the queue")
    assert not Draft.objects.exists()


def test_signing_out_while_typing_loses_nothing(visit, site):
    visit.expect_status(401, 403)
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"])
    written(page)
    expect(page.locator(SAVED)).to_contain_text("Saved ")

    Session.objects.all().delete()
    page.fill("#id_why", "Jobs wait for hours.")

    expect(page.locator("#draft-state")).to_contain_text("Not saved: you are signed out")
    for _ in page.locator(".toast").all():
        page.locator(".toast button").first.click()
    page.click("text=Submit for review")
    expect(page.locator("#problem")).to_contain_text("What you typed is still on this page")
    expect(page.locator("#id_why")).to_have_value("Jobs wait for hours.")
    assert Draft.objects.get().fields["why"] == "Jobs wait."
    assert not Change.objects.exists()


def test_problems_are_told_on_top_with_everything_kept(visit, site):
    visit.expect_status(422)
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"])

    page.fill("#id_why", "x" * 200_001)
    page.click("text=Submit for review")

    expect(page.locator(".errsum")).to_be_focused()
    assert page.title().startswith("Problem: ")
    expect(page.locator(".errsum")).to_contain_text("Shorten this to 200,000 characters")
    assert len(page.input_value("#id_why")) == 200_001
    page.fill("#id_why", "short")
    looked_at(page, "problem")
    page.locator(".errsum a").first.click()
    expect(page.locator("#id_title")).to_be_focused()


def test_two_people_editing_see_one_another_and_the_history_tells_it(visit, site):
    visit.expect_status(409)
    company = founded(site)
    change = company.proposed("Split the queue")
    edit = f"/changes/{change.number}/edit/"
    page, other = visit(edit, by=company.people["Ann"]), visit(edit, by=company.people["Dev"])
    other.fill("#id_what", f"Two queues, not one. {SCRIPT}")
    other.click("text=Save as a new revision")
    expect(other.locator("h1")).to_have_text("Split the queue")

    page.fill("#id_why", "Customers wiat")
    expect(page.locator("#route")).to_contain_text("This edit is")
    page.click("text=Save as a new revision")

    expect(page.locator(".errsum")).to_contain_text("Dev saved revision 2 meanwhile")
    expect(page.locator("#proposal ins")).to_contain_text("Two queues, not one.")
    expect(page.locator("#id_why")).to_have_value("Customers wiat")
    looked_at(page, "conflict")
    page.click("text=Save as a new revision")
    expect(page.locator("h1")).to_have_text("Split the queue")
    page.click("text=What changed since revision 2")
    expect(page.locator("h1")).to_have_text(f"History of {change}")
    expect(page.locator("#diff del").first).to_contain_text("wait")
    looked_at(page, "history")
    page.locator("label", has_text="Side by side").click()
    expect(page.locator(".diff-2").first).to_be_visible()
    looked_at(page, "history-side")


def test_a_pull_request_joins_by_a_click(visit, site):
    company = founded(site)
    own = company.opened(1, "Queue: two of them")
    change = company.proposed("Split the queue")
    page = visit(f"/changes/{change.number}/", by=company.people["Ann"])

    page.click("text=Link a pull request")
    expect(page.locator("h1")).to_have_text(f"Link a pull request to {change}")
    looked_at(page, "link")
    page.locator("label.choice").first.click()
    page.click(f"text=Link to {change}")

    expect(page.locator("#linked")).to_contain_text("#1")
    page.goto(f"{visit.site}/changes/{own.number}/")
    expect(page.locator(".banner").first).to_contain_text(f"It joined {change}")
    expect(page.locator(".head .badge").first).to_have_text("Withdrawn")
    second = company.opened(2, "Queue: drain the old one")
    page.goto(f"{visit.site}/changes/{second.number}/")
    page.click("text=Join this to another change")
    expect(page.locator("h1")).to_have_text(f"Join {second} to another change")
    looked_at(page, "join")
    page.fill("#id_to", str(change))
    page.click("text=Join and withdraw")
    expect(page.locator("#linked")).to_contain_text("#2")


def test_proposing_editing_and_comparing_work_without_script(visit, site):
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"], script=False)

    page.select_option("#id_kind", "secrets")
    page.click("text=Use its template")
    expect(page.locator("#id_what")).to_have_value("### Names, never values\n\n### Environments\n\n### Who reads them\n")
    written(page)
    page.click("text=Show the route")
    expect(page.locator("#route")).to_contain_text("Normal so far")
    expect(page.locator("#id_title")).to_have_value("Split the queue")
    page.click("text=Submit for review")
    expect(page.locator("h1")).to_have_text("Split the queue")
    page.click("text=Edit the proposal")
    page.fill("#id_what", "Two queues.")
    page.click("text=Save as a new revision")
    page.click("text=What changed since revision 1")
    page.select_option("#f-from", "1")
    page.click("text=Compare")
    expect(page.locator("#diff ins")).to_contain_text("Two queues.")
