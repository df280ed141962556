"""A meeting while it runs: begun once, people coming and going, the point at hand, notes, its end. State lives here, not in a tab.

Actions raise ``Refused`` or ``Stale``; nothing was changed then. Whoever may vote or lead may act; the chair of the day leads.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Model, Q

from changes.meetings.actions import locked, mark_quorum
from changes.meetings.models import Action, AgendaItem, Attendance, Ballot, Meeting, Note
from changes.meetings.planning import stream_of, tell
from changes.meetings.queries import agenda_of
from changes.meetings.roster import roster_at
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

State = Meeting.State
EARLY = timedelta(hours=1)
"""How long before its time a meeting may begin."""
LONGEST_NOTE = 20_000


@transaction.atomic
def begin(*, meeting: Meeting, by: User, at: datetime) -> Meeting:
    """Begin a planned meeting. Its agenda is fixed by its digest; ``by`` leads it and is there.

    Two who begin at once: the second is told who was faster. Refused for who has no seat as chair or deputy.
    """
    row = locked(meeting)
    if row.state != State.PLANNED:
        who = f" {row.chair.name} leads it." if row.chair else ""
        raise Stale(f"{row} is {State(row.state).label.lower()} already.{who}")
    roster = roster_at(row.series, at=at)
    if by.pk not in roster.leads:
        raise Refused(Clause.OVERSEEN, f"{by.name} does not lead this meeting.", "The chair or a deputy begins it.")
    if at < row.planned_at - EARLY:
        raise Refused(Clause.OVERSEEN, "The meeting is not due yet.", "Begin it in the hour before its time, or move it.")
    row.agenda_digest = agenda_of(meeting=row, reader=None, at=at).digest
    row.state, row.chair, row.started_at = State.LIVE, by, at
    row.current = row.items.filter(state=AgendaItem.State.OPEN).order_by("position", "id").first()
    row.current_since = at
    row.version += 1
    row.save(update_fields=["agenda_digest", "state", "chair", "started_at", "current", "current_since", "version"])
    tell("meeting.begun", row, by=by, at=at, agenda=row.agenda_digest)
    _come(row, by, by, at)
    return row


@transaction.atomic
def come(*, meeting: Meeting, person: User, by: User, at: datetime) -> Attendance:
    """Note that somebody is there: oneself, or anybody by who leads. Being there already changes nothing."""
    row = _running(meeting)
    if person.pk != by.pk:
        _check_leads(row, by)
    if not may_at(person, P.MEETING_SEE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{person.name} may not see meetings.")
    return _come(row, person, by, at)


def _come(row: Meeting, person: User, by: User, at: datetime) -> Attendance:
    there = row.attendances.filter(person=person, left_at=None).first()
    if there is not None:
        return there
    attendance = Attendance.objects.create(meeting=row, person=person, came_at=at)
    _note(row, "meeting.came", by, at, [attendance], person=person.name)
    return attendance


@transaction.atomic
def go(*, meeting: Meeting, person: User, by: User, at: datetime) -> None:
    """Note that somebody has left. Who left cannot vote until they are back."""
    row = _running(meeting)
    if person.pk != by.pk:
        _check_leads(row, by)
    there = row.attendances.filter(person=person, left_at=None).first()
    if there is None:
        raise Stale(f"{person.name} is not there.")
    there.left_at = at
    there.save(update_fields=["left_at"])
    _note(row, "meeting.left", by, at, [there], person=person.name)


@transaction.atomic
def take_up(*, meeting: Meeting, item: AgendaItem, by: User, at: datetime) -> Meeting:
    """Make a point the one at hand; its clock begins."""
    row = _running(meeting)
    _check_leads(row, by)
    if not row.items.filter(pk=item.pk).exclude(state=AgendaItem.State.DROPPED).exists():
        raise Stale("This point is not on the agenda.")
    row.current, row.current_since = item, at
    row.version += 1
    row.save(update_fields=["current", "current_since", "version"])
    _ring(row)
    return row


@transaction.atomic
def write_note(*, meeting: Meeting, item: AgendaItem | None, text: str, by: User, at: datetime) -> Note:
    """Begin a paragraph of the minutes. Several people may take notes at once, each in paragraphs of their own or others'."""
    row = _running(meeting)
    _check_note_taker(by, text, at)
    note = Note.objects.create(meeting=row, item=item, text=text, by=by, at=at)
    _ring(row)
    return note


@transaction.atomic
def edit_note(*, note: Note, text: str, version: int, by: User, at: datetime) -> Note:
    """Change a paragraph. Raises ``Stale`` when somebody changed it meanwhile: nothing of theirs is overwritten."""
    row = _running(note.meeting)
    _check_note_taker(by, text, at)
    held = Note.objects.select_for_update(of=("self",)).get(pk=note.pk)
    if held.version != version:
        raise Stale("Somebody changed this paragraph while you wrote. Yours is kept below; put the two together.")
    held.text, held.by, held.at = text, by, at
    held.version += 1
    held.save(update_fields=["text", "by", "at", "version"])
    _ring(row)
    return held


@transaction.atomic
def ask_for(*, meeting: Meeting, item: AgendaItem | None, text: str, owner: User, due_on: date, by: User, at: datetime) -> Action:
    """Give somebody something to do by a day. It stands on every agenda until it is done."""
    row = _running(meeting)
    _check_leads(row, by)
    if not text.strip():
        raise Refused(Clause.OVERSEEN, "The action says nothing.", "Write what is to be done.")
    if not may_at(owner, P.CHANGE_PROPOSE, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{owner.name} takes no part in changes.", "Choose somebody who does.")
    action = Action.objects.create(meeting=row, item=item, text=text.strip(), owner=owner, due_on=due_on, by=by, at=at)
    _note(row, "action.asked", by, at, [action], text=action.text, owner=owner.name, due_on=str(due_on))
    return action


@transaction.atomic
def finish_action(*, action: Action, note: str, by: User, at: datetime) -> Action:
    """Say what was done: its owner, or who leads the meetings. Raises ``Stale`` when it is done already."""
    held = Action.objects.select_for_update(of=("self",)).select_related("meeting").get(pk=action.pk)
    if held.done_at is not None:
        raise Stale("This action is done already.")
    if held.owner_id != by.pk and not may_at(by, P.MEETING_LEAD, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, "Its owner or the chair closes an action.")
    if not note.strip():
        raise Refused(Clause.OVERSEEN, "It is not said what was done.", "Write it in a sentence.")
    held.done_at, held.done_by, held.done_note = at, by, note.strip()
    held.save(update_fields=["done_at", "done_by", "done_note"])
    _note(held.meeting, "action.done", by, at, [held], text=held.text, note=held.done_note)
    return held


@transaction.atomic
def end(*, meeting: Meeting, by: User, at: datetime) -> Meeting:
    """End a meeting: everybody leaves, and what was not settled waits for the next agenda. Refused while a vote is open."""
    row = _running(meeting)
    _check_leads(row, by)
    if Ballot.objects.filter(item__meeting=row, closed_at=None).exists():
        raise Refused(Clause.OVERSEEN, "A vote is open.", "Close it, then end the meeting.")
    for there in row.attendances.filter(left_at=None):
        there.left_at = at
        there.save(update_fields=["left_at"])
        _note(row, "meeting.left", by, at, [there], person=there.person.name)
    row.items.filter(state=AgendaItem.State.OPEN).update(state=AgendaItem.State.CARRIED)
    row.state, row.ended_at, row.current, row.current_since = State.ENDED, at, None, None
    row.version += 1
    row.save(update_fields=["state", "ended_at", "current", "current_since", "version"])
    tell("meeting.ended", row, by=by, at=at)
    mark_quorum(meeting=row, at=at)
    return row


def present_at(meeting: Meeting, *, at: datetime) -> frozenset[int]:
    """Ids of the people who are there at a moment."""
    there = Attendance.objects.filter(Q(left_at=None) | Q(left_at__gt=at), meeting=meeting, came_at__lte=at)
    return frozenset(there.values_list("person", flat=True))


def _running(meeting: Meeting) -> Meeting:
    row = locked(meeting)
    if row.state != State.LIVE:
        raise Stale(f"{row} is {State(row.state).label.lower()} now.")
    return row


def _check_leads(row: Meeting, by: User) -> None:
    if row.chair_id != by.pk:
        raise Refused(Clause.OVERSEEN, f"{row.chair.name if row.chair else 'Nobody'} leads this meeting.", "Ask them to do it.")


def _check_note_taker(by: User, text: str, at: datetime) -> None:
    if not may_at(by, P.MEETING_VOTE, at=at):
        raise Refused(Clause.OVERSEEN, f"{by.name} does not take notes here.", "Tell somebody of the architecture team.")
    if len(text) > LONGEST_NOTE:
        raise Refused(Clause.OVERSEEN, "The paragraph is too long.", f"Write at most {LONGEST_NOTE:,} characters.")


def _note(row: Meeting, kind: str, by: User, at: datetime, rows: list[Model], **fact: str) -> None:
    append(
        stream=stream_of(row),
        kind=kind,
        actor=actor_of(by),
        fact={"meeting": row.number, "by": by.name, "at": at.isoformat(), **fact},
        rows=rows,
    )
    _ring(row)


def _ring(row: Meeting) -> None:
    ring(f"meeting-{row.number}")
