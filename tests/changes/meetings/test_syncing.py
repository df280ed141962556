"""The agenda builds itself: what waits comes, what waits no more goes, what was not settled is carried over; order stays."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes.meetings import actions, agenda, keeping, sources
from changes.meetings.models import AgendaItem
from changes.meetings.sources import Point
from changes.meetings.syncing import keep_in_step, next_meeting, steps
from changes.proposals import actions as proposals
from changes.proposals.models import Change
from tests.changes.meetings.situations import (
    AT,
    DAY,
    asked,
    become,
    board,
    decided,
    large,
    numbered,
    somebody,
    titles,
)
from tests.database import lifted

pytestmark = pytest.mark.django_db(transaction=True)
Kind, State = AgendaItem.Kind, AgendaItem.State


@pytest.fixture
def meeting():
    board()
    return numbered(1)


@pytest.fixture
def waiting(monkeypatch):
    """Points that wait, to be changed at will; nothing else does."""
    found = {}
    monkeypatch.setattr(sources, "_providers", [lambda at: found.values()])

    def wait(*keys, **titles):
        for key in keys:
            found[key] = Point(kind=Kind.FINDING, key=key, title=titles.get("title", key))

    wait.found = found
    return wait


def put(meeting, title, by="Ann"):
    return agenda.put_point(meeting=meeting, title=title, note="", minutes=10, key=title, by=somebody(by), at=AT)


def step(number=1, at=AT):
    return keep_in_step(meeting=numbered(number), at=at)


def test_a_large_change_in_review_comes_onto_the_agenda(meeting):
    change = large()
    step()

    item = AgendaItem.objects.get()
    assert (item.kind, item.key, item.change, item.minutes) == ("proposal", f"change:{change.number}", change, 15)
    assert (item.title, item.note) == (f"{change} Split the queue", "Proposed by Ann")
    assert step(at=AT + DAY).none


def test_a_decision_takes_a_change_off_and_its_end_brings_it_back(meeting):
    change, other, later = large(), large("Second"), large("Third")
    decided(change)
    decided(other, lapsed="the proposal was edited")
    decided(later, outcome="deferred")

    step()

    shown = [(item.kind, item.title, item.note) for item in AgendaItem.objects.filter(meeting=meeting).order_by("position")]
    assert shown == [
        ("lapsed", f"{other} Second", "Decision 2 counts no more: the proposal was edited"),
        ("proposal", f"{later} Third", "Proposed by Ann"),
    ]


@pytest.mark.parametrize("outcome", ["approved", "conditional", "rejected"])
def test_a_decision_that_is_too_old_counts_no_more(meeting, outcome):
    change = large()
    decided(change, outcome=outcome, expires_at=AT + DAY)

    assert step().none
    step(at=AT + DAY)

    assert AgendaItem.objects.get(meeting=meeting).note == "Decision 1 counts no more: its time ran out"


@pytest.mark.parametrize("values", [{"size": "normal"}, {"category": "emergency"}, {"state": "draft"}, {"state": "merged"}])
def test_other_changes_stay_off(meeting, values):
    change = large()
    with lifted(connection, "changes_change"):
        Change.objects.filter(pk=change.pk).update(**values)

    assert step().none


def test_open_actions_come_until_they_are_done(meeting):
    asked(numbered(1))

    step()
    assert titles(meeting) == ["Write the runbook"]
    assert AgendaItem.objects.get().note == "Dev, due 1 Dec 2026, from meeting 1"


def test_new_points_come_last_and_nobodys_order_is_changed(meeting, waiting):
    waiting("a", "b")
    step()
    put(meeting, "Mine")
    agenda.shift(item=AgendaItem.objects.get(key="b"), direction="up", by=somebody("Cleo"), at=AT)
    waiting("c")

    step()

    assert titles(meeting) == ["b", "a", "Mine", "c"]


def test_what_waits_no_more_is_taken_off_and_kept_and_comes_back_to_its_place(meeting, waiting):
    waiting("a", "b")
    step()
    gone = waiting.found.pop("a")
    step()

    assert (titles(meeting), titles(meeting, "dropped")) == (["b"], ["a"])
    waiting.found["a"] = gone
    step()
    assert titles(meeting) == ["a", "b"]


def test_what_the_chair_took_off_stays_off_this_agenda_and_comes_to_the_next(meeting, waiting):
    waiting("a")
    step()
    agenda.take_off(item=AgendaItem.objects.get(), reason="Not ready", by=somebody("Cleo"), at=AT)

    assert step().none
    actions.cancel(meeting=numbered(1), reason="x", version=1, by=somebody("Cleo"), at=AT)
    step(2)

    assert titles(numbered(2)) == ["a"]
    assert titles(meeting, "dropped") == ["a"]


def test_titles_follow_and_minutes_stay(meeting):
    change = large()
    step()
    agenda.set_minutes(item=AgendaItem.objects.get(), minutes=40, by=somebody("Cleo"), at=AT)
    proposals.revise(
        change=change,
        texts={"title": "Split both", "why": "slow", "rollback": "redeploy"},
        source="form",
        at=AT,
        by=None,
        actor="portal",
    )

    step()

    item = AgendaItem.objects.get()
    assert (item.title, item.minutes) == (f"{change} Split both", 40)


def test_what_was_not_settled_goes_on_with_its_age(meeting, waiting):
    waiting("a", "b")
    step()
    mine = put(meeting, "Mine")
    agenda.set_dormant(item=mine, dormant=True, by=somebody("Cleo"), at=AT)
    AgendaItem.objects.filter(key="b").update(state=State.SETTLED)
    waiting.found.pop("b")
    keeping.keep(at=AT + 2 * DAY)

    second = numbered(2)
    assert titles(second) == ["a", "Mine"]
    carried = AgendaItem.objects.get(meeting=second, key="a")
    assert (carried.carried_from.meeting, carried.waiting_since, carried.minutes) == (numbered(1), AT, 10)
    again = AgendaItem.objects.get(meeting=second, title="Mine")
    assert (again.dormant, again.put_by.name) == (True, "Ann")
    assert (titles(meeting, "carried"), titles(meeting, "settled")) == (["a", "Mine"], ["b"])
    assert step(2, AT + 3 * DAY).none


def test_a_point_of_a_missed_meeting_that_waits_no_more_is_not_carried(meeting, waiting):
    waiting("a")
    step()
    waiting.found.clear()
    keeping.keep(at=AT + 2 * DAY)

    assert titles(numbered(2)) == []
    assert titles(meeting, "dropped") == ["a"]


def test_what_a_meeting_discusses_right_now_is_on_no_other_agenda(meeting, waiting):
    waiting("a", "b")
    step()
    become(meeting, "live", started_at=AT)

    assert step(2).none
    AgendaItem.objects.filter(key="a").update(state=State.SETTLED)
    become(meeting, "ended", ended_at=AT)
    waiting.found.pop("a")
    step(2)

    assert titles(numbered(2)) == ["b"]


def test_an_agenda_that_has_begun_is_not_touched(meeting, waiting):
    waiting("a")
    become(meeting, "live", started_at=AT)

    assert step().none
    assert not AgendaItem.objects.exists()


def test_points_follow_when_another_meeting_comes_first(meeting, waiting):
    waiting("a")
    step()
    put(meeting, "Mine")
    actions.move(meeting=meeting, planned_at=AT + 20 * DAY, reason="Later", version=1, by=somebody("Cleo"), at=AT)
    assert next_meeting(at=AT) == numbered(2)
    step(2)
    assert (titles(numbered(2)), titles(meeting)) == (["a"], ["Mine"])

    actions.move(meeting=meeting, planned_at=AT + 3 * DAY, reason="Not so", version=2, by=somebody("Cleo"), at=AT)
    step(1)
    assert (titles(numbered(2)), titles(meeting)) == ([], ["a", "Mine"])
    assert step(1).none


def test_an_agenda_has_room_for_two_hundred(meeting, waiting):
    waiting(*(f"p{number}" for number in range(205)))

    found = step()

    assert (len(titles(meeting)), found.left_out) == (200, 5)
    waiting.found.pop("p0")
    found = step()
    assert (len(titles(meeting)), found.left_out) == (200, 4)
    assert titles(meeting)[-1] == "p200"


def test_carried_points_come_before_new_ones_when_there_is_little_room():
    old = [AgendaItem(key=f"o{number}", put_by_id=1, state=State.OPEN, reason="") for number in range(3)]
    own = [AgendaItem(key=f"m{number}", put_by_id=1, state=State.OPEN, reason="") for number in range(198)]
    new = {"n": Point(kind=Kind.FINDING, key="n", title="n")}

    found = steps(own=own, loose=old, wanted=new)

    assert ([item.key for item in found.carry], found.add, found.left_out) == (["o0", "o1"], [], 1)


def test_of_two_old_points_with_one_key_one_is_carried():
    old = [AgendaItem(key="a", state=State.OPEN, reason="") for _ in range(2)]

    found = steps(own=[], loose=old, wanted={"a": Point(kind=Kind.FINDING, key="a", title="a")})

    assert (found.carry, found.passed, found.add) == ([old[0]], [old[1]], [])


def test_a_look_at_an_agenda_of_two_hundred_asks_few_questions(meeting, waiting):
    waiting(*(f"p{number}" for number in range(200)))
    step()

    with CaptureQueriesContext(
        connection,
    ) as asked_for:
        assert step().none

    assert len(asked_for) <= 4, [query["sql"] for query in asked_for]


def test_of_two_points_with_one_key_the_first_counts(waiting, monkeypatch):
    first, second = (Point(kind=Kind.FINDING, key="a", title=title) for title in ("First", "Second"))
    monkeypatch.setattr(sources, "_providers", [lambda at: [first], lambda at: [second]])

    assert sources.points(at=AT) == {"a": first}


def test_a_provider_registers_once(monkeypatch):
    monkeypatch.setattr(sources, "_providers", [])

    def gives(at):
        return ()

    assert sources.provider(sources.provider(gives)) is gives
    assert sources._providers == [gives]
