"""Who has a seat in a series at a moment, and who of them may still vote then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from changes.meetings.models import Attendance, Meeting, Seat, Series
from changes.meetings.quorum import Quorum, Spell, quorum_of, was_quorate
from portal.access.may import holders_of
from portal.access.models import User
from portal.access.permissions import P
from portal.policy.in_force import parameters_at

LEADS = (Seat.Part.CHAIR, Seat.Part.DEPUTY)


@dataclass(frozen=True)
class Roster:
    """The seats that count at one moment: chair first, then deputies, then voters, each by name."""

    seats: tuple[Seat, ...]
    percent: int
    """Of which more has to be there, by the version of the policy in force then."""

    @property
    def voters(self) -> frozenset[int]:
        """Ids of all who may vote, chair and deputies included."""
        return frozenset(seat.person_id for seat in self.seats)

    @property
    def leads(self) -> frozenset[int]:
        """Ids of the chair and the deputies."""
        return frozenset(seat.person_id for seat in self.seats if seat.part in LEADS)

    @property
    def chair(self) -> User | None:
        """The chair; None when nobody who holds that seat may lead any more."""
        return next((seat.person for seat in self.seats if seat.part == Seat.Part.CHAIR), None)

    @property
    def people(self) -> tuple[User, ...]:
        """All of them."""
        return tuple(seat.person for seat in self.seats)

    def quorum(self, present: Iterable[int]) -> Quorum:
        """How the quorum stands with these people (ids) there."""
        return quorum_of(roster=self.voters, leads=self.leads, present=present, percent=self.percent)


def seats_at(series: Series, *, at: datetime) -> QuerySet[Seat]:
    """The seats that were given at that moment, whether or not their holders may vote."""
    valid = Q(valid_until=None) | Q(valid_until__gt=at)
    return Seat.objects.filter(valid, series=series, valid_from__lte=at).select_related("person", "given_by")


def roster_at(series: Series, *, at: datetime) -> Roster:
    """The roster of a moment: a seat counts while its holder holds the permission to vote, or to lead where it leads.

    Four queries.
    """
    may_vote = {person.pk for person in holders_of(P.MEETING_VOTE, at=at)}
    may_lead = {person.pk for person in holders_of(P.MEETING_LEAD, at=at)}
    seats = [seat for seat in seats_at(series, at=at) if seat.person_id in (may_lead if seat.part in LEADS else may_vote)]
    order = {Seat.Part.CHAIR: 0, Seat.Part.DEPUTY: 1, Seat.Part.VOTER: 2}
    ordered = sorted(seats, key=lambda seat: (order[Seat.Part(seat.part)], seat.person.name, seat.pk))
    return Roster(tuple(ordered), parameters_at(at).quorum_percent)


def idle_seats(series: Series, *, at: datetime) -> list[Seat]:
    """Seats that were given and count for nothing, because their holders lost the permission."""
    counted = {seat.pk for seat in roster_at(series, at=at).seats}
    return [seat for seat in seats_at(series, at=at).order_by("person__name", "pk") if seat.pk not in counted]


def had_quorum(meeting: Meeting) -> bool:
    """Whether a meeting that was held had its quorum at some moment, by its roster on that day."""
    roster = roster_at(meeting.series, at=meeting.started_at or meeting.planned_at)
    spells = [Spell(row.person_id, row.came_at, row.left_at) for row in Attendance.objects.filter(meeting=meeting)]
    return was_quorate(roster=roster.voters, leads=roster.leads, spells=spells, percent=roster.percent)
