"""One press of the chair: the decision with its conditions, what it asks of people, and the next point. All of it or nothing.

Also the note that several people write: what is a continuation of what stands there overwrites nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from changes.approvals.conditions import Wanted
from changes.meetings.actions import locked
from changes.meetings.deciding import VOTED, decide
from changes.meetings.live import ask_for, edit_note, take_up, write_note
from changes.meetings.models import AgendaItem, Decision, Meeting, Note
from changes.meetings.planning import stream_of
from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale


@dataclass(frozen=True)
class Asked:
    """What somebody is to do by a day."""

    text: str
    owner: User
    due_on: date


@transaction.atomic
def record(
    *,
    item: AgendaItem,
    outcome: str,
    reason: str,
    conditions: Sequence[Wanted],
    asked: Sequence[Asked],
    by: User,
    at: datetime,
) -> Decision:
    """Record what was decided about a point of a running meeting, and take up the next open point when this one was at hand."""
    decision = decide(item=item, outcome=outcome, reason=reason, conditions=conditions, by=by, at=at)
    if item.meeting is not None:
        for each in asked:
            ask_for(meeting=item.meeting, item=item, text=each.text, owner=each.owner, due_on=each.due_on, by=by, at=at)
        _go_on(item.meeting, item, by, at)
    return decision


@transaction.atomic
def settle(*, item: AgendaItem, by: User, at: datetime) -> None:
    """Close a point on which there is nothing to decide, and take up the next one. Not for what a vote decides."""
    if item.meeting is None:
        raise Stale("This point is on no agenda.")
    meeting = locked(item.meeting)
    if meeting.state != Meeting.State.LIVE:
        raise Stale(f"{meeting} is {Meeting.State(meeting.state).label.lower()} now.")
    if meeting.chair_id != by.pk:
        raise Refused(Clause.OVERSEEN, "Only who leads the meeting closes a point.")
    if item.kind in VOTED:
        raise Refused(Clause.LARGE_DECIDED, "This point is decided by a vote.", "Record a decision, or defer it.")
    if not AgendaItem.objects.filter(pk=item.pk, state=AgendaItem.State.OPEN).update(state=AgendaItem.State.SETTLED):
        raise Stale("This point is closed already.")
    append(
        stream=stream_of(meeting),
        kind="point.settled",
        actor=actor_of(by),
        fact={"meeting": meeting.number, "point": item.key, "title": item.title, "by": by.name, "at": at.isoformat()},
    )
    _go_on(meeting, item, by, at)


def _go_on(meeting: Meeting, item: AgendaItem, by: User, at: datetime) -> None:
    """To the next open point in the order of the agenda, from its start again when there is none behind."""
    if locked(meeting).current_id != item.pk:
        return
    waiting = list(meeting.items.filter(state=AgendaItem.State.OPEN).order_by("position", "id"))
    behind = [each for each in waiting if (each.position, each.pk) > (item.position, item.pk)]
    for following in [*behind, *waiting][:1]:
        take_up(meeting=meeting, item=following, by=by, at=at)


class Overtaken(Stale):
    """Somebody changed the paragraph meanwhile. ``note`` is how it stands now."""

    def __init__(self, note: Note) -> None:
        super().__init__(f"{note.by.name} changed this paragraph while you wrote. Yours is still in the box.")
        self.note = note


@transaction.atomic
def keep_note(
    *, meeting: Meeting, item: AgendaItem | None, note: Note | None, text: str, version: int, by: User, at: datetime
) -> Note:
    """Keep what somebody has typed, again and again. ``version`` is that of the paragraph they began from.

    Where an answer was lost on its way, the text is there already, or is the beginning of this one: then it is the same
    paragraph. Raises ``Overtaken`` when somebody else's words would be lost.
    """
    found = note or _begun(meeting, item, text, by)
    if found is None:
        return write_note(meeting=meeting, item=item, text=text, by=by, at=at)
    held = Note.objects.select_for_update(of=("self",)).select_related("meeting", "by").get(pk=found.pk)
    if held.text == text:
        return held
    if note is not None and held.version != version and held.text.strip() not in text:
        raise Overtaken(held)
    return edit_note(note=held, text=text, version=held.version, by=by, at=at)


def _begun(meeting: Meeting, item: AgendaItem | None, text: str, by: User) -> Note | None:
    """The paragraph that this person began and whose answer got lost: the newest of theirs, when this text continues it."""
    newest = Note.objects.filter(meeting=meeting, item=item, by=by).order_by("-id").first()
    return newest if newest is not None and newest.text and text.startswith(newest.text) else None
