"""The list of changes in a real browser: searched, sorted, kept and moved through by keyboard, with and without script."""

import pytest
from playwright.sync_api import expect

from changes.desk.models import SavedView
from tests.browser import NARROW, WIDE, assert_accessible, overflow_of
from tests.journeys.company import founded

pytestmark = pytest.mark.browser
TITLES = ("Split the queue", "Paint the shed", "Round the prices")


def looked_at(page):
    assert_accessible(page, widths=(WIDE, NARROW))
    page.set_viewport_size({"width": 320, "height": 800})
    assert overflow_of(page) <= 0, f"{page.url} is wider than 320 px"
    page.set_viewport_size({"width": WIDE, "height": 900})


@pytest.fixture
def company(site):
    company = founded(site)
    for title in TITLES:
        company.proposed(title)
    return company


def test_the_list_in_all_its_forms_is_accessible(visit, company):
    visit.expect_status(422)
    page = visit("/changes/?columns=requester,opened,gates,marks,kind,risk,size,state", by=company.people["Ann"])

    page.click("text=More filters")
    page.click("text=How to search")
    looked_at(page)
    for path in ("/changes/?view=board", "/changes/?q=colour:red", "/changes/?q=zeppelin&sort=due", "/changes/views/?q=shed"):
        page.goto(f"{visit.site}{path}")
        looked_at(page)
    page.click("main >> text=Keep this list")
    expect(page.locator("main form").last).to_be_visible()
    page.fill("#id_name", "Sheds")
    page.click("main button:has-text('Keep this list')")
    expect(page.locator(".chips")).to_contain_text("Sheds")
    looked_at(page)
    page.goto(f"{visit.site}/changes/views/?q=shed")
    looked_at(page)
    page.fill("#id_name", "Sheds")
    page.click("main button:has-text('Keep this list')")
    expect(page.locator(".errsum")).to_be_focused()
    assert page.title().startswith("Problem: ")
    looked_at(page)


def test_the_list_is_searched_and_walked_by_keyboard_through_swaps(visit, company):
    page = visit("/changes/", by=company.people["Ann"])

    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.keyboard.type("the -shed")
    expect(page.locator(".row-link")).to_have_text(["Round the prices", "Split the queue"])
    page.wait_for_url("**/changes/?q=the+-shed")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".row-link").first).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(".row-link").nth(1)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement.closest('.row')).outlineStyle") == "solid"
    company.proposed("Empty the bin")
    expect(page.locator(".row-link")).to_have_text(["Empty the bin", "Round the prices", "Split the queue"])
    expect(page.locator(".row-link").nth(2)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("o")
    expect(page.locator("h1")).to_have_text("Round the prices")


def test_single_keys_can_be_switched_off(visit, company):
    ann = company.people["Ann"]
    ann.shortcuts = False
    ann.save()
    page = visit("/changes/", by=ann)

    for key in ("j", "o", "/"):
        page.keyboard.press(key)

    assert page.evaluate("document.activeElement === document.body")
    assert page.url.endswith("/changes/")


def test_filters_change_the_list_the_address_and_the_file_together(visit, company):
    page = visit("/changes/", by=company.people["Ann"])

    page.select_option("#f-sort", "oldest")
    expect(page.locator(".row-link").first).to_have_text(TITLES[0])
    page.click("text=Board")
    expect(page.locator(".lane")).to_have_count(6)
    page.fill("#f-q", "queue")
    expect(page.locator(".board .row-link")).to_have_text(["Split the queue"])
    page.wait_for_url("**/changes/?q=queue&sort=oldest&view=board")
    with page.expect_download() as download:
        page.click("text=CSV")

    text = download.value.path().read_text()
    assert download.value.suggested_filename.startswith("countersign-changes-confidential-")
    assert "1 row; order: oldest movement; filter: q=queue" in text
    assert text.count("CHG-") == 1


def test_the_board_shows_one_column_at_a_time_on_phones(visit, company):
    page = visit("/changes/?view=board", by=company.people["Ann"], width=NARROW)
    expect(page.locator(".lane:visible h2")).to_have_count(1)

    page.locator(".lane-tabs").get_by_text("Meeting").click()

    expect(page.locator(".lane:visible h2")).to_have_text(["Meeting 0"])


def test_a_view_is_kept_shared_deleted_and_taken_back_without_script(visit, company):
    page = visit("/changes/?q=shed", by=company.people["Ann"], script=False)

    page.click("text=Views and columns")
    page.uncheck("text=Gates")
    page.click("text=Show these columns")
    expect(page).to_have_url(f"{visit.site}/changes/?q=shed&columns=requester%2Crepository%2Cmoved%2Cmarks%2Cstate")
    page.click("text=Views and columns")
    page.fill("#id_name", "Sheds")
    page.click("main button:has-text('Keep this list')")
    page.click(".chips >> text=Everything")
    expect(page.locator(".row-link")).to_have_count(3)
    page.click(".chips >> text=Sheds")
    expect(page.locator(".row-link")).to_have_text(["Paint the shed"])
    expect(page.locator(".gatestrip")).to_have_count(0)

    bob = visit(f"/changes/views/{SavedView.objects.get().key}/", by=company.people["Bob"], script=False)
    expect(bob.locator(".row-link")).to_have_text(["Paint the shed"])

    page.click("text=Views and columns")
    page.click("main button:has-text('Delete')")
    page.click("text=Undo")
    expect(page.locator("main")).to_contain_text("Sheds")
