"""Keeps the next meeting's agenda in step with what waits: new points come last, vanished ones are taken off.

Nobody's order is changed and nothing is deleted. What is to be done is worked out first, by a pure function, so that a look
at an agenda that is in step writes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from changes.meetings import sources
from changes.meetings.actions import locked
from changes.meetings.models import AgendaItem, Meeting
from changes.meetings.policy import MOST_POINTS
from changes.meetings.sources import Point
from portal.ui.doorbell import ring

State, Held = AgendaItem.State, Meeting.State
OVER = (Held.ENDED, Held.MISSED, Held.CANCELLED)
SHOWN = ("kind", "title", "href", "note", "change_id")


@dataclass
class Steps:
    """What has to be done to an agenda. ``carry`` are points of other agendas that go on to this one."""

    add: list[Point] = field(default_factory=list)
    carry: list[AgendaItem] = field(default_factory=list)
    passed: list[AgendaItem] = field(default_factory=list)
    """Points of other agendas that stand on this one already, and so no longer there."""
    vanished: list[AgendaItem] = field(default_factory=list)
    reopen: list[AgendaItem] = field(default_factory=list)
    refresh: list[tuple[AgendaItem, Point]] = field(default_factory=list)
    left_out: int = 0
    """Points for which there is no room."""

    @property
    def none(self) -> bool:
        """Whether the agenda is in step."""
        return not any((self.add, self.carry, self.passed, self.vanished, self.reopen, self.refresh))


def by_itself(item: AgendaItem) -> bool:
    """Whether the portal put it, and takes it off again."""
    return item.put_by_id is None


def steps(*, own: Iterable[AgendaItem], loose: Iterable[AgendaItem], wanted: Mapping[str, Point]) -> Steps:
    """What brings an agenda in step. Pure.

    ``own`` are all of its points, in any state; ``loose`` those of other agendas that were not settled there, oldest first;
    ``wanted`` what waits by itself. What the chair took off with a reason stays off this agenda.
    """
    found, mine = Steps(), {item.key: item for item in own}
    room = MOST_POINTS - sum(item.state == State.OPEN for item in mine.values())
    for item in mine.values():
        if by_itself(item):
            room += _own_step(found, item, wanted.get(item.key), room)
    coming: set[str] = set()
    for item in loose:
        room -= _loose_step(found, item, wanted, mine.keys() | coming, room)
        coming |= {carried.key for carried in found.carry[-1:]}
    fresh = [point for key, point in wanted.items() if key not in mine and key not in coming]
    found.add, found.left_out = fresh[: max(room, 0)], max(len(fresh) - max(room, 0), 0)
    return found


def _own_step(found: Steps, item: AgendaItem, point: Point | None, room: int) -> int:
    """One point of the agenda. Returns how much room that makes."""
    if item.state == State.OPEN and point is None:
        found.vanished.append(item)
        return 1
    if point is None:
        return 0
    if item.state in (State.DROPPED, State.CARRIED) and not item.reason and room > 0:
        found.reopen.append(item)
        return -1
    if item.state == State.OPEN and _looks(item) != _looks_of(point):
        found.refresh.append((item, point))
    return 0


def _loose_step(found: Steps, item: AgendaItem, wanted: Mapping[str, Point], there: Iterable[str], room: int) -> int:
    """One point of another agenda. Returns how much room it takes."""
    if by_itself(item) and item.key not in wanted:
        found.vanished.append(item)
    elif item.key in there:
        found.passed.append(item)
    elif room > 0:
        found.carry.append(item)
        return 1
    return 0


def _looks(item: AgendaItem) -> tuple[object, ...]:
    return tuple(getattr(item, name) for name in SHOWN)


def _looks_of(point: Point) -> tuple[object, ...]:
    return (point.kind, point.title, point.href, point.note, point.change)


def next_meeting(*, at: datetime) -> Meeting | None:
    """The planned meeting that is held first. One whose hour has passed is still to come until its day is over."""
    rows = Meeting.objects.filter(state=Held.PLANNED).select_related("series").order_by("planned_at", "number")
    return rows.first()


def keep_in_step(*, meeting: Meeting, at: datetime) -> Steps:
    """Bring the agenda of the next planned meeting in step. Returns what was done; nothing is written when it is in step."""
    found = _steps_for(meeting, at)
    if found.none:
        return found
    with transaction.atomic():
        row = locked(meeting)
        if row.state != Held.PLANNED:
            return Steps()  # it has begun meanwhile, and its agenda stands
        found = _steps_for(row, at)
        _take(found, row, at)
        ring(f"meeting-{row.number}")
        ring("meetings")
        ring("inbox")
    return found


def _steps_for(meeting: Meeting, at: datetime) -> Steps:
    busy = AgendaItem.objects.filter(meeting__state=Held.LIVE, state=State.OPEN).values_list("key", flat=True)
    on_the_table = set(busy)  # what a meeting discusses right now is on no other agenda
    wanted = {key: point for key, point in sources.points(at=at).items() if key not in on_the_table}
    elsewhere = Q(meeting__state__in=OVER) | Q(meeting__state=Held.PLANNED, put_by=None)
    loose = AgendaItem.objects.filter(elsewhere, state__in=(State.OPEN, State.CARRIED), carried_to=None).exclude(meeting=meeting)
    return steps(
        own=AgendaItem.objects.filter(meeting=meeting),
        loose=loose.order_by("meeting__planned_at", "position", "id"),
        wanted=wanted,
    )


def _take(found: Steps, meeting: Meeting, at: datetime) -> None:
    """Do the steps on a locked meeting."""
    last = AgendaItem.objects.filter(meeting=meeting).order_by("-position").values_list("position", flat=True).first() or 0
    new = [_carried(item) for item in found.carry] + [_added(point, at) for point in found.add]
    for position, item in enumerate(new, start=last + 1):
        item.meeting, item.position = meeting, position
    AgendaItem.objects.bulk_create(new)
    _set(found.carry, State.CARRIED)
    _set([*found.passed, *found.vanished], State.DROPPED)
    _set(found.reopen, State.OPEN)
    for item, point in found.refresh:
        for name, value in zip(SHOWN, _looks_of(point), strict=True):
            setattr(item, name, value)
    AgendaItem.objects.bulk_update([item for item, _ in found.refresh], [name.removesuffix("_id") for name in SHOWN])


def _set(items: Iterable[AgendaItem], state: AgendaItem.State) -> None:
    AgendaItem.objects.filter(pk__in=[item.pk for item in items]).update(state=state)


def _added(point: Point, at: datetime) -> AgendaItem:
    return AgendaItem(
        kind=point.kind,
        key=point.key,
        title=point.title,
        change_id=point.change,
        href=point.href,
        note=point.note,
        minutes=point.minutes,
        put_at=at,
        waiting_since=at,
    )


def _carried(item: AgendaItem) -> AgendaItem:
    """The same point on the next agenda: it has waited since it came for the first time."""
    return AgendaItem(
        kind=item.kind,
        key=item.key,
        title=item.title,
        change_id=item.change_id,
        href=item.href,
        note=item.note,
        minutes=item.minutes,
        dormant=item.dormant,
        put_by_id=item.put_by_id,
        put_at=item.put_at,
        waiting_since=item.waiting_since,
        carried_from=item,
    )
