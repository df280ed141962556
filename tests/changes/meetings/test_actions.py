"""A meeting moved, cancelled, missed or without quorum: each with its reason, its entry and its deviation."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from changes.exceptions import missed
from changes.exceptions.models import ExceptionRecord
from changes.exceptions.tasks import find_missed_meetings
from changes.meetings import actions, keeping
from changes.meetings.models import Attendance
from changes.meetings.tasks import keep_meetings
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.meetings.situations import AT, DAY, become, board, meetings, numbered, somebody
from tests.database import cover

pytestmark = pytest.mark.django_db(transaction=True)
HELD = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
OVER = datetime(2026, 11, 3, 23, 0, tzinfo=UTC)
"""Midnight in Berlin after the first meeting."""


def moved(to, by="Cleo", version=1, reason="The room is taken", at=AT):
    return actions.move(meeting=numbered(1), planned_at=to, reason=reason, version=version, by=somebody(by), at=at)


def attended(number, *spells):
    with transaction.atomic():
        for name, came, left in spells:
            row = Attendance(meeting=numbered(number), person=somebody(name), came_at=HELD + timedelta(minutes=came))
            row.left_at = HELD + timedelta(minutes=left) if left else None
            row.save()
            cover(row)


def ended(number=1):
    become(numbered(number), "live", started_at=HELD)
    return become(numbered(number), "ended", ended_at=HELD + timedelta(hours=1))


def test_a_meeting_is_moved_with_a_reason():
    board()

    row = moved(HELD + 2 * DAY)
    again = moved(HELD + 3 * DAY, version=2, reason="The room is taken again")

    assert (row.moved_from, row.planned_at, row.reason) == (HELD, HELD + 2 * DAY, "The room is taken")
    assert (again.moved_from, again.version) == (HELD, 3)
    entry = entries_about(stream="meeting:1")[0]
    assert (entry.kind, entry.fact["before"], entry.fact["by"]) == ("meeting.moved", (HELD + 2 * DAY).isoformat(), "Cleo")


@pytest.mark.parametrize(
    ("to", "reason", "words"),
    [
        (HELD + DAY, "", "why is it moved"),
        (HELD + DAY, "x" * 2001, "at most 2000"),
        (AT, "Earlier", "This moment is over"),
        (HELD, "No", "planned for this moment already"),
        (AT + 401 * DAY, "Later", "at most 400 days"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_in_words(to, reason, words):
    board()

    with pytest.raises(Refused, match=words):
        moved(to, reason=reason)


def test_only_who_leads_moves_and_cancels():
    board()

    with pytest.raises(Refused, match="may not set up"):
        moved(HELD + DAY, by="Dev")
    with pytest.raises(Refused, match="may not set up"):
        actions.cancel(meeting=numbered(1), reason="No", version=1, by=somebody("Dev"), at=AT)


def test_two_who_move_a_meeting_at_once_are_told():
    board()
    moved(HELD + DAY)

    with pytest.raises(Stale, match="planned for 4 Nov 2026 09:00 UTC"):
        moved(HELD + 2 * DAY)


def test_a_cancelled_meeting_is_over():
    board()

    with pytest.raises(Refused, match="why is it cancelled"):
        actions.cancel(meeting=numbered(1), reason=" ", version=1, by=somebody("Cleo"), at=AT)
    row = actions.cancel(meeting=numbered(1), reason="Nothing to discuss", version=1, by=somebody("Cleo"), at=AT)

    assert (row.state, row.reason) == ("cancelled", "Nothing to discuss")
    with pytest.raises(Stale, match="is cancelled now"):
        moved(HELD + DAY, version=2)
    assert not actions.mark_missed(meeting=row, at=AT + 9 * DAY)


def test_a_meeting_that_was_not_held_by_the_end_of_its_day_is_missed():
    board()

    keeping.keep(at=OVER - timedelta(seconds=1))
    before = meetings_state(1)
    keeping.keep(at=OVER)
    keeping.keep(at=OVER)

    assert (before, meetings_state(1)) == ("planned", "missed")
    assert [entry.kind for entry in entries_about(stream="meeting:1")] == ["meeting.missed", "meeting.planned"]
    assert missed.find(at=OVER) == 1
    assert missed.find(at=OVER) == 0
    record = ExceptionRecord.objects.get()
    assert (record.kind, record.clause, record.owner.name, record.repository) == ("meeting_missed", "P-30", "Cleo", None)
    assert record.sentence == "Architecture meeting 1 of 3 Nov 2026 was not held."


def meetings_state(number):
    return numbered(number).state


def test_the_reason_of_a_missed_meeting_answers_its_exception():
    row = board()
    keeping.keep(at=OVER)
    cleo = somebody("Cleo")

    with pytest.raises(Refused, match="why is it missed"):
        missed.explain(meeting=numbered(1), reason=" ", by=cleo, at=OVER)
    with pytest.raises(Refused, match="may not set up"):
        missed.explain(meeting=numbered(1), reason="Ill", by=somebody("Dev"), at=OVER)
    missed.explain(meeting=numbered(1), reason="Three of five were ill", by=cleo, at=OVER)

    record = ExceptionRecord.objects.get()
    assert (record.state, record.steps.get().note) == ("explained", "Three of five were ill")
    assert numbered(1).reason == "Three of five were ill"
    with pytest.raises(Stale, match="answered already"):
        missed.explain(meeting=numbered(1), reason="Otherwise", by=cleo, at=OVER)
    assert meetings(row)[0][1] == "missed"


def test_a_meeting_that_is_planned_or_was_held_needs_no_reason():
    board()

    with pytest.raises(Stale, match="neither missed nor without quorum"):
        actions.give_reason(meeting=numbered(1), reason="Why", by=somebody("Cleo"), at=AT)


@pytest.mark.parametrize(
    ("spells", "quorate"),
    [
        ([("Cleo", 0, 60), ("Dev", 5, 60)], True),
        ([("Cleo", 0, 60), ("Dev", 5, 6)], True),
        ([("Cleo", 0, 60)], False),
        ([("Dev", 0, 60), ("Eli", 0, 60)], False),
        ([("Cleo", 0, 60), ("Ann", 0, 60)], False),
    ],
)
def test_an_ended_meeting_is_marked_once_by_its_attendance(spells, quorate):
    board()
    attended(1, *spells)
    row = ended()

    assert actions.mark_quorum(meeting=row, at=OVER) is quorate
    assert actions.mark_quorum(meeting=row, at=OVER) is quorate

    assert numbered(1).quorate is quorate
    kinds = [entry.kind for entry in entries_about(stream="meeting:1")]
    assert kinds == ["meeting.quorum_found" if quorate else "meeting.no_quorum", "meeting.planned"]
    assert missed.find(at=OVER) == (0 if quorate else 1)


def test_a_meeting_without_quorum_is_a_deviation_with_a_reason():
    board()
    attended(1, ("Cleo", 0, 60))
    ended()
    keep_meetings()
    find_missed_meetings()

    missed.explain(meeting=numbered(1), reason="The train stood still", by=somebody("Cleo"), at=OVER)

    record = ExceptionRecord.objects.get(subject="1")
    assert record.sentence == "Architecture meeting 1 of 3 Nov 2026 was held without its quorum."
    assert record.state == "explained"
    assert numbered(1).reason == "The train stood still"


def test_a_quorum_is_asked_of_meetings_that_have_ended():
    board()

    with pytest.raises(Stale, match="is planned"):
        actions.mark_quorum(meeting=numbered(1), at=AT)


def test_voters_are_reminded_once_the_working_day_before_and_again_when_it_moves():
    board()

    assert keeping.remind(at=datetime(2026, 11, 2, 8, 59, tzinfo=UTC)) == 0
    assert keeping.remind(at=datetime(2026, 11, 2, 9, 0, tzinfo=UTC)) == 1
    assert keeping.remind(at=datetime(2026, 11, 2, 9, 1, tzinfo=UTC)) == 0
    moved(datetime(2026, 11, 9, 9, 0, tzinfo=UTC))
    assert keeping.remind(at=datetime(2026, 11, 5, 9, 0, tzinfo=UTC)) == 0
    assert keeping.remind(at=datetime(2026, 11, 6, 9, 0, tzinfo=UTC)) == 1
