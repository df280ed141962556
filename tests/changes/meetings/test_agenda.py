"""An agenda: points that anybody puts, ordered and folded by the chair, read by each, and its digest."""

import hashlib

import pytest

from changes.meetings import agenda
from changes.meetings.digest import AgendaPoint, agenda_digest
from changes.meetings.models import AgendaItem, PreRead
from changes.meetings.queries import agenda_of
from changes.meetings.syncing import keep_in_step
from changes.proposals import actions as proposals
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.meetings.situations import AT, DAY, become, board, large, numbered, somebody, titles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meeting():
    board()
    return numbered(1)


def put(meeting, title="A point", by="Ann", key=None, note="", minutes=10, at=AT):
    return agenda.put_point(meeting=meeting, title=title, note=note, minutes=minutes, key=key or title, by=somebody(by), at=at)


def of(meeting, reader="Dev", at=AT):
    return agenda_of(meeting=numbered(meeting.number), reader=somebody(reader) if reader else None, at=at)


@pytest.mark.parametrize("name", ["Ann", "Bob", "Cleo", "Dev", "Mia"])
def test_anybody_who_works_here_puts_a_point(meeting, name):
    item = put(meeting, by=name, note="Read this first")

    assert (item.title, item.kind, item.position, item.put_by.name) == ("A point", "point", 1, name)
    assert [entry.kind for entry in entries_about(stream="meeting:1")] == ["agenda.put", "meeting.planned"]


@pytest.mark.parametrize("name", ["Uma", "Rex"])
def test_who_only_reads_puts_none(meeting, name):
    with pytest.raises(Refused, match="may not put a point"):
        put(meeting, by=name)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"title": "  ", "key": "1"}, "no title"),
        ({"title": "x" * 201}, "one line of at most 200"),
        ({"title": "one\ntwo"}, "one line"),
        ({"note": "x" * 2001}, "at most 2000"),
        ({"minutes": 0}, "from 1 to 240"),
        ({"minutes": 241}, "from 1 to 240"),
    ],
)
def test_a_bad_point_is_answered_in_words(meeting, values, words):
    with pytest.raises(Refused, match=words):
        put(meeting, **values)

    assert not AgendaItem.objects.exists()


def test_a_form_that_was_sent_twice_puts_one_point(meeting):
    assert put(meeting, key="same") == put(meeting, "Another title", key="same")
    assert titles(meeting) == ["A point"]


def test_an_agenda_takes_two_hundred_points(meeting):
    AgendaItem.objects.bulk_create(
        AgendaItem(meeting=meeting, kind="point", key=f"p{n}", title=str(n), position=n, put_at=AT, waiting_since=AT)
        for n in range(200)
    )

    with pytest.raises(Refused, match="at most 200 points"):
        put(meeting)


def test_the_chair_orders_by_steps_and_the_ends_hold(meeting):
    first, second, third = (put(meeting, title) for title in ("One", "Two", "Three"))
    cleo = somebody("Cleo")

    agenda.shift(item=third, direction="up", by=cleo, at=AT)
    agenda.shift(item=first, direction="down", by=cleo, at=AT)
    agenda.shift(item=third, direction="up", by=cleo, at=AT)
    agenda.shift(item=second, direction="down", by=cleo, at=AT)

    assert titles(meeting) == ["Three", "One", "Two"]
    with pytest.raises(Refused, match="may not set up"):
        agenda.shift(item=first, direction="up", by=somebody("Dev"), at=AT)


def test_a_folded_point_is_stepped_over(meeting):
    first, second, third = (put(meeting, title) for title in ("One", "Two", "Three"))
    cleo = somebody("Cleo")
    agenda.set_dormant(item=second, dormant=True, by=cleo, at=AT)

    agenda.shift(item=third, direction="up", by=cleo, at=AT)

    shown = of(meeting)
    assert [(line.number, line.item.title) for line in (*shown.lines, *shown.folded)] == [(1, "Three"), (2, "One"), (3, "Two")]
    first.refresh_from_db()
    assert first.position == 3


def test_minutes_are_counted_against_the_slot(meeting):
    one, two = put(meeting, "One", minutes=45), put(meeting, "Two", minutes=20)
    before = of(meeting)
    agenda.set_minutes(item=one, minutes=30, by=somebody("Cleo"), at=AT)
    after = of(meeting)
    agenda.set_dormant(item=two, dormant=True, by=somebody("Cleo"), at=AT)

    assert (before.minutes, before.slot, before.over) == (65, 60, 5)
    assert (after.minutes, after.over) == (50, 0)
    assert of(meeting).minutes == 30
    with pytest.raises(Refused, match="from 1 to 240"):
        agenda.set_minutes(item=one, minutes=999, by=somebody("Cleo"), at=AT)
    with pytest.raises(Refused, match="may not set up"):
        agenda.set_minutes(item=one, minutes=5, by=somebody("Ann"), at=AT)


def test_what_waits_for_more_than_sixty_days_is_folded_and_can_be_unfolded(meeting):
    item, cleo = put(meeting), somebody("Cleo")
    late = AT + 61 * DAY

    assert [line.idle for line in of(meeting, at=AT + 60 * DAY).lines] == [60]
    assert [(line.idle, line.number) for line in of(meeting, at=late).folded] == [(61, 1)]
    agenda.set_dormant(item=item, dormant=False, by=cleo, at=late)
    assert [line.idle for line in of(meeting, at=late).lines] == [0]
    agenda.set_dormant(item=item, dormant=False, by=cleo, at=late)
    agenda.set_dormant(item=item, dormant=True, by=cleo, at=late)
    assert of(meeting, at=late).lines == ()
    agenda.set_dormant(item=item, dormant=False, by=cleo, at=late)
    kinds = [entry.kind for entry in entries_about(stream="meeting:1")]
    assert kinds[:3] == ["agenda.unfolded", "agenda.folded", "agenda.unfolded"]


@pytest.mark.parametrize(("name", "may"), [("Cleo", True), ("Ann", True), ("Dev", False), ("Mia", False)])
def test_the_chair_takes_points_off_and_who_put_one_that_one(meeting, name, may):
    item = put(meeting, by="Ann")

    if may:
        agenda.take_off(item=item, reason="Settled in the corridor", by=somebody(name), at=AT)
    else:
        with pytest.raises(Refused, match="The chair takes points off"):
            agenda.take_off(item=item, reason="No", by=somebody(name), at=AT)

    assert titles(meeting) == ([] if may else ["A point"])
    assert [off.reason for off in of(meeting).off] == (["Settled in the corridor"] if may else [])


def test_a_point_is_taken_off_once_and_with_a_reason(meeting):
    item, cleo = put(meeting), somebody("Cleo")

    with pytest.raises(Refused, match="why is it taken off"):
        agenda.take_off(item=item, reason=" ", by=cleo, at=AT)
    agenda.take_off(item=item, reason="Twice there", by=cleo, at=AT)

    for act in (
        lambda: agenda.take_off(item=item, reason="Again", by=cleo, at=AT),
        lambda: agenda.set_minutes(item=item, minutes=5, by=cleo, at=AT),
        lambda: agenda.shift(item=item, direction="up", by=cleo, at=AT),
    ):
        with pytest.raises(Stale, match="not on the agenda any more"):
            act()


def test_an_agenda_stands_once_its_meeting_has_begun(meeting):
    item, cleo = put(meeting), somebody("Cleo")
    become(meeting, "live", started_at=AT)

    for act in (
        lambda: put(meeting, "Late"),
        lambda: agenda.shift(item=item, direction="up", by=cleo, at=AT),
        lambda: agenda.take_off(item=item, reason="Late", by=cleo, at=AT),
    ):
        with pytest.raises(Stale, match="so its agenda stands"):
            act()


def test_a_point_that_is_decided_by_written_vote_stands_on_no_agenda(meeting):
    item = AgendaItem.objects.create(kind="proposal", key="change:1", title="x", position=1, put_at=AT, waiting_since=AT)

    with pytest.raises(Stale, match="written vote"):
        agenda.set_minutes(item=item, minutes=5, by=somebody("Cleo"), at=AT)


def test_each_reads_by_themselves_and_an_edit_makes_it_unread(meeting):
    change, dev = large(), somebody("Dev")
    keep_in_step(meeting=meeting, at=AT)
    put(meeting)
    item = AgendaItem.objects.get(kind="proposal")

    agenda.mark_read(item=item, by=dev, at=AT + DAY / 24)
    agenda.mark_read(item=item, by=dev, at=AT + DAY / 24)

    assert [line.read for line in of(meeting).lines] == [True, False]
    assert [line.read for line in of(meeting, "Cleo").lines] == [False, False]
    assert [line.read for line in of(meeting, None).lines] == [None, None]
    assert len(of(meeting).unread) == 1
    proposals.revise(
        change=change,
        texts={"title": "Split it", "why": "very slow", "rollback": "redeploy"},
        source="form",
        at=AT + DAY,
        by=dev,
        actor="portal",
    )
    first = of(meeting).lines[0]
    assert (first.read, first.edited) == (False, True)
    agenda.mark_unread(item=item, by=dev)
    assert not PreRead.objects.exists()


def test_the_digest_of_an_agenda_follows_order_words_minutes_and_texts(meeting):
    change = large()
    keep_in_step(meeting=meeting, at=AT)
    first = put(meeting)
    digests = [of(meeting).digest]

    agenda.shift(item=first, direction="up", by=somebody("Cleo"), at=AT)
    digests.append(of(meeting).digest)
    agenda.set_minutes(item=first, minutes=11, by=somebody("Cleo"), at=AT)
    digests.append(of(meeting).digest)
    proposals.revise(
        change=change,
        texts={"title": change.title, "why": "slow", "rollback": "drop it"},
        source="form",
        at=AT,
        by=None,
        actor="portal",
    )
    digests.append(of(meeting).digest)

    assert len(set(digests)) == 4
    assert of(meeting, None, AT + DAY).digest == digests[-1]


def test_the_digest_is_that_of_canonical_json():
    points = [
        AgendaPoint(number=2, key="point:a", kind="point", title="Zwei", note="", minutes=5, folded=False),
        AgendaPoint(number=1, key="change:7", kind="proposal", title="CHG-7 Eins", note="n", minutes=15, folded=False, text="d"),
    ]

    assert agenda_digest(meeting=31, points=points) == agenda_digest(meeting=31, points=reversed(points))
    text = (
        '{"meeting":31,"points":['
        '{"folded":false,"key":"change:7","kind":"proposal","minutes":15,"note":"n","number":1,"text":"d","title":"CHG-7 Eins"},'
        '{"folded":false,"key":"point:a","kind":"point","minutes":5,"note":"","number":2,"text":"","title":"Zwei"}]}'
    )
    assert agenda_digest(meeting=31, points=points) == hashlib.sha256(text.encode()).hexdigest()
