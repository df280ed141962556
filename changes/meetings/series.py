"""Make, change and end a series, and say who sits in it. Each act writes its evidence in the same transaction (P-30).

Actions raise ``Refused`` (the policy forbids it) or ``Stale`` (somebody was faster); nothing was changed then.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from changes.meetings import policy
from changes.meetings.models import Meeting, Seat, Series
from changes.meetings.planning import ahead, cadence_of, cancel_planned, plan_next, replan
from changes.meetings.policy import Terms
from changes.meetings.rules import read_rule
from portal.access.may import may_at
from portal.access.models import User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.ledger.actions import append
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.doorbell import ring

FIELDS = ("name", "rule", "starts_on", "time", "zone", "minutes", "place", "holidays")


@transaction.atomic
def make_series(*, terms: Terms, voters: Iterable[User], by: User, at: datetime) -> Series:
    """Make the series; ``by`` is its chair, ``voters`` sit in it, and its first six meetings are planned."""
    check_leads(by, at)
    policy.check_terms(terms=terms, at=at)
    standing = Series.objects.select_for_update().filter(ended_at=None).first()
    if standing is not None:
        raise policy.refused(f"One series stands at a time, and {standing.name} does.", "Change it, or end it first.")
    series = Series.objects.create(**_values(terms), made_by=by, made_at=at)
    _tell("series.made", series, by, at, [series])
    _seat(series, by, Seat.Part.CHAIR, by, at)
    for person in dict.fromkeys(voters):
        if person.pk != by.pk:
            give_seat(series=series, person=person, part=Seat.Part.VOTER, by=by, at=at)
    plan_next(series=series, at=at)
    return series


@transaction.atomic
def change_series(*, series: Series, terms: Terms, version: int, by: User, at: datetime) -> list[Meeting]:
    """Change when and where the series meets. Returns the planned meetings that moved with it.

    ``version`` is the one that the person read; ``Stale`` when it is another one by now.
    """
    check_leads(by, at)
    locked = _standing(series)
    if locked.version != version:
        raise Stale("Somebody changed this series while you did. Look at it again; nothing of yours was saved.")
    policy.check_terms(terms=terms, at=at)
    before = cadence_of(locked)
    for name, value in _values(terms).items():
        setattr(locked, name, value)
    locked.version += 1
    locked.save(update_fields=[*FIELDS, "version"])
    _tell("series.changed", locked, by, at, [locked])
    moved = replan(series=locked, before=before, by=by, at=at)
    plan_next(series=locked, at=at)
    return moved


@transaction.atomic
def end_series(*, series: Series, reason: str, by: User, at: datetime) -> Series:
    """End the series: what is planned is cancelled, what was held stays on record."""
    check_leads(by, at)
    locked = _standing(series)
    policy.check_reason(reason=reason, what="ended")
    locked.ended_at = at
    locked.version += 1
    locked.save(update_fields=["ended_at", "version"])
    _tell("series.ended", locked, by, at, [locked], reason=reason.strip())
    for meeting in ahead(locked, at=at):
        cancel_planned(meeting=meeting, reason=f"The series ended: {reason.strip()}", by=by, at=at)
    return locked


@transaction.atomic
def give_seat(*, series: Series, person: User, part: str, by: User, at: datetime) -> Seat:
    """Give somebody a part in the series from now on. An earlier part of theirs ends, and so does the seat of a former chair."""
    check_leads(by, at)
    locked = _standing(series)
    vote, lead = may_at(person, P.MEETING_VOTE, at=at), may_at(person, P.MEETING_LEAD, at=at)
    policy.check_seat(part=part, may_vote=vote, may_lead=lead, name=person.name)
    held = _open_seats(locked).filter(person=person).first()
    if held is not None:
        if held.part == part:
            raise Stale(f"{person.name} has this seat already.")
        policy.check_chair_stays(part=held.part, wanted=part)
        _end(held, by, at)
    if part == Seat.Part.CHAIR:
        for former in _open_seats(locked).filter(part=Seat.Part.CHAIR):
            _end(former, by, at)
    return _seat(locked, person, Seat.Part(part), by, at)


@transaction.atomic
def end_seat(*, seat: Seat, by: User, at: datetime) -> Seat:
    """End a seat now. Refused for the chair's, which ends when somebody else takes it."""
    check_leads(by, at)
    locked = _standing(seat.series)
    held = _open_seats(locked).filter(pk=seat.pk).first()
    if held is None:
        raise Stale("This seat has ended already.")
    policy.check_chair_stays(part=held.part)
    return _end(held, by, at)


def _standing(series: Series) -> Series:
    """The series, locked. Raises ``Stale`` for one that has ended."""
    locked = Series.objects.select_for_update(of=("self",)).get(pk=series.pk)
    if locked.ended_at is not None:
        raise Stale(f"{locked.name} has ended.")
    return locked


def _open_seats(series: Series) -> Any:
    return Seat.objects.filter(series=series, valid_until=None).select_related("series", "person")


def _seat(series: Series, person: User, part: Seat.Part, by: User, at: datetime) -> Seat:
    seat = Seat.objects.create(series=series, person=person, part=part, valid_from=at, given_by=by)
    _tell_seat("series.seat_given", seat, by, at)
    return seat


def _end(seat: Seat, by: User, at: datetime) -> Seat:
    seat.valid_until, seat.ended_by = at, by
    seat.save(update_fields=["valid_until", "ended_by"])
    _tell_seat("series.seat_ended", seat, by, at)
    return seat


def _values(terms: Terms) -> dict[str, Any]:
    return {
        "name": terms.name.strip(),
        "rule": read_rule(terms.rule),
        "starts_on": terms.starts_on,
        "time": terms.time,
        "zone": terms.zone,
        "minutes": terms.minutes,
        "place": terms.place.strip(),
        "holidays": [day.isoformat() for day in sorted(set(terms.holidays))],
    }


def _tell(kind: str, series: Series, by: User, at: datetime, rows: Iterable[Any], **more: str) -> None:
    fact = {name: str(getattr(series, name)) for name in FIELDS}
    append(
        stream=f"series:{series.pk}",
        kind=kind,
        actor=actor_of(by),
        fact={**fact, **more, "by": by.name, "at": at.isoformat()},
        rows=rows,
    )
    ring("meetings")
    ring("inbox")


def _tell_seat(kind: str, seat: Seat, by: User, at: datetime) -> None:
    append(
        stream=f"series:{seat.series_id}",
        kind=kind,
        actor=actor_of(by),
        fact={"person": seat.person.name, "part": seat.part, "by": by.name, "at": at.isoformat()},
        rows=[seat],
    )
    ring("meetings")
    ring("inbox")


def check_leads(by: User, at: datetime) -> None:
    """Raise ``Refused`` unless the person may set up and lead meetings at that moment."""
    if not may_at(by, P.MEETING_LEAD, at=at):
        raise Refused(Clause.ACCESS_RESTRICTED, f"{by.name} may not {P.MEETING_LEAD.sentence}.")
