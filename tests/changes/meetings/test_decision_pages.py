"""The log of decisions, one decision, its file; votes between meetings; where decisions show on changes and in the API."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from changes.meetings import adr, ballots, deciding, written
from changes.meetings.exporting import exported, facts_of
from changes.meetings.models import AgendaItem, Ballot, Decision
from changes.meetings.standing import lapse
from changes.meetings.tasks import close_votes
from changes.policies import actions as policies
from portal.home.inbox import items_for
from portal.policy.document import built_in
from portal.policy.models import PolicyVersion
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import admitted
from tests.changes.desk.calendars import text
from tests.changes.meetings.situations import DAY, become, board, decided, large, somebody
from tests.changes.people import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def series(at):
    return board(at=at - DAY)


@pytest.fixture
def change(at):
    return large(at=at - DAY)


def as_(client, name):
    client.logout()
    sign_in(client, somebody(name))
    return client


def needs(name):
    return [(item.title, item.href) for item in items_for(user=somebody(name), at=timezone.now()) if item.href.startswith("/deci")]


def opened(client, key, at):
    closes = (at + 2 * DAY).strftime("%Y-%m-%dT%H:%M")
    return as_(client, "Cleo").post("/decisions/votes/new/", {"key": key, "closes": closes})


def close(ballot):
    """Its time has come."""
    ballots.close_written(at=ballot.closes_at)


def test_a_written_vote_from_its_opening_to_the_decision(client, series, change, at):
    assert "Split the queue" in text(as_(client, "Cleo").get(f"/decisions/votes/new/?key=change:{change.number}"))
    answer = opened(client, f"change:{change.number}", at)
    ballot = Ballot.objects.get()
    page = f"/decisions/votes/{ballot.pk}/"
    assert answer.url == page
    assert ("Vote", page) in needs("Dev")
    assert needs("Ann") == []
    as_(client, "Dev")
    assert "Vote open" in text(client.get(page))
    client.post(f"{page}vote/", {"vote": "yes", "reason": "Small enough"})
    assert needs("Dev") == []
    as_(client, "Ann")
    assert client.post(f"{page}vote/", {"vote": "yes"}).status_code == 403
    assert 'name="vote"' not in text(client.get(page))
    as_(client, "Cleo").post(f"{page}vote/", {"vote": "yes"})
    assert client.post(f"{page}decide/", {}).status_code == 422
    close_votes()
    assert Ballot.objects.get().closed_at is None
    close(ballot)

    assert ("Record the decision", page) in needs("Cleo")
    assert "To be recorded" in text(client.get("/decisions/"))
    refused = client.post(f"{page}decide/", {"item": ballot.item_id, "outcome": "rejected", "reason": "No"})
    assert refused.status_code == 422
    assert "The vote carried it." in text(refused)
    made = client.post(f"{page}decide/", {"item": ballot.item_id, "outcome": "approved", "reason": "All for it"})
    assert made.url == "/decisions/1/"
    shown = text(client.get("/decisions/1/"))
    assert "a written vote" in shown
    assert "Small enough" in shown
    assert "Decision 1" in text(client.get(page))
    assert needs("Cleo") == []


def test_a_version_of_the_policy_is_decided_in_writing(client, series, at):
    draft = policies.save_draft(
        text=built_in(),
        parameters={"large_changed_lines": 400},
        summary="Smaller",
        material=True,
        seen=0,
        by=somebody("Dev"),
        at=at,
    )
    policies.send(effective_at=at + 3 * DAY, seen=draft.version, by=somebody("Dev"), at=at)
    opened(client, "policy:2", at)
    ballot = Ballot.objects.get()
    for name in ("Cleo", "Dev"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=somebody(name), at=timezone.now())
    close(ballot)

    as_(client, "Cleo").post(
        f"/decisions/votes/{ballot.pk}/decide/", {"item": ballot.item_id, "outcome": "approved", "reason": "Yes"}
    )

    version = PolicyVersion.objects.get(number=2)
    assert (version.state, version.decision) == ("adopted", "Decision 1")
    found = text(client.get(f"/verify/{version.digest}/"))
    assert "Decision 1 on it: approved" in found


def test_what_cannot_be_put_to_a_vote_is_refused_in_words(client, series, change, at):
    key = f"change:{change.number}"
    given = {"closes_at": at + DAY, "at": at}
    with pytest.raises(Refused, match="does not lead"):
        written.put_to_vote(key=key, by=somebody("Dev"), **given)
    with pytest.raises(Stale, match="waits for no decision"):
        written.put_to_vote(key="change:9", by=somebody("Cleo"), **given)
    late = as_(client, "Cleo").post("/decisions/votes/new/", {"key": key, "closes": "2099-01-01T10:00"})
    assert late.status_code == 422
    assert "from an hour to two weeks" in text(late)
    ballot = written.put_to_vote(key=key, by=somebody("Cleo"), **given)
    with pytest.raises(Stale, match="open already"):
        written.put_to_vote(key=key, by=somebody("Cleo"), **given)
    close(ballot)
    with pytest.raises(Stale, match="to be recorded first"):
        written.put_to_vote(key=key, by=somebody("Cleo"), **given)


def test_what_a_running_meeting_has_is_not_put_to_a_written_vote(series, change, at):
    meeting = series.meetings.order_by("number").first()
    given = {"kind": "proposal", "title": "x", "position": 1, "put_at": at, "waiting_since": at}
    AgendaItem.objects.create(meeting=meeting, key=f"change:{change.number}", **given)
    become(meeting, "live", started_at=at)

    with pytest.raises(Stale, match="in session"):
        written.put_to_vote(key=f"change:{change.number}", closes_at=at + DAY, by=somebody("Cleo"), at=at)


def test_without_a_series_nobody_has_a_vote(client, at):
    assert "There is no series" in text(as_(client, "Cleo").get("/decisions/votes/new/"))
    with pytest.raises(Refused, match="no series"):
        written.put_to_vote(key="change:1", closes_at=at + DAY, by=somebody("Cleo"), at=at)
    assert "Nothing waits" in _empty(client, at)


def _empty(client, at):
    board(at=at - DAY)
    return text(client.get("/decisions/votes/new/"))


def test_the_log_is_filtered_and_says_how_each_stands(client, change, at):
    other = large("Move the cache", at=at - DAY)
    decided(change, at=at - 3 * HOUR, lapsed="the proposal was edited: revision 2")
    decided(other, at=at - 2 * HOUR, outcome="rejected")
    decided(other, at=at - HOUR, expires_at=at - timedelta(minutes=5))
    as_(client, "Ann")

    page = text(client.get("/decisions/"))
    assert page.index("/decisions/3/") < page.index("/decisions/2/") < page.index("/decisions/1/")
    assert "the proposal was edited: revision 2" in page
    assert "Expired" in page
    assert "/decisions/2/" not in text(client.get("/decisions/?outcome=approved"))
    assert "/decisions/2/" not in text(client.get(f"/decisions/?change=CHG-{change.number}"))
    assert "/decisions/1/" not in text(client.get("/decisions/?q=cache"))
    assert "No decision here" in text(client.get("/decisions/?change=nonsense"))
    assert "Clear the filter" in text(client.get("/decisions/?q=nothing"))
    assert client.get("/decisions/99/").status_code == 404
    assert client.get("/decisions/99999999999/").status_code == 404


def test_a_decision_is_offered_as_a_file(client, change, at):
    made = decided(change, at=at)

    answer = as_(client, "Ann").get("/decisions/1/record.md")

    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert f'filename="{adr.name_of(1, made.item.title)}"' in answer["Content-Disposition"]
    body = answer.content.decode()
    assert 'status: "accepted"' in body
    assert "# CHG-1001" in body
    assert "It stands in no repository" in text(client.get("/decisions/1/"))


def test_a_decision_that_ends_says_so_in_git(change, at):
    first = decided(change, at=at - HOUR)
    assert exported(first) is None
    lapse(decision=first, reason="the proposal was edited: revision 2", at=at)

    effect = exported(first)

    assert effect.payload["path"].startswith("docs/decisions/0001-")
    assert 'status: "deprecated"' in effect.payload["text"]
    assert facts_of(first).ended == "the proposal was edited: revision 2"


def test_decisions_show_on_the_change_and_in_the_api(client, change, at):
    decided(change, at=at - HOUR, lapsed="another took its place")
    decided(change, at=at)
    page = text(as_(client, "Ann").get(f"/changes/{change.number}/"))

    assert re.search(r'id="decisions".*/decisions/2/.*/decisions/1/.*Counts no more: another took its place', page, re.S)


def test_an_auditor_sees_decisions_and_no_button(client, series, change, at):
    decided(change, at=at)
    uma, _ = admitted()
    client.logout()
    sign_in(client, uma)

    page = text(client.get("/decisions/"))

    assert "Put to a written vote" not in page
    assert client.get("/decisions/votes/new/").status_code == 403
    assert client.get("/decisions/votes/1/").status_code == 404


def test_conditions_of_a_decision_are_counted_in_the_log(client, series, change, at):
    ballot = written.put_to_vote(key=f"change:{change.number}", closes_at=at + DAY, by=somebody("Cleo"), at=at)
    for name in ("Cleo", "Dev"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=somebody(name), at=at + HOUR)
    close(ballot)
    due = (at + 9 * DAY).date().isoformat()
    given = {"item": ballot.item_id, "outcome": "conditional", "reason": "Yes, if"}
    given |= {"c1-text": "Load test", "c1-owner": somebody("Dev").pk, "c1-due": due}

    as_(client, "Cleo").post(f"/decisions/votes/{ballot.pk}/decide/", given)

    made = Decision.objects.get()
    assert made.conditions[0]["text"] == "Load test"
    file = exported(made).payload["text"]
    assert "Load test (Dev, before the merge, until" in file
    assert "\nslow\n" in file  # why the change was proposed
    assert re.search(r"^- yes: (Cleo, Dev|Dev, Cleo)$", file, re.M)
    assert "1 of 1 open" in text(client.get("/decisions/"))
    assert "Load test" in text(client.get("/decisions/1/"))
    with pytest.raises(Stale, match="settled"):
        deciding.decide(item=ballot.item, outcome="approved", reason="x", conditions=[], by=somebody("Cleo"), at=at + 2 * DAY)
