"""Every page of the record in a real browser: to be read by all, by keyboard, without script, live, on paper and small."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Approval, Change, Revision
from portal.ledger.models import LedgerLeaf
from tests.audits.engagements.opened import admitted
from tests.browser import NARROW, WIDE, assert_accessible, overflow_of, shoot, transferred, wait_until_live
from tests.journeys.company import SCRIPT, TITLE, founded, grown

pytestmark = pytest.mark.browser
LIMIT = 120 * 1024
"""Bytes of a first visit of the change page, with everything that it loads."""
NARROWEST = 320
PASSWORD = "correct horse battery staple"


def looked_at(page):
    """Hold the page to what every page keeps: axe in both themes at both widths, and no sideways scrolling at 320 px."""
    assert_accessible(page, widths=(WIDE, NARROW))
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    assert overflow_of(page) <= 0, f"{page.url} is {overflow_of(page)} px wider than a window of {NARROWEST}"
    assert page.evaluate("window.broken") is None, f"{page.url} ran somebody's script"
    page.set_viewport_size({"width": WIDE, "height": 900})


def walked(visit, paths, *, by):
    """One person looks at each page in turn, in one context."""
    page = visit(paths[0], by=by)
    for path in paths:
        page.goto(f"{visit.site}{path}")
        looked_at(page)
    return page


def test_the_record_is_accessible_in_every_state_of_a_change(visit, site):
    company = grown(site)
    changes = [reverse("change", args=[number]) for number in company.in_state.values()]
    edited = reverse("edit-proposal", args=[company.in_state["draft"]])

    page = walked(visit, ["/", "/changes/", "/changes/?q=nothing+like+this", *changes, edited], by=company.people["Ann"])

    page.goto(f"{visit.site}{reverse('change', args=[company.in_state['proposed']])}")
    expect(page.locator("h1 .control").first).to_have_text("U+202E")
    expect(page.locator("#timeline li")).to_have_count(60 + 3)
    assert "\u202e" not in page.title()
    page.goto(f"{visit.site}/changes/?q=eciovni")
    expect(page.locator("h1")).to_be_visible()
    assert SCRIPT in page.locator(".row-link").first.inner_text()


def test_the_pages_of_those_who_oversee_are_accessible(visit, site):
    company = grown(site)
    mia = company.people["Mia"]
    record = ExceptionRecord.objects.filter(kind="direct_push").latest("id")
    digest = Revision.objects.latest("id").digest
    paths = [
        "/exceptions/",
        f"/exceptions/{record.pk}/",
        "/exceptions/?state=repaired",
        "/deploys/",
        "/deploys/?environment=development",
        "/integrations/",
        "/integrations/deliveries/",
        "/integrations/deliveries/?state=quarantined",
        "/ledger/",
        "/ledger/redactions/",
        "/ledger/verify/",
        "/ledger/verify/quick/",
        f"/ledger/entries/{LedgerLeaf.objects.latest('id').pk}/",
        f"/verify/{digest}/",
        "/people/",
        f"/people/{mia.pk}/",
        "/me/",
        "/audits/",
    ]

    page = walked(visit, paths, by=mia)

    visit.expect_status(404)
    page.goto(f"{visit.site}/verify/{'0' * 64}/")
    expect(page.locator("main")).to_contain_text("No match.")
    looked_at(page)
    uma, _ = admitted()
    numbers = [company.in_state["released"], company.in_state["proposed"]]
    page = walked(visit, [reverse("change", args=[number]) for number in numbers], by=uma)
    assert page.locator("main form, main .btn:not([data-copy],[data-print],[download])").count() == 0


def test_forms_tell_their_mistakes_accessibly(visit, site):
    visit.expect_status(404, 409, 422)
    company = founded(site)
    change = company.opened(1, "Send invoices as PDF")

    page = visit("/changes/new/", by=company.people["Ann"])
    looked_at(page)
    page.click("text=Submit for review")
    expect(page.locator(".errsum")).to_be_focused()
    assert page.title().startswith("Problem: ")
    looked_at(page)
    page.goto(f"{visit.site}/changes/9999/")
    looked_at(page)

    page = visit(f"/changes/{change.number}/", by=company.people["Bob"])
    looked_at(page)
    page.click("text=Approve for production")
    expect(page.locator("#approval .errsum")).to_be_focused()
    looked_at(page)


def test_the_list_and_a_change_are_worked_by_keyboard_alone(visit, site):
    company = founded(site)
    for title in ("Split the queue", "Paint the shed", "Round the prices"):
        company.proposed(title)
    page = visit("/changes/", by=company.people["Ann"])

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    expect(page.locator(".row-link").nth(1)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement.closest('.row')).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Paint the shed")

    page.keyboard.press("Control+k")
    page.keyboard.type("split the")
    expect(page.locator("#hits")).to_contain_text("Split the queue")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Split the queue")
    page.keyboard.press("c")
    page.wait_for_url("**/changes/new/")


def test_what_was_typed_is_previewed_and_not_lost_without_a_warning(visit, site):
    company = founded(site)
    page = visit("/changes/new/", by=company.people["Ann"])
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.route("**/changes/drafts/save/", lambda route: None)  # the draft is not kept yet: leaving would lose it

    page.fill("#id_title", "Split the queue")
    page.fill("#id_why", f"Jobs **wait**. {SCRIPT}")
    expect(page.locator("#preview strong")).to_have_text("wait")
    with page.expect_event("dialog"):
        page.locator(".nav").get_by_text("Deploys").click(no_wait_after=True)

    assert asked == ["beforeunload"]
    assert page.url.endswith("/changes/new/")
    assert page.input_value("#id_title") == "Split the queue"


def test_filtering_proposing_and_approving_work_without_script(visit, site):
    company = founded(site)
    company.proposed("Paint the shed", ready=False)
    page = visit("/changes/", by=company.people["Ann"], script=False)

    page.select_option("#f-state", "proposed")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("main")).to_contain_text("No change matches")
    page.click("text=Propose a change")
    page.fill("#id_title", "Split the queue")
    page.fill("#id_why", "Jobs **wait**.")
    page.click("text=Show the preview")
    expect(page.locator("#preview strong")).to_have_text("wait")
    expect(page.locator("#id_title")).to_have_value("Split the queue")
    page.fill("#id_rollback", "Release the version before it.")
    page.keyboard.press("Tab")
    page.click("text=Submit for review")
    expect(page.locator("h1")).to_have_text("Split the queue")
    change = Change.objects.get(title="Split the queue")
    assert change.state == "proposed"

    company.forge.open(1, title=f"Queue, {change}")
    company.forge.work()
    bob = company.people["Bob"]
    bob.set_password(PASSWORD)
    bob.save()
    page = visit(f"/changes/{change.number}/", by=bob, script=False, fresh=False)
    page.check("text=I read the proposal and the rollback plan")
    page.click("#approval >> text=Approve for production")
    page.wait_for_url("**/reauthenticate/**")
    page.fill("input[type=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/changes/{change.number}/**")
    assert not Approval.objects.exists()
    page.check("text=I read the proposal and the rollback plan")
    page.click("#approval >> text=Approve for production")
    expect(page.locator(".head .badge").first).to_have_text("Approved")
    assert Approval.objects.get().by == bob


def test_a_delivery_turns_a_gate_while_the_page_is_open_and_disturbs_nobody(visit, site):
    company = founded(site)
    change = company.opened(1, "Send invoices as PDF")
    page = visit(f"/changes/{change.number}/", by=company.people["Bob"])
    wait_until_live(page)
    page.evaluate("window.same = true")
    page.click("#fold-met summary")
    page.fill("#approval #id_note", "I am still reading")
    review = page.locator(".gate").filter(has=page.locator(".gate-n", has_text="Review")).first
    expect(review.locator(".state")).to_contain_text("Waiting")

    company.forge.review(1, by="dev")
    company.forge.work()

    expect(review.locator(".state")).to_contain_text("Met")
    expect(page.locator("#timeline")).to_contain_text("approved #1")
    expect(page.locator("#fold-met")).to_have_attribute("open", "")
    expect(page.locator("#approval #id_note")).to_have_value("I am still reading")
    expect(page.locator("#approval #id_note")).to_be_focused()
    assert page.evaluate("window.same") is True


def test_a_printed_change_is_a_clean_record(visit, site):
    company = founded(site)
    change = company.opened(1, TITLE)
    page = visit(f"/changes/{change.number}/", by=company.people["Bob"], theme="dark")

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in (".nav", ".top", ".tabbar", "#approval", ".sticky-act", "[data-print]"):
        expect(page.locator(hidden).first).to_be_hidden()
    foot = page.locator("footer.printonly")
    expect(foot).to_be_visible()
    expect(foot).to_contain_text("by Bob")
    expect(foot).to_contain_text(f"Digest {Revision.objects.get().digest}")
    expect(page.locator("#fold-met .gate").first).to_be_visible()
    shoot(page, "record-print")


def test_a_first_visit_of_the_change_page_stays_small(visit, site):
    company = founded(site)
    change = company.opened(1, TITLE)
    page = visit("/help/", by=company.people["Ann"])

    size = transferred(page, f"{visit.site}/changes/{change.number}/")

    print(f"first visit of the change page: {size:,} bytes")
    assert 0 < size <= LIMIT
