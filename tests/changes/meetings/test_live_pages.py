"""The pages of a meeting in session, without script: who presses what, and what comes of it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from changes.meetings import live, minutes
from changes.meetings.models import Action, AgendaItem, Ballot, Decision, Meeting, Minutes, Note
from changes.meetings.rules import fortnightly
from changes.meetings.syncing import keep_in_step
from portal.home.inbox import items_for
from portal.ledger.canonical import digest_of_text
from portal.outbox.models import Effect
from tests.architecture.test_secrets import GIVEN_OUT
from tests.audits.engagements.opened import admitted
from tests.changes.desk.calendars import text
from tests.changes.meetings.situations import DAY, board, large, numbered, somebody
from tests.changes.people import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def change(at):
    return large(at=at - DAY)


@pytest.fixture
def planned(at, change):
    """A meeting that begins in a few minutes, with a large change and a point of Ann's on its agenda."""
    return due(at)


def due(at):
    starts = (at + timedelta(minutes=5)).replace(microsecond=0)
    rule = fortnightly(starts_on=starts.date())
    board(at=at - DAY, starts_on=starts.date(), time=starts.time(), zone="UTC", rule=rule)
    row = numbered(1)
    keep_in_step(meeting=row, at=at)
    return row


@pytest.fixture
def running(planned, at):
    """The same, begun by Cleo, with Dev there."""
    row = live.begin(meeting=planned, by=somebody("Cleo"), at=at)
    live.come(meeting=row, person=somebody("Dev"), by=somebody("Dev"), at=at)
    return row


def as_(client, name, **how):
    client.logout()
    sign_in(client, somebody(name), **how)
    return client


def press(client, act, number=1):
    return client.post(f"/meetings/{number}/live/act/", {"act": act})


def item_of(change):
    return AgendaItem.objects.get(change=change, meeting__isnull=False)


def decision(change, **values):
    given = {"item": item_of(change).pk, "outcome": "approved", "reason": "It is sound."}
    return {**given, **values}


def needs(name):
    return [(item.title, item.href) for item in items_for(user=somebody(name), at=timezone.now())]


def test_a_meeting_is_led_from_beginning_to_signed_minutes(client, planned, change):
    as_(client, "Cleo")
    assert "Begin the meeting" in text(client.get("/meetings/1/"))
    begun = client.post("/meetings/1/begin/")
    assert (begun.status_code, begun.url) == (302, "/meetings/1/live/")
    page = text(client.get("/meetings/1/live/"))
    assert "No quorum: 1 of 3 voters here, 2 needed." in page
    assert "Point 1 of 1" in page

    as_(client, "Dev")
    assert client.post("/meetings/1/live/act/", {"act": "come"}).status_code == 302
    as_(client, "Cleo")
    press(client, f"open:{item_of(change).pk}")
    ballot = Ballot.objects.get()
    for name in ("Dev", "Cleo"):
        as_(client, name)
        assert "Your vote" not in needs(name)
        told = {"vote": f"yes:{ballot.pk}", "reason": f"{name} read it"}
        assert client.post("/meetings/1/live/vote/", {**told, "reason": GIVEN_OUT["age"]}).status_code == 422
        assert client.post("/meetings/1/live/vote/", told).status_code == 302
    press(client, f"close:{ballot.pk}")
    page = text(client.get("/meetings/1/live/"))
    assert "Carried: 2 yes, 0 no" in page
    assert "Dev read it" in page

    due = (timezone.now() + 9 * DAY).date().isoformat()
    dev = somebody("Dev").pk
    answer = client.post(
        "/meetings/1/live/decide/",
        decision(
            change,
            outcome="conditional",
            **{"c1-text": "Load test", "c1-owner": dev, "c1-due": due},
            **{"a1-text": "Tell support", "a1-owner": dev, "a1-due": due},
        ),
    )
    assert answer.status_code == 302, text(answer)
    assert Decision.objects.get().conditions[0]["text"] == "Load test"
    assert Action.objects.get().owner == somebody("Dev")
    ended = client.post("/meetings/1/live/end/")
    assert ended.url == "/meetings/1/minutes/"
    assert ("Sign the minutes", "/meetings/1/minutes/") in needs("Cleo")

    page = client.get("/meetings/1/minutes/").content.decode()
    assert "Load test (Dev, until" in page
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page).group(1)
    as_(client, "Cleo", fresh=False)
    assert "reauthenticate" in client.post("/meetings/1/minutes/sign/", {"digest": digest}).url
    as_(client, "Cleo")
    client.post("/meetings/1/minutes/sign/", {"digest": digest})
    assert Minutes.objects.get().digest == digest
    assert Effect.objects.filter(kind="mail", key__startswith="minutes:1:").count() == 3
    assert "Minutes of Meeting 1" in text(client.get(f"/verify/{digest}/"))
    assert "Agenda of Meeting 1" in text(client.get(f"/verify/{Meeting.objects.get(number=1).agenda_digest}/"))
    assert "Decision 1 on it: approved with conditions" in text(client.get(f"/verify/{Decision.objects.get().digest}/"))
    assert "Tell support" in text(client.get("/meetings/1/"))


def test_two_chairs_who_begin_at_once_get_one_meeting(client, planned):
    as_(client, "Cleo")
    assert client.post("/meetings/1/begin/").status_code == 302
    second = client.post("/meetings/1/begin/")

    assert second.status_code == 409
    assert "in session already. Cleo leads it." in text(second)


def test_people_see_what_their_part_is(client, running, change):
    page = text(as_(client, "Ann").get("/meetings/1/live/"))
    assert "I am here" in page
    assert "Record and next" not in page
    assert "Your paragraph" not in page
    page = text(as_(client, "Dev").get("/meetings/1/live/"))
    assert "I leave" in page
    assert "Your paragraph" in page
    assert "End it now" not in page
    page = text(as_(client, "Cleo").get("/meetings/1/live/"))
    assert "Record and next" in page
    assert "Open the vote" in page
    uma, _ = admitted()
    client.logout()
    sign_in(client, uma)
    assert client.get("/meetings/1/live/").url == "/meetings/1/"
    assert client.get("/meetings/1/live/parts/").url == "/meetings/1/"
    seen = client.get("/meetings/1/").content.decode()
    assert "In session" in seen
    assert "/live/" not in seen
    assert "/begin/" not in seen


def test_a_decision_that_is_not_whole_comes_back_as_typed(client, running, change):
    as_(client, "Cleo")

    answer = client.post("/meetings/1/live/decide/", decision(change, outcome="", reason="Because", **{"a1-text": "Tell all"}))

    page = text(answer)
    assert answer.status_code == 422
    assert "Choose what was decided" in page
    assert "Choose who does it" in page
    assert "Because" in page
    refused = client.post("/meetings/1/live/decide/", decision(change))
    assert refused.status_code == 422
    assert "There was no vote on this text." in text(refused)
    assert not Decision.objects.exists()


def test_points_without_a_vote_are_closed_and_the_next_comes_up(client, at):
    row = due(at)
    given = {"kind": "point", "put_at": at, "waiting_since": at, "meeting": row}
    first, second = (AgendaItem.objects.create(key=f"point:{n}", title=f"Point {n}", position=n, **given) for n in (1, 2))
    live.begin(meeting=row, by=somebody("Cleo"), at=at)
    as_(client, "Cleo")

    assert press(client, f"settle:{first.pk}").status_code == 302
    row.refresh_from_db()
    assert row.current == second
    assert press(client, f"settle:{first.pk}").status_code == 409
    press(client, f"take:{second.pk}")
    press(client, f"settle:{second.pk}")
    assert [item.state for item in row.items.order_by("position")] == ["settled", "settled"]
    as_(client, "Dev")
    assert press(client, f"settle:{second.pk}").status_code == 422
    assert press(client, "dance:1").status_code == 409


def test_what_a_vote_decides_is_not_closed_without_one(client, running, change):
    answer = press(as_(client, "Cleo"), f"settle:{item_of(change).pk}")
    assert answer.status_code == 422
    assert "decided by a vote" in text(answer)


def test_the_chair_notes_who_comes_and_leaves_and_gives_actions(client, running, at):
    as_(client, "Cleo")
    ann = somebody("Ann")
    client.post("/meetings/1/live/act/", {"act": "come", "person": ann.pk})
    assert live.present_at(running, at=timezone.now()) >= {ann.pk}
    press(client, f"go:{ann.pk}")
    assert ann.pk not in live.present_at(running, at=timezone.now())
    missing = client.post("/meetings/1/live/ask/", {"ask-text": "Write it up"})
    assert missing.status_code == 422
    assert "Choose who does it" in text(missing)
    due_on = (at + 9 * DAY).date().isoformat()
    secret = client.post("/meetings/1/live/ask/", {"ask-text": GIVEN_OUT["age"], "ask-owner": ann.pk, "ask-due": due_on})
    assert "looks like a secret (age)" in text(secret)
    client.post("/meetings/1/live/ask/", {"ask-text": "Write it up", "ask-owner": ann.pk, "ask-due": due_on})
    assert Action.objects.get().item == running.current
    assert ("Do what the meeting asked", f"/meetings/1/#action-{Action.objects.get().pk}") in needs("Ann")

    as_(client, "Ann")
    done = f"/meetings/1/actions/{Action.objects.get().pk}/done/"
    assert client.post(done, {"note": f"It is {GIVEN_OUT['age']} now."}).status_code == 422
    assert Action.objects.get().done_note == ""
    client.post(f"/meetings/1/actions/{Action.objects.get().pk}/done/", {"note": "Written."})
    assert Action.objects.get().done_note == "Written."


def save(client, value, *, note="", version="", step="", script=True):
    headers = {"HX-Request": "true"} if script else {}
    given = {"text": value, "note": note, "version": version, "step": step, "item": Meeting.objects.get(number=1).current_id}
    return client.post("/meetings/1/live/note/", given, headers=headers)


def test_notes_of_several_are_kept_and_nobody_overwrites_anybody(client, running):
    as_(client, "Dev")
    assert save(client, f"The key is {GIVEN_OUT['age']}").status_code == 422
    assert not Note.objects.exists()
    first = save(client, "Costs")
    note = Note.objects.get()
    assert f'value="{note.pk}"' in first.content.decode()
    # The answer got lost, and Dev typed on: the same paragraph goes on.
    save(client, "Costs are fine")
    assert (Note.objects.count(), Note.objects.get().text) == (1, "Costs are fine")
    as_(client, "Cleo")
    save(client, "Costs are too high", note=note.pk, version=Note.objects.get().version)
    as_(client, "Dev")
    answer = save(client, "Costs are fine, said Dev", note=note.pk, version=2)

    assert (answer.status_code, answer["HX-Retarget"]) == (409, "#note-state")
    assert "Cleo changed this paragraph while you wrote." in text(answer)
    assert "Costs are too high" in text(answer)
    page = text(save(client, "Costs are fine, said Dev", note=note.pk, version=2, script=False))
    assert "Costs are fine, said Dev" in page
    assert "Costs are too high" in page
    save(client, "Costs are fine, said Dev", note=note.pk, version=2, step="below", script=False)
    assert Note.objects.get().text == "Costs are too high\n\nCosts are fine, said Dev"
    assert save(client, "  ", script=True).status_code == 200
    assert save(client, "Another", step="another", script=False).url.endswith("?note=new#minutes")
    assert Note.objects.count() == 2
    assert save(client, "x", note="nonsense").status_code == 409
    assert "Costs are too high" in text(client.get(f"/meetings/1/live/?note={note.pk}"))


def test_the_parts_are_answered_alone(client, running, change):
    as_(client, "Dev")

    parts = client.get("/meetings/1/live/parts/?item=999", headers={"HX-Request": "true"}).content.decode()

    assert parts.count('hx-swap-oob="morph"') == 5
    assert "The meeting is at another point" in parts
    assert "<textarea" not in parts
    assert "<html" not in parts
    press(client, "go")
    live.end(meeting=running, by=somebody("Cleo"), at=timezone.now())
    over = client.get("/meetings/1/live/parts/", headers={"HX-Request": "true"})
    assert over["HX-Redirect"] == "/meetings/1/"
    led = as_(client, "Cleo").get("/meetings/1/live/parts/", headers={"HX-Request": "true"})
    assert led["HX-Redirect"] == "/meetings/1/minutes/"
    assert client.get("/meetings/1/live/").url == "/meetings/1/"
    assert client.get("/meetings/2/minutes/").status_code == 404


def test_minutes_are_corrected_by_those_who_were_there(client, running):
    row = live.end(meeting=running, by=somebody("Cleo"), at=timezone.now())
    digest = digest_of_text(minutes.draft(row))
    as_(client, "Dev")
    assert "Sign these minutes" not in text(client.get("/meetings/1/minutes/"))
    assert client.post("/meetings/1/minutes/correct/", {"text": " "}).status_code == 422
    client.post("/meetings/1/minutes/correct/", {"text": "I came late."})
    stale = as_(client, "Cleo").post("/meetings/1/minutes/sign/", {"digest": digest})
    assert stale.status_code == 409
    minutes.sign(meeting=row, digest=digest_of_text(minutes.draft(row)), by=somebody("Cleo"), at=timezone.now())
    as_(client, "Dev").post("/meetings/1/minutes/correct/", {"text": "Not that late."})
    page = text(client.get("/meetings/1/minutes/"))
    assert "Corrected after the signature" in page
    assert "Not that late." in page
    absent = as_(client, "Ann").post("/meetings/1/minutes/correct/", {"text": "x"})
    assert absent.status_code == 422
    assert "was not at this meeting" in text(absent)
