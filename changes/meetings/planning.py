"""Meetings come out of their series: the next six stand planned, and follow when the series changes.

A meeting belongs to one day of the rule (its slot), whether it is held on it or not. Numbers go up and are never used again.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from changes.meetings.models import Meeting, Series
from changes.meetings.rules import Cadence, Slot, local_day, slots
from portal.access.models import User
from portal.access.people import PORTAL, actor_of
from portal.ledger.actions import append
from portal.ui.doorbell import ring

AHEAD = 6
"""Meetings that stand planned at any time."""
AT_ONCE = 60
"""Meetings that one look plans at most: those that a portal which was away for a year has missed, and then some."""
FAR = timedelta(days=(AHEAD + 1) * 366)
NO_MORE = "The rule of the series has no more dates."
State = Meeting.State


def cadence_of(series: Series) -> Cadence:
    """When a series meets, as a value."""
    holidays = frozenset(map(date.fromisoformat, series.holidays))
    return Cadence(series.rule, series.starts_on, series.time, series.zone, holidays)


def slots_of(cadence: Cadence, *, at: datetime) -> list[Slot]:
    """All dates of a cadence until far beyond the next six."""
    return slots(cadence=cadence, until=max(cadence.starts_on, local_day(at, cadence.zone)) + FAR)


def next_slots(series: Series, *, at: datetime, most: int) -> list[Slot]:
    """The next dates of a series after that moment, for its page."""
    return [slot for slot in slots_of(cadence_of(series), at=at) if slot.planned_at > at][:most]


def ahead(series: Series, *, at: datetime) -> list[Meeting]:
    """The meetings of a series that stand planned after that moment, earliest first."""
    found = Meeting.objects.filter(series=series, state=State.PLANNED, planned_at__gt=at)
    return list(found.order_by("planned_at", "number"))


@transaction.atomic
def plan_next(*, series: Series, at: datetime) -> list[Meeting]:
    """Plan what is missing of the next six, and what fell between while nobody looked. Returns the new meetings."""
    locked = Series.objects.select_for_update(of=("self",)).get(pk=series.pk)
    if locked.ended_at is not None:
        return []
    waiting = len(ahead(locked, at=at))
    return [_plan(locked, slot, at) for slot in _missing(locked, waiting, at)]


def _missing(series: Series, waiting: int, at: datetime) -> list[Slot]:
    cadence = cadence_of(series)
    held = {_day_of(meeting, cadence.zone): meeting for meeting in Meeting.objects.filter(series=series)}
    last = max((day for day, meeting in held.items() if meeting.state != State.CANCELLED), default=None)
    after = last or local_day(series.made_at, cadence.zone) - timedelta(days=1)
    open_slots = [slot for slot in slots_of(cadence, at=at) if slot.day > after and slot.day not in held]
    passed = [slot for slot in open_slots if series.made_at < slot.planned_at <= at]
    coming = [slot for slot in open_slots if slot.planned_at > at][: max(AHEAD - waiting, 0)]
    return [*passed, *coming][:AT_ONCE]


def _day_of(meeting: Meeting, zone: str) -> date:
    """The day of the rule to which a meeting belongs."""
    return local_day(meeting.moved_from or meeting.planned_at, zone)


def _plan(series: Series, slot: Slot, at: datetime) -> Meeting:
    highest = Meeting.objects.aggregate(highest=Max("number"))["highest"] or 0
    meeting = Meeting.objects.create(
        series=series,
        number=highest + 1,
        planned_at=slot.planned_at,
        moved_from=slot.moved_from,
        reason=slot.reason,
        changed_at=at,
    )
    tell("meeting.planned", meeting, by=None, at=at, series=series.name)
    return meeting


def replan(*, series: Series, before: Cadence, by: User, at: datetime) -> list[Meeting]:
    """Let the planned meetings follow a locked series that has changed. Returns those that moved.

    Under the same rule each stays on its slot; one that the chair had moved by hand stays where it is. Under another rule
    they take its next dates in their order, and those for which it has none are cancelled.
    """
    now = cadence_of(series)
    rows = ahead(series, at=at)
    if (now.rule, now.starts_on) == (before.rule, before.starts_on):
        return _follow_slots(rows, before, now, by, at)
    coming = [slot for slot in slots_of(now, at=at) if slot.planned_at > at]
    moved = [meeting for meeting, slot in zip(rows, coming, strict=False) if _set(meeting, slot, by, at)]
    for meeting in rows[len(coming) :]:
        cancel_planned(meeting=meeting, reason=NO_MORE, by=by, at=at)
    return moved


def _follow_slots(rows: Iterable[Meeting], before: Cadence, now: Cadence, by: User, at: datetime) -> list[Meeting]:
    earlier = {slot.day: slot for slot in slots_of(before, at=at)}
    later = {slot.day: slot for slot in slots_of(now, at=at)}
    moved = []
    for meeting in rows:
        day = _day_of(meeting, before.zone)
        by_rule = day in earlier and earlier[day].planned_at == meeting.planned_at
        if by_rule and day in later and _set(meeting, later[day], by, at):
            moved.append(meeting)
    return moved


def _set(meeting: Meeting, slot: Slot, by: User, at: datetime) -> bool:
    """Hold a meeting on that slot. Returns whether it was held at another moment before."""
    if meeting.planned_at == slot.planned_at:
        return False
    before = meeting.planned_at
    meeting.planned_at, meeting.moved_from = slot.planned_at, slot.moved_from
    meeting.reason = slot.reason or "The series was changed."
    touch(meeting, at)
    meeting.save(update_fields=["planned_at", "moved_from", "reason", "version", "changed_at", "reminded_at"])
    tell("meeting.moved", meeting, by=by, at=at, before=before.isoformat())
    return True


def cancel_planned(*, meeting: Meeting, reason: str, by: User, at: datetime) -> None:
    """Cancel a locked meeting that is planned."""
    meeting.state, meeting.reason = State.CANCELLED, reason
    touch(meeting, at)
    meeting.save(update_fields=["state", "reason", "version", "changed_at", "reminded_at"])
    tell("meeting.cancelled", meeting, by=by, at=at)


def touch(meeting: Meeting, at: datetime) -> None:
    """Note that a meeting is another one than its invitation said."""
    meeting.version += 1
    meeting.changed_at, meeting.reminded_at = at, None


def stream_of(meeting: Meeting) -> str:
    """The ledger stream of one meeting."""
    return f"meeting:{meeting.number}"


def tell(kind: str, meeting: Meeting, *, by: User | None, at: datetime, **more: str) -> None:
    """Write the entry about a saved meeting and ring for whoever looks at it. ``by`` None: the portal."""
    fact = {
        "meeting": meeting.number,
        "state": meeting.state,
        "planned_at": meeting.planned_at.isoformat(),
        "reason": meeting.reason,
        "by": by.name if by else "",
        "at": at.isoformat(),
    }
    append(stream=stream_of(meeting), kind=kind, actor=actor_of(by) if by else PORTAL, fact={**fact, **more}, rows=[meeting])
    ring(f"meeting-{meeting.number}")
    for topic in ("meetings", "calendar", "inbox"):
        ring(topic)
