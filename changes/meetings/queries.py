"""What is asked about meetings: an agenda with its numbers, ages and minutes for one reader, and which meetings there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from changes.meetings.agenda import is_dormant
from changes.meetings.digest import AgendaPoint, agenda_digest
from changes.meetings.models import AgendaItem, Meeting, PreRead, Series
from changes.meetings.policy import DORMANT_AFTER
from changes.proposals.models import Revision
from portal.access.models import User

State = AgendaItem.State
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """One point on an agenda as one reader sees it. ``read`` None: this reader keeps no reading state."""

    item: AgendaItem
    number: int
    idle: int
    """Whole days since it came onto an agenda for the first time."""
    folded: bool
    read: bool | None
    edited: bool
    """Whether its proposal was edited after this reader had read it."""
    text: str
    """What a vote on it binds to; empty where that is no proposal."""


@dataclass(frozen=True)
class Agenda:
    """The points of a meeting in order, the folded ones last; what was taken off with a reason is apart."""

    meeting: Meeting
    lines: tuple[Line, ...]
    folded: tuple[Line, ...]
    off: tuple[AgendaItem, ...]

    @property
    def minutes(self) -> int:
        """What the points take together; folded ones take nothing."""
        return sum(line.item.minutes for line in self.lines)

    @property
    def slot(self) -> int:
        """Minutes that the meeting has."""
        return self.meeting.series.minutes

    @property
    def over(self) -> int:
        """Minutes by which the points are more than the meeting has; 0 when they fit."""
        return max(self.minutes - self.slot, 0)

    @property
    def unread(self) -> tuple[Line, ...]:
        """What this reader has not read."""
        return tuple(line for line in self.lines if line.read is False)

    @property
    def points(self) -> tuple[AgendaPoint, ...]:
        """The points as the digest has them."""
        return tuple(
            AgendaPoint(
                number=line.number,
                key=line.item.key,
                kind=line.item.kind,
                title=line.item.title,
                note=line.item.note,
                minutes=line.item.minutes,
                folded=line.folded,
                text=line.text,
            )
            for line in (*self.lines, *self.folded)
        )

    @property
    def digest(self) -> str:
        """The digest of the agenda as it stands."""
        return agenda_digest(meeting=self.meeting.number, points=self.points)


def agenda_of(*, meeting: Meeting, reader: User | None, at: datetime) -> Agenda:
    """The agenda of a meeting for one reader (None: somebody who keeps no reading state). One query.

    Once a meeting has ended, every point that it had stands there, whatever became of it.
    """
    rows = AgendaItem.objects.filter(meeting=meeting).select_related("change", "put_by").order_by("position", "id")
    items = list(_with_reading(rows, reader))
    shown = [item for item in items if item.state != State.DROPPED]
    return Agenda(
        meeting, *_numbered(shown, reader, at), tuple(item for item in items if item.state == State.DROPPED and item.reason)
    )


def _with_reading(rows: QuerySet[AgendaItem], reader: User | None) -> QuerySet[AgendaItem]:
    latest = Revision.objects.filter(change=OuterRef("change")).order_by("-number")
    rows = rows.annotate(text_at=Subquery(latest.values("at")[:1]), text_binds=Subquery(latest.values("binds")[:1]))
    if reader is None:
        return rows.annotate(read_at=Value(None, output_field=DateTimeField(null=True)))
    own = PreRead.objects.filter(item=OuterRef("pk"), person=reader)
    return rows.annotate(read_at=Subquery(own.values("at")[:1]))


def _numbered(items: Iterable[AgendaItem], reader: User | None, at: datetime) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    folded = {item.pk: item.state == State.OPEN and is_dormant(item, at=at) for item in items}
    ordered = sorted(items, key=lambda item: folded[item.pk])  # stable: nobody's order is changed
    lines = [_line(item, number, folded[item.pk], reader, at) for number, item in enumerate(ordered, start=1)]
    return tuple(line for line in lines if not line.folded), tuple(line for line in lines if line.folded)


def _line(item: AgendaItem, number: int, folded: bool, reader: User | None, at: datetime) -> Line:
    read_at, text_at = vars(item)["read_at"], vars(item)["text_at"]
    edited = read_at is not None and text_at is not None and text_at > read_at
    return Line(
        item=item,
        number=number,
        idle=max((at - item.waiting_since) // DAY, 0),
        folded=folded,
        read=None if reader is None else read_at is not None and not edited,
        edited=edited,
        text=vars(item)["text_binds"] or "",
    )


def standing_series() -> Series | None:
    """The series that stands; None when there is none."""
    return Series.objects.filter(ended_at=None).first()


def with_load(rows: QuerySet[Meeting], *, at: datetime) -> QuerySet[Meeting]:
    """Annotated with ``load``, the minutes of the open points that are not folded."""
    awake = Q(items__state=State.OPEN, items__dormant=False, items__waiting_since__gte=at - DORMANT_AFTER)
    return rows.annotate(load=Coalesce(Sum("items__minutes", filter=awake), 0)).select_related("series")


def coming_meetings(*, at: datetime) -> QuerySet[Meeting]:
    """Planned meetings and one in session, earliest first."""
    rows = Meeting.objects.filter(state__in=(Meeting.State.PLANNED, Meeting.State.LIVE))
    return with_load(rows, at=at).order_by("planned_at", "number")


def past_meetings() -> QuerySet[Meeting]:
    """Meetings that were held, missed or cancelled."""
    over = (Meeting.State.ENDED, Meeting.State.MISSED, Meeting.State.CANCELLED)
    return Meeting.objects.filter(state__in=over).select_related("series", "chair")


def unexplained() -> QuerySet[Meeting]:
    """Meetings that were missed or held without quorum, for which nobody has given the reason."""
    rows = Meeting.objects.filter(Q(state=Meeting.State.MISSED) | Q(quorate=False), reason="")
    return rows.select_related("series").order_by("planned_at", "number")
