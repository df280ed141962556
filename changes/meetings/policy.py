"""May it be planned, moved, put on the agenda, taken off it? Each question answers by silence or by ``Refused``. Pure.

Times are UTC. Clauses: P-25 and P-30 (the meeting oversees), P-19 (access).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from changes.meetings.rules import BadRule, Cadence, check_cadence, read_rule
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused

SHORTEST, LONGEST = 10, 480
"""Minutes of a meeting."""
POINT_LONGEST = 240
"""Minutes of a point."""
TITLE, NOTE, REASON = 200, 2000, 2000
"""Characters."""
MOST_POINTS = 200
"""Points that one agenda takes."""
DORMANT_AFTER = timedelta(days=60)
"""A point that has waited for longer is folded on every agenda."""
MOST_HOLIDAYS = 400
FURTHEST = timedelta(days=400)
"""How far ahead a meeting is moved."""


@dataclass(frozen=True)
class Terms:
    """What a series is made of: its name, when and where it meets, and for how long."""

    name: str
    rule: str
    starts_on: date
    time: time
    zone: str
    minutes: int = 60
    place: str = ""
    holidays: tuple[date, ...] = ()

    @property
    def cadence(self) -> Cadence:
        """When it meets."""
        return Cadence(self.rule, self.starts_on, self.time, self.zone, frozenset(self.holidays))


def check_terms(*, terms: Terms, at: datetime) -> None:
    """A series has a name, a length, a zone that exists, and a rule that meets within a year and at most once a day."""
    if not terms.name.strip():
        raise refused("The series has no name.", "Name it, such as Architecture meeting.")
    if not SHORTEST <= terms.minutes <= LONGEST:
        raise refused(f"A meeting lasts from {SHORTEST} to {LONGEST} minutes.", "Choose another length.")
    if not is_zone(terms.zone):
        raise refused(f"There is no time zone {terms.zone[:60]}.", "Name it as in Europe/Berlin, or UTC.")
    if len(terms.holidays) > MOST_HOLIDAYS:
        raise refused(f"A series knows at most {MOST_HOLIDAYS} holidays.", "Take those off that are over.")
    try:
        read_rule(terms.rule)
        check_cadence(cadence=terms.cadence, at=at)
    except BadRule as wrong:
        raise refused(str(wrong)) from wrong


def is_zone(name: str) -> bool:
    """Whether the time zone exists."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name of a zone, or the name of a folder of zones
        return False
    return bool(name)


def check_seat(*, part: str, may_vote: bool, may_lead: bool, name: str) -> None:
    """A voter holds the permission to vote; the chair and a deputy hold the one to lead."""
    if part == "voter" and not may_vote:
        raise refused(f"{name} may not vote in the architecture meeting.", "Give them the role of an architect first.")
    if part != "voter" and not may_lead:
        raise refused(f"{name} may not lead the architecture meeting.", "Give them the role of the chair first.")


def check_chair_stays(*, part: str, wanted: str = "") -> None:
    """The chair's seat is handed on and never left empty: it ends when somebody else takes it."""
    if part == "chair" and wanted != "chair":
        raise refused("A series is never without a chair.", "Give the chair to somebody else; this seat ends with that.")


def check_reason(*, reason: str, what: str) -> None:
    """Whatever deviates from the rule says why, within measure."""
    if not reason.strip():
        raise refused(f"A reason is missing: why is it {what}?", "Write a sentence.")
    if len(reason) > REASON:
        raise refused(f"A reason has at most {REASON} characters.", "Shorten it.")


def check_new_date(*, planned_at: datetime, present: datetime, at: datetime) -> None:
    """A meeting moves to a moment that lies ahead and is another one."""
    if planned_at <= at:
        raise refused("This moment is over.", "Choose one that lies ahead.")
    if planned_at > at + FURTHEST:
        raise refused(f"A meeting is moved by at most {FURTHEST.days} days from now.", "Choose an earlier day.")
    if planned_at == present:
        raise refused("The meeting is planned for this moment already.", "Choose another one.")


def check_point(*, title: str, note: str, minutes: int, count: int) -> None:
    """A point has a title of one line, a length, and room on the agenda. ``count`` are the points that stand there."""
    if not title.strip():
        raise refused("The point has no title.", "Say in a few words what it is about.")
    if len(title.strip().splitlines()) > 1 or len(title) > TITLE:
        raise refused(f"A title is one line of at most {TITLE} characters.", "Put the rest into the note.")
    if len(note) > NOTE:
        raise refused(f"A note has at most {NOTE} characters.", "Shorten it, or link to a document.")
    check_minutes(minutes=minutes)
    if count >= MOST_POINTS:
        raise refused(f"An agenda takes at most {MOST_POINTS} points.", "Put it on a later meeting, or ask the chair to make room.")


def check_minutes(*, minutes: int) -> None:
    """A point takes a minute at least and four hours at most."""
    if not 1 <= minutes <= POINT_LONGEST:
        raise refused(f"A point takes from 1 to {POINT_LONGEST} minutes.", "Choose another length.")


def check_may_take_off(*, leads: bool, put_it: bool) -> None:
    """The chair takes points off, and whoever put one takes that one off."""
    if not leads and not put_it:
        raise Refused(Clause.ACCESS_RESTRICTED, "The chair takes points off, and whoever put them.", "Ask one of them.")


def read_holidays(lines: Iterable[str]) -> tuple[date, ...]:
    """Days written as 2026-12-25, one a line, sorted. Raises ``Refused`` that names the line which is none."""
    found = set()
    for line in lines:
        if not line.strip():
            continue
        try:
            found.add(date.fromisoformat(line.strip()))
        except ValueError as wrong:
            raise refused(f"{line.strip()[:40]} is no day.", "Write each as 2026-12-25.") from wrong
    return tuple(sorted(found))


def refused(why: str, instead: str = "") -> Refused:
    """A refusal under P-30."""
    return Refused(Clause.OVERSEEN, why, instead)
