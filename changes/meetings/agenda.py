"""What people do with an agenda: put points, order them, say how long each takes, fold them, take them off, read them.

Only the agenda of a meeting that is still planned is changed here; from its start on it stands as its digest says. Actions
raise ``Refused`` or ``Stale``; nothing was changed then.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from changes.meetings import policy
from changes.meetings.actions import locked
from changes.meetings.models import AgendaItem, Meeting, PreRead
from changes.meetings.planning import stream_of
from changes.meetings.series import check_leads
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

State = AgendaItem.State
UP, DOWN = "up", "down"


@transaction.atomic
def put_point(*, meeting: Meeting, title: str, note: str, minutes: int, key: str, by: User, at: datetime) -> AgendaItem:
    """Put a point last on an agenda. ``key`` names the form that was sent: sent twice, it puts one point."""
    if not may_at(by, P.AGENDA_PUT, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {P.AGENDA_PUT.sentence}.")
    row = _planned(meeting)
    items = AgendaItem.objects.filter(meeting=row)
    known = items.filter(key=f"point:{key}").first()
    if known is not None:
        return known
    policy.check_point(title=title, note=note, minutes=minutes, count=items.filter(state=State.OPEN).count())
    item = AgendaItem.objects.create(
        meeting=row,
        kind=AgendaItem.Kind.POINT,
        key=f"point:{key}",
        title=title.strip(),
        note=note.strip(),
        minutes=minutes,
        position=(items.aggregate(last=Max("position"))["last"] or 0) + 1,
        put_by=by,
        put_at=at,
        waiting_since=at,
    )
    _tell("agenda.put", item, by, at)
    return item


@transaction.atomic
def shift(*, item: AgendaItem, direction: str, by: User, at: datetime) -> AgendaItem:
    """Move a point by one place, ``up`` or ``down``. At the end of the list it stays where it is."""
    check_leads(by, at)
    row = _planned(item.meeting)
    open_items = list(AgendaItem.objects.filter(meeting=row, state=State.OPEN).order_by("position", "id"))
    moving = _among(open_items, item)
    beside = [other for other in open_items if is_dormant(other, at=at) == is_dormant(moving, at=at)]
    place = beside.index(moving) + (-1 if direction == UP else 1)
    if 0 <= place < len(beside):
        other = beside[place]
        moving.position, other.position = other.position, moving.position
        AgendaItem.objects.bulk_update([moving, other], ["position"])
        _ring(row)
    return moving


@transaction.atomic
def plan_point(*, item: AgendaItem, minutes: int, dormant: bool, by: User, at: datetime) -> AgendaItem:
    """Say how long a point takes and whether it waits folded, at once."""
    set_minutes(item=item, minutes=minutes, by=by, at=at)
    return set_dormant(item=item, dormant=dormant, by=by, at=at)


@transaction.atomic
def set_minutes(*, item: AgendaItem, minutes: int, by: User, at: datetime) -> AgendaItem:
    """Say how long a point takes."""
    check_leads(by, at)
    policy.check_minutes(minutes=minutes)
    held = _open(item)
    held.minutes = minutes
    held.save(update_fields=["minutes"])
    _ring(held.meeting)
    return held


@transaction.atomic
def set_dormant(*, item: AgendaItem, dormant: bool, by: User, at: datetime) -> AgendaItem:
    """Fold a point, or unfold it. One that has waited for long is unfolded by waiting anew from now on."""
    check_leads(by, at)
    held = _open(item)
    if is_dormant(held, at=at) == dormant:
        return held
    held.dormant = dormant
    if not dormant and is_dormant(held, at=at):
        held.waiting_since = at
    held.save(update_fields=["dormant", "waiting_since"])
    _tell("agenda.folded" if dormant else "agenda.unfolded", held, by, at)
    return held


@transaction.atomic
def take_off(*, item: AgendaItem, reason: str, by: User, at: datetime) -> AgendaItem:
    """Take a point off this agenda. One that came by itself comes back for the next meeting if it still waits then."""
    held = _open(item)
    policy.check_may_take_off(leads=may_at(by, P.MEETING_LEAD, at=at), put_it=held.put_by_id == by.pk)
    policy.check_reason(reason=reason, what="taken off")
    held.state, held.reason = State.DROPPED, reason.strip()
    held.save(update_fields=["state", "reason"])
    _tell("agenda.taken_off", held, by, at)
    return held


@transaction.atomic
def mark_read(*, item: AgendaItem, by: User, at: datetime) -> None:
    """Note that the person has read the point as it stands. Personal: no entry."""
    PreRead.objects.update_or_create(item=item, person=by, defaults={"at": at})


@transaction.atomic
def mark_unread(*, item: AgendaItem, by: User) -> None:
    """Forget that the person has read the point."""
    PreRead.objects.filter(item=item, person=by).delete()


def is_dormant(item: AgendaItem, *, at: datetime) -> bool:
    """Whether a point is folded: the chair said so, or it has waited for more than sixty days."""
    return item.dormant or at - item.waiting_since > policy.DORMANT_AFTER


def _planned(meeting: Meeting | None) -> Meeting:
    """The meeting, locked. Raises ``Stale`` once its agenda stands."""
    if meeting is None:
        raise Stale("This point is decided by written vote and stands on no agenda.")
    row = locked(meeting)
    if row.state != Meeting.State.PLANNED:
        raise Stale(f"{row} is {Meeting.State(row.state).label.lower()}, so its agenda stands.")
    return row


def _open(item: AgendaItem) -> AgendaItem:
    """The point, with its meeting locked. Raises ``Stale`` for one that waits no more."""
    row = _planned(item.meeting)
    return _among(list(AgendaItem.objects.filter(meeting=row, state=State.OPEN, pk=item.pk).select_related("meeting")), item)


def _among(items: list[AgendaItem], item: AgendaItem) -> AgendaItem:
    found = next((each for each in items if each.pk == item.pk), None)
    if found is None:
        raise Stale("This point is not on the agenda any more.")
    return found


def _tell(kind: str, item: AgendaItem, by: User, at: datetime) -> None:
    """The entry about a point. It covers no row: what counts of an agenda is its digest at the start."""
    assert item.meeting is not None
    append(
        stream=stream_of(item.meeting),
        kind=kind,
        actor=actor_of(by),
        fact={
            "meeting": item.meeting.number,
            "key": item.key,
            "title": item.title,
            "minutes": item.minutes,
            "reason": item.reason,
            "by": by.name,
            "at": at.isoformat(),
        },
    )
    _ring(item.meeting)


def _ring(meeting: Meeting | None) -> None:
    assert meeting is not None
    ring(f"meeting-{meeting.number}")
    ring("meetings")
    ring("inbox")
