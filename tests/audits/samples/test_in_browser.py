"""The auditor's way through a sample in a real browser: freeze, look whether it is complete, draw, mark, go on."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from audits.engagements.models import ReadLog
from audits.jobs.tasks import do_jobs
from audits.populations import compared_later
from audits.populations.models import Population
from audits.samples.drawing import ranked
from audits.samples.models import Mark, Sample
from tests.audits.engagements.opened import admitted
from tests.audits.populations.test_freezing import told
from tests.browser import assert_accessible, shoot
from tests.changes.stories import Clock

pytestmark = pytest.mark.browser
SEED = "Oakline, Nov 26"


def test_an_auditor_freezes_changes_draws_from_them_and_marks(site, visit, monkeypatch):
    told(Clock(), Client())
    uma, engagement = admitted()
    visit.expect_status(422)

    page = visit(reverse("audit-populations", args=[engagement.pk]), by=uma)
    page.get_by_role("link", name="Changes", exact=True).last.click()
    page.get_by_label("From").fill("2026-12-20")
    page.get_by_role("button", name="Freeze the changes").click()
    expect(page.get_by_role("alert")).to_contain_text("ends before it begins")
    page.get_by_label("From").fill("2026-01-01")
    page.get_by_role("button", name="Freeze the changes").click()

    expect(page.get_by_role("heading", name="Is the population complete?")).to_be_visible()
    population = Population.objects.get()
    assert (population.count, population.frozen_by, population.kind) == (3, uma, "changes")
    expect(page.locator("#complete + .badge")).to_have_text("Counts agree")
    expect(page.locator("#poprows tbody tr")).to_have_count(3)
    assert_accessible(page)
    shoot(page, "population")
    page.get_by_label("How many").select_option("own")
    page.get_by_label("Own size").fill("4")
    page.get_by_label("Seed").fill(SEED)
    page.get_by_role("button", name="Draw sample").click()
    expect(page.get_by_role("alert")).to_contain_text("A sample of 4 cannot be drawn from a population of 3")
    page.get_by_label("Own size").fill("2")
    page.get_by_role("button", name="Draw sample").click()

    expect(page.get_by_role("heading", name="Sample 1 of changes")).to_be_visible()
    sample = Sample.objects.get()
    drawn = ranked(seed=SEED, keys=[json.loads(line)["key"] for line in population.rows.values_list("line", flat=True)])[:2]
    assert (sample.seed, [item.row.key for item in sample.items.order_by("position")]) == (SEED, drawn)
    assert_accessible(page)
    shoot(page, "sample")
    page.get_by_role("link", name=drawn[0]).click()

    expect(page.get_by_role("heading", name=drawn[0])).to_be_visible()
    assert_accessible(page)
    shoot(page, "item")
    page.get_by_label("Deviation").check()
    page.get_by_role("button", name="Keep the mark").click()
    expect(page.get_by_role("alert")).to_contain_text("A deviation needs a note")
    page.get_by_label("Note").fill("Nobody else looked.")
    page.get_by_label("Workpaper").fill("CM-4")
    page.get_by_role("button", name="Keep the mark").click()

    expect(page.get_by_role("heading", name=drawn[1])).to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name=drawn[0])).to_be_visible()
    expect(page.get_by_role("complementary", name="Marks")).to_contain_text("Auditor: Uma")
    assert list(Mark.objects.values_list("letter", "outcome", "side", "by")) == [("*", "deviation", "auditor", uma.pk)]
    assert ReadLog.objects.filter(reader=uma, outcome="sent").count() == 6
    answer = page.request.get(f"{site}{reverse('population-file', args=[engagement.pk, 1])}")
    assert (answer.status, len(answer.text().splitlines())) == (200, 5)
    page.goto(f"{site}{reverse('compare-population', args=[engagement.pk, 1])}")
    expect(page.get_by_role("heading", name="Changes, read again")).to_be_visible()
    expect(page.locator("main")).to_contain_text("All rows are the same")

    monkeypatch.setattr(compared_later, "MOST_AT_ONCE", 0)
    page.reload()
    page.get_by_role("button", name="Read again and compare").click()
    expect(page.get_by_role("heading", name="Under way")).to_be_visible()
    assert_accessible(page)
    shoot(page, "read-again")
    do_jobs()
    page.get_by_role("link", name="Read again").click()
    expect(page.locator("main")).to_contain_text("All rows are the same")
