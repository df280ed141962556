"""Three people hold a whole meeting together, each in a browser of their own, in a whole running portal.

Two begin it at once, one is offline for a while, and the web process is killed in the middle of a vote: nothing is lost. A
version of the policy is adopted; the minutes are signed, and what was signed can be checked without the portal.
"""

import hashlib
import json
import time

import pytest
from django.conf import settings
from playwright.sync_api import expect

from changes.meetings.digest import AgendaPoint, agenda_digest
from tests.journeys.chaos.portal import Portal, figures
from tests.pace import SHARED
from tests.stack import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.browser]
PREPARE = """
import json
from datetime import timedelta
from django.utils.timezone import now
from changes.meetings.rules import fortnightly
from changes.meetings.series import give_seat
from changes.meetings.syncing import keep_in_step, next_meeting
from changes.policies import actions as policies
from portal.policy.document import built_in
from tests.browser import session_of
from tests.changes.meetings.situations import board, large, somebody
at = now()
eli, starts = somebody("Eli", "chair"), at + timedelta(minutes=5)
series = board(
    at=at - timedelta(days=1), starts_on=starts.date(), time=starts.time().replace(microsecond=0), zone="UTC",
    rule=fortnightly(starts_on=starts.date()),
)
give_seat(series=series, person=eli, part="deputy", by=somebody("Cleo"), at=at)
large(title="Split the queue", at=at)
draft = policies.save_draft(
    text=built_in(), parameters={"large_changed_lines": 400}, summary="Smaller changes", material=True, seen=0,
    by=somebody("Dev"), at=at,
)
policies.send(effective_at=at + timedelta(days=2), seen=draft.version, by=somebody("Dev"), at=at)
keep_in_step(meeting=next_meeting(at=at), at=at)
print(json.dumps({name: session_of(somebody(name)) for name in ("Cleo", "Dev", "Eli")}))
"""
POINTS = """
SELECT row_number() OVER (ORDER BY item.position, item.id), item.key, item.kind, item.title, item.note, item.minutes, item.dormant,
       COALESCE((SELECT binds FROM changes_revision WHERE change_id = item.change_id ORDER BY number DESC LIMIT 1), '')
  FROM changes_agendaitem item WHERE item.meeting_id = (SELECT id FROM changes_meeting WHERE number = 1)
"""
SUBMIT = "document.querySelector('form[action$=\"/begin/\"]').submit()"
LIVE = "/meetings/1/live/"


@pytest.fixture
def portal(stack):
    return Portal(stack(empty=True))


@pytest.fixture
def people(portal, chromium):
    """Cleo (chair), Dev (voter) and Eli (deputy), signed in, each with a page of the meeting."""
    keys = json.loads(portal.stack.manage("shell", "-c", PREPARE).stdout.splitlines()[-1])
    contexts = {name: chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=portal.stack.url) for name in keys}
    pages = {}
    for name, context in contexts.items():
        context.set_default_timeout(20_000 * SHARED)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": keys[name], "url": portal.stack.url}])
        pages[name] = context.new_page()
        pages[name].goto("/meetings/1/")
    for page in pages.values():
        expect(page.locator("h1")).to_contain_text("Architecture meeting 1")
    yield pages
    for context in contexts.values():
        context.close()


def begun_by_one_of(pages):
    """Both press at the same time; who leads, and who was told that somebody was faster."""
    for page in pages:
        page.evaluate(SUBMIT)
    for page in pages:
        page.wait_for_function("location.pathname.match(/live|begin/) && document.readyState === 'complete'")
    leads, late = sorted(pages, key=lambda page: not page.url.endswith(LIVE))
    expect(leads.locator("h1")).to_contain_text("Architecture meeting 1")
    expect(late.locator("main")).to_contain_text("in session already.")
    return leads, late


def there(*pages):
    """They go to the meeting and say that they are there."""
    for page in pages:
        page.goto(LIVE)
        page.click("#me-come")
        expect(page.locator("#me-leave")).to_be_visible()


def record(page, choice, reason):
    """The chair's decision on the point at hand."""
    page.check(f"#decision label:has-text('{choice}') input >> nth=0")
    page.fill("#decision_reason", reason)
    page.click("text=Record and next")


def votes(page):
    return page.locator("#live-vote")


def test_three_people_hold_a_meeting_though_the_web_process_dies(portal, people):
    began = time.monotonic()
    chair, late = begun_by_one_of([people["Cleo"], people["Eli"]])
    dev = people["Dev"]
    there(dev, late)
    expect(chair.locator("#quorum")).to_have_text("Quorum: 3 of 3 voters here, 2 needed.")
    expect(dev.locator("#live-point")).to_contain_text("Split the queue")

    # Dev's network is away for a while; what is written meanwhile is not lost, and the page says so.
    dev.context.set_offline(True)
    dev.fill("#note-text", "Dev asked what it costs.")
    expect(dev.locator("#note-state")).to_contain_text("Not saved: no connection. Your text is still on this page.")
    chair.click("#open-vote")
    expect(votes(late).locator("#vote-yes")).to_be_visible()
    late.fill("#vote-reason", "Read it twice")
    late.click("#vote-yes")
    expect(votes(chair)).to_contain_text("Read it twice")

    # The web process dies in the middle of the vote.
    old = portal.stack.kill("web")
    portal.stack.wait_for_new("web", old=old)
    wait_for(lambda: portal.stack.get("/healthz") == 200, seconds=40.0, what="the web process")
    dev.context.set_offline(False)
    expect(dev.locator("#note-state")).to_contain_text("Saved", timeout=30_000 * SHARED)
    expect(votes(dev).locator("#vote-yes")).to_be_visible(timeout=30_000 * SHARED)
    expect(chair.locator("#live-notes")).to_contain_text("Dev asked what it costs.", timeout=30_000 * SHARED)
    for page in (dev, chair):
        page.click("#vote-yes")
        expect(page.locator("#vote-yes")).to_have_attribute("aria-pressed", "true")
    chair.click("#close-vote")
    expect(votes(dev)).to_contain_text("Carried: 3 yes, 0 no")

    # With a condition; then the next point comes up for everybody.
    chair.click("#conditions summary")
    chair.fill("#id_c1-text", "Load test first")
    chair.select_option("#id_c1-owner", label="Dev")
    chair.fill("#id_c1-due", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 9 * 86400)))
    record(chair, "Approve with conditions", "It is sound.")
    expect(dev.locator("#live-point")).to_contain_text("Smaller changes")
    expect(dev.locator("#live-notes")).to_contain_text("The meeting is at another point")

    # A version of the policy is adopted.
    chair.click("#open-vote")
    for page in (dev, late, chair):
        page.click("#vote-yes")
        expect(page.locator("#vote-yes")).to_have_attribute("aria-pressed", "true")
    chair.click("#close-vote")
    expect(votes(chair)).to_contain_text("Carried: 3 yes")
    record(chair, "Approve", "Smaller ones are read better.")
    expect(chair.locator("#toasts")).to_contain_text("Decision 2 is recorded: approved.")

    # It ends for everybody; the chair signs what was read, and the digest is found.
    chair.click("#end summary")
    chair.click("text=End it now")
    chair.wait_for_url("**/meetings/1/minutes/")
    dev.wait_for_url("**/meetings/1/")
    late.wait_for_url("**/meetings/1/")
    chair.click("text=Sign these minutes")
    expect(chair.locator("main")).to_contain_text("Signed by")
    chair.click("text=Check it")
    expect(chair.locator("main")).to_contain_text("It matches. Minutes of Meeting 1")
    figures("meeting", seconds=round(time.monotonic() - began, 1))
    check_record(portal)


def check_record(portal):
    """What is on record, and its digests computed here from nothing but the rows."""
    decisions = portal.sql("SELECT number, outcome, digest FROM changes_decision ORDER BY number")
    assert [row[:2] for row in decisions] == [(1, "conditional"), (2, "approved")]
    assert portal.sql("SELECT text FROM changes_condition") == [("Load test first",)]
    assert portal.sql("SELECT state, decision, digest FROM portal_policyversion WHERE number = 2") == [
        ("adopted", "Decision 2", decisions[1][2])
    ]
    ((text, digest),) = portal.sql("SELECT text, digest FROM changes_minutes")
    assert hashlib.sha256(text.encode()).hexdigest() == digest
    assert "Dev asked what it costs." in text
    points = [AgendaPoint(*row) for row in portal.sql(POINTS)]
    assert portal.sql("SELECT agenda_digest FROM changes_meeting WHERE number = 1") == [(agenda_digest(meeting=1, points=points),)]
    assert portal.sql("SELECT count(*) FROM changes_vote") == [(6,)]
    files = portal.sql("SELECT key FROM portal_effect WHERE kind = 'decision.file' ORDER BY id")
    assert files == [("decision:1",), ("decision:2",)]
