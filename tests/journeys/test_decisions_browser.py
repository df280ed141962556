"""The pages of a meeting in session, of its minutes and of decisions in a browser: for everybody's eyes, and without script."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from changes.meetings import ballots, live
from changes.meetings.models import AgendaItem, Note
from changes.meetings.rules import fortnightly
from changes.meetings.syncing import keep_in_step
from tests.browser import assert_accessible
from tests.changes.meetings.situations import DAY, board, large, numbered, somebody

pytestmark = pytest.mark.browser
LIVE = "/meetings/1/live/"


@pytest.fixture
def running(site):
    """In session, with a large change and an open vote; Dev is there."""
    at = timezone.now()
    large("Split the queue into one for each of the shop's many suppliers", at=at - DAY)
    starts = (at + timedelta(minutes=5)).replace(microsecond=0)
    rule = fortnightly(starts_on=starts.date())
    board(at=at - DAY, starts_on=starts.date(), time=starts.time(), zone="UTC", rule=rule)
    row = numbered(1)
    keep_in_step(meeting=row, at=at)
    row = live.begin(meeting=row, by=somebody("Cleo"), at=at)
    live.come(meeting=row, person=somebody("Dev"), by=somebody("Dev"), at=at)
    ballots.open_ballot(item=AgendaItem.objects.get(meeting=row), by=somebody("Cleo"), at=at)
    return row


def test_a_meeting_its_minutes_and_decisions_are_for_everybody(visit, site, running):
    cleo = visit(LIVE, by=somebody("Cleo"))
    assert_accessible(cleo)
    cleo.click("#vote-yes")
    expect(cleo.locator("#vote-yes")).to_have_attribute("aria-pressed", "true")
    dev = visit(LIVE, by=somebody("Dev"), script=False)
    dev.fill("#vote-reason", "It is time")
    dev.click("#vote-yes")
    expect(dev.locator("#live-vote")).to_contain_text("It is time")
    dev.fill("#note-text", "Written without a script.")
    dev.click("text=Save the paragraph")
    expect(cleo.locator("#live-notes")).to_contain_text("Written without a script.")
    assert Note.objects.get().text == "Written without a script."
    cleo.click("#close-vote")
    expect(cleo.locator("#live-vote")).to_contain_text("Carried: 2 yes")
    cleo.check("#decision label:has-text('Approve') input >> nth=0")
    cleo.fill("#decision_reason", "It is sound.")
    cleo.click("text=Record and next")
    expect(cleo.locator("#toasts")).to_contain_text("Decision 1 is recorded: approved.")
    cleo.goto(f"{site}/decisions/")
    assert_accessible(cleo)
    cleo.goto(f"{site}/decisions/1/")
    assert_accessible(cleo)
    live.end(meeting=running, by=somebody("Cleo"), at=timezone.now())
    cleo.goto(f"{site}/meetings/1/minutes/")
    expect(cleo.locator("main")).to_contain_text("Written without a script.")
    assert_accessible(cleo)


def test_what_two_write_into_one_paragraph_is_put_together(visit, running):
    visit.expect_status(409)
    dev = visit(LIVE, by=somebody("Dev"))
    dev.fill("#note-text", "Costs")
    expect(dev.locator("#note-state")).to_contain_text("Saved")
    note = Note.objects.get()
    live.edit_note(note=note, text="Prices", version=note.version, by=somebody("Cleo"), at=timezone.now())

    dev.fill("#note-text", "Costs are fine")

    expect(dev.locator("#note-state")).to_contain_text("Cleo changed this paragraph while you wrote.")
    expect(dev.locator("#theirs")).to_have_text("Prices")
    expect(dev.locator("#note-text")).to_have_value("Costs are fine")
    dev.click("text=Put mine below theirs")
    expect(dev.locator("#note-text")).to_have_value("Prices\n\nCosts are fine")
