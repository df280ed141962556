"""What goes through the whole company in the year: training, meetings, versions of the policy, reviews of each month. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from changes.desk.demo.year.cast import EVERYBODY, REPOSITORIES
from changes.desk.demo.year.days import morning_of, working_days
from changes.desk.demo.year.steps import Deed, Expect, Look, Step, Tale
from changes.desk.demo.year.titles import POINTS
from changes.meetings.rules import Cadence, Slot, fortnightly, slots
from portal.access.roles import Role
from portal.standins import company

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
TUESDAY = 1
TIME, ZONE = time(10), "Europe/Berlin"
FAILED_ONCE = frozenset({"ann", "max"})
UNTRAINED = frozenset({"eli", "vic"})
"""Who have not taken the last course yet when the year ends; they have some weeks left."""
LOGINS = frozenset(person.login for person in EVERYBODY)
NEEDED = ("mia", "cleo", "dev", "eli", "noa", "bob", "ida")
LONG = 26
"""Weeks of a year in which the policy is changed; a shorter one keeps its first version."""
REASON = "The chair was ill, and the deputy was on a plane. From now on somebody stands in for both."
NOTES = (
    "A quarter of an hour; I bring two examples.",
    "It came up in three reviews this month.",
    "Please read the page in the wiki before.",
    "No decision yet, only who looks into it.",
)
A_DAY = 12
"""People who take a course on one day, one after the other from seven in the morning (UTC)."""
SIGNED_ON = (2, 4, 3)
"""Working days of a month, counted from 0, on which the one before is signed, in turn."""
PRACTISED_FROM, PRACTISED_EVERY = 20, 24
"""Weeks after which the way back of each app is practised, since the policy asks for it every 183 days."""


@dataclass(frozen=True)
class Gathering:
    """One meeting: its number, and when it is held."""

    number: int
    at: datetime


@dataclass(frozen=True)
class Meetings:
    """All meetings of the year, and the one that is missed."""

    cadence: Cadence
    held: tuple[Gathering, ...]
    missed: Gathering | None


def meetings(*, last: date, weeks: int, holidays: Collection[date], told: bool) -> Meetings:
    """Every two weeks on a Tuesday; the last one such that the next is two to nine days after the story of the week begins.

    One in the middle is missed, unless a scenario has ``told`` of a missed one already.
    """
    began = last + 9 * DAY
    soon = began + 2 * DAY
    coming = soon + timedelta(days=(TUESDAY - soon.weekday()) % 7)
    count = max(1, weeks // 2)
    first = coming - 2 * count * WEEK
    cadence = Cadence(fortnightly(starts_on=first), first, TIME, ZONE, frozenset(holidays))
    found = [_gathering(place, slot) for place, slot in enumerate(slots(cadence=cadence, until=coming - WEEK), start=1)]
    missed = None if told else found[count // 2]
    return Meetings(cadence, tuple(one for one in found if one != missed), missed)


def _gathering(number: int, slot: Slot) -> Gathering:
    return Gathering(number, slot.planned_at)


def program(*, first: date, meetings: Meetings, weeks: int, left: Collection[int], involved: Collection[str]) -> Tale:
    """Training before the first day, the meetings, two more versions of the policy, and the signature under each month.

    Meetings in ``left`` are held by others. In a short year, which is one of tests, only those take the course whom it
    ``involves``.
    """
    began = morning_of(first)
    series = Deed(began - 3 * DAY, "series", "make_series", "cleo", {"cadence": meetings.cadence})
    idle = frozenset() if weeks >= LONG else frozenset(LOGINS - {*involved, *NEEDED})
    steps: list[Step] = [series, *course(1, at=began - 6 * DAY, begins=began - 5 * DAY, without=idle)]
    for place, one in enumerate(meetings.held):
        if one.number not in left:
            steps += _meeting(one, POINTS[place % len(POINTS)], place)
    if weeks >= LONG:
        steps += [*_versions(meetings), *_practised(first, weeks)]
    steps += _signed(first, meetings.held[-1].at.date())
    if meetings.missed is None:
        return Tale(tuple(steps))
    late = meetings.missed.at + DAY
    steps.append(Look(late - HOUR, "missed/look"))
    told = {"number": meetings.missed.number, "reason": REASON}
    steps.append(Deed(late, "missed", "explain_missed", "cleo", told))
    return Tale(tuple(steps), (Expect("", "meeting_missed", (str(meetings.missed.number),)),))


def _meeting(one: Gathering, title: str, place: int) -> list[Step]:
    by = ("bob", "ida", "dev", "noa")[place % 4]
    point = {"number": one.number, "title": title, "note": NOTES[place % len(NOTES)]}
    return [
        Deed(one.at - 4 * DAY + (place % 7 * 53) * MINUTE, f"meeting-{one.number}/point", "put_point", by, point),
        Deed(one.at, f"meeting-{one.number}", "hold_meeting", "cleo", {"number": one.number}),
    ]


def _signed(first: date, last: date) -> list[Step]:
    """Each month's inventory is signed, and its review of access closed, some days after the month is over."""
    steps: list[Step] = []
    month = first.replace(day=1)
    while (following := (month + 31 * DAY).replace(day=1)) < last:
        place = len(steps)
        day = working_days(following, following + 2 * WEEK)[SIGNED_ON[place % len(SIGNED_ON)]]
        at = datetime.combine(day, time(8), tzinfo=UTC) + (place * 47 % 200) * MINUTE
        steps.append(Deed(at, f"reconciled-{month:%Y-%m}", "sign_month", "mia", {"month": month}))
        steps.append(Deed(at + 2 * HOUR, f"access-{month:%Y-%m}", "review_access", "mia"))
        month = following
    return [step for step in steps if step.at.date() <= last]


def _practised(first: date, weeks: int) -> list[Step]:
    """Each app's way back is practised, one app a week, by one of the two who test."""
    steps: list[Step] = []
    for week in range(PRACTISED_FROM, weeks - len(REPOSITORIES), PRACTISED_EVERY):
        for place, name in enumerate(REPOSITORIES):
            begins = first + (week + place) * WEEK
            day = working_days(begins, begins + 2 * WEEK)[place]
            took = timedelta(seconds=200 + (week * 31 + place * 127) % 400)
            app = company.app_name(name, "production")
            at = datetime.combine(day, time(13), tzinfo=UTC) + (week * 7 + place * 29) % 90 * MINUTE
            steps.append(Deed(at, f"practised-{week}/{app}", "practise", ("dev", "noa")[place % 2], {"app": app, "took": took}))
    return steps


def _versions(meetings: Meetings) -> list[Step]:
    """The second version in the first third of the year, the third three or four weeks before its end."""
    early, late = meetings.held[len(meetings.held) // 3], meetings.held[-2]
    return [
        *_version(2, early, "Changes of more than 600 lines are large.", {"large_changed_lines": 600}, frozenset()),
        *_version(3, late, "Three words may be mended without new approvals.", {"immaterial_words": 3}, UNTRAINED),
    ]


def _version(number: int, at: Gathering, summary: str, parameters: dict[str, object], without: frozenset[str]) -> list[Step]:
    """Sent a week before the meeting, decided there, in force six days later; the course is published on the next day.

    Nobody can take it before its version holds.
    """
    told = {"number": number, "summary": summary, "parameters": parameters, "holds_from": at.at + 6 * DAY}
    sent = Deed(at.at - WEEK, f"policy-{number}", "send_version", "mia", told)
    return [sent, *course(number, at=at.at + DAY, begins=at.at + 7 * DAY, without=without)]


def course(number: int, *, at: datetime, begins: datetime, without: frozenset[str] = frozenset()) -> list[Step]:
    """A course on a version of the policy, and who takes it: a dozen each working day, from that of ``begins`` on."""
    steps: list[Step] = [Deed(at, f"course-{number}", "publish_course", "mia", {"policy": number})]
    takers = [person.login for person in EVERYBODY if person.role != Role.AUDITOR and person.login not in without]
    days = working_days(begins.date(), (begins + WEEK).date())
    for place, login in enumerate(takers):
        later = (place % A_DAY * 41 + place * 7 % 23) * MINUTE
        moment = morning_of(days[place // A_DAY]) + later
        steps.append(Deed(moment, f"course-{number}/{login}", "train", login, {"fails": number == 1 and login in FAILED_ONCE}))
    return steps
