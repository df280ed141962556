"""One press of the chair does all of it or nothing; notes of several that lose nothing."""

from datetime import timedelta

import pytest

from changes.approvals.conditions import Wanted
from changes.meetings import ballots, live, recording
from changes.meetings.models import Action, AgendaItem, Decision, Note
from changes.meetings.recording import Asked, Overtaken
from changes.meetings.syncing import keep_in_step
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.meetings.situations import AT, DAY, board, large, meetings, numbered, somebody

pytestmark = pytest.mark.django_db(transaction=True)
TUESDAY = AT + DAY + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cleo():
    return somebody("Cleo")


@pytest.fixture
def meeting(cleo):
    """In session, with two large changes and Dev there."""
    large("First"), large("Second")
    row = numbered(meetings(board())[0][0])
    keep_in_step(meeting=row, at=AT)
    row = live.begin(meeting=row, by=cleo, at=TUESDAY)
    live.come(meeting=row, person=somebody("Dev"), by=somebody("Dev"), at=TUESDAY)
    return row


def points(meeting):
    return list(AgendaItem.objects.filter(meeting=meeting).select_related("meeting", "change").order_by("position", "id"))


def carried(item, at=TUESDAY + MINUTE):
    ballot = ballots.open_ballot(item=item, by=somebody("Cleo"), at=at)
    for name in ("Cleo", "Dev"):
        ballots.vote(ballot=ballot, choice="yes", reason="", by=somebody(name), at=at)
    ballots.close_ballot(ballot=ballot, by=somebody("Cleo"), at=at)


def record(item, **more):
    given = {"outcome": "approved", "reason": "Sound.", "conditions": [], "asked": [], "at": TUESDAY + 3 * MINUTE}
    return recording.record(item=item, by=somebody("Cleo"), **{**given, **more})


def at_hand(meeting):
    meeting.refresh_from_db()
    return meeting.current


def test_a_decision_gives_actions_and_goes_on_to_the_next_point(meeting, cleo):
    first, second = points(meeting)
    carried(first)
    day = (TUESDAY + 9 * DAY).date()

    made = record(first, asked=[Asked("Tell support", somebody("Dev"), day)])

    assert (made.number, at_hand(meeting)) == (1, second)
    assert (Action.objects.get().item, Action.objects.get().due_on) == (first, day)
    carried(second, TUESDAY + 5 * MINUTE)
    live.take_up(meeting=meeting, item=first, by=cleo, at=TUESDAY + 6 * MINUTE)
    record(second, at=TUESDAY + 7 * MINUTE)
    assert at_hand(meeting) == first  # what is decided out of turn moves nobody
    assert [item.state for item in points(meeting)] == ["settled", "settled"]


def test_after_the_last_point_an_open_one_before_it_comes_up(meeting, cleo):
    first, second = points(meeting)
    live.take_up(meeting=meeting, item=second, by=cleo, at=TUESDAY + MINUTE)
    carried(second)

    record(second)

    assert at_hand(meeting) == first


def test_what_is_refused_leaves_nothing_behind(meeting):
    first, _ = points(meeting)
    carried(first)
    wanted = Wanted("Load test", somebody("Dev"), "merge", TUESDAY + 9 * DAY)

    with pytest.raises(Refused, match="takes no part"):
        record(first, outcome="conditional", conditions=[wanted], asked=[Asked("x", somebody("Rex"), TUESDAY.date())])

    assert not Decision.objects.exists()
    assert not Action.objects.exists()
    assert at_hand(meeting) == first


def plain(meeting, position=0):
    given = {"kind": "point", "put_at": AT, "waiting_since": AT, "title": "Logs"}
    return AgendaItem.objects.create(meeting=meeting, key=f"point:{position}", position=position, **given)


def test_a_point_is_closed_without_a_decision(meeting, cleo):
    item = plain(meeting)

    recording.settle(item=item, by=cleo, at=TUESDAY + MINUTE)

    item.refresh_from_db()
    assert item.state == "settled"
    assert entries_about(stream=f"meeting:{meeting.number}")[0].kind == "point.settled"
    with pytest.raises(Stale, match="closed already"):
        recording.settle(item=item, by=cleo, at=TUESDAY + MINUTE)


def test_only_the_chair_closes_a_point_of_a_running_meeting(meeting, cleo):
    item, first = plain(meeting), points(meeting)[0]
    with pytest.raises(Refused, match="Only who leads"):
        recording.settle(item=item, by=somebody("Dev"), at=TUESDAY)
    with pytest.raises(Refused, match="decided by a vote"):
        recording.settle(item=points(meeting)[1], by=cleo, at=TUESDAY)
    loose = AgendaItem.objects.create(kind="point", key="x", title="x", position=1, put_at=AT, waiting_since=AT)
    with pytest.raises(Stale, match="no agenda"):
        recording.settle(item=loose, by=cleo, at=TUESDAY)
    live.end(meeting=meeting, by=cleo, at=TUESDAY + MINUTE)
    with pytest.raises(Stale, match="ended now"):
        recording.settle(item=first, by=cleo, at=TUESDAY + 2 * MINUTE)


def keep(meeting, value, note=None, version=0, by="Dev", at=TUESDAY):
    given = {"item": points(meeting)[0], "note": note, "version": version}
    return recording.keep_note(meeting=meeting, text=value, by=somebody(by), at=at, **given)


def test_a_paragraph_whose_answer_got_lost_goes_on(meeting):
    first = keep(meeting, "Costs")
    assert keep(meeting, "Costs") == first
    second = keep(meeting, "Costs are fine")

    assert (second.pk, second.version) == (first.pk, 2)
    assert keep(meeting, "Costs are fine, said Dev", note=first, version=1).version == 3  # nobody's words are lost
    assert keep(meeting, "Something else").pk != first.pk
    assert keep(meeting, "Costs", by="Cleo").pk != first.pk


def test_words_of_somebody_else_are_not_overwritten(meeting):
    note = keep(meeting, "Costs")
    keep(meeting, "Costs too much", note=note, version=1, by="Cleo")

    with pytest.raises(Overtaken, match="Cleo changed this paragraph") as caught:
        keep(meeting, "Costs little", note=note, version=1)

    assert caught.value.note.text == "Costs too much"
    assert Note.objects.get().text == "Costs too much"
