"""When a series meets: its rule (RFC 5545 §3.3.10), the clock of its zone, its holidays. Pure.

A rule gives days. The time is that of the series on the clock of its zone, so ten o'clock stays ten o'clock when clocks change.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from portal.policy.clocks import SATURDAY

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = frozenset(
    ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYYEARDAY", "BYWEEKNO", "WKST")
)
"""Parts of a rule that name days. Those that name hours would meet more than once a day."""
LONGEST = 200
DAY = timedelta(days=1)
LOOKED_AT = date(2026, 1, 1)
"""A rule is followed from there for a year to see whether the library can read it."""
SOON = timedelta(days=366)
"""A rule meets for the first time within that time."""
NEAR = 31
"""Days within which a meeting that falls on a holiday finds its new day."""
WEEKDAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday"}
EVERY = {1: "every week", 2: "every two weeks", 3: "every three weeks", 4: "every four weeks"}


class BadRule(ValueError):
    """The text is no rule that a series can follow. The message says what is wrong, to whoever wrote it."""


@dataclass(frozen=True)
class Cadence:
    """When a series meets. ``time`` is that on the clock of ``zone``; ``holidays`` are days on which no meeting is held."""

    rule: str
    starts_on: date
    time: time
    zone: str
    holidays: frozenset[date] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Slot:
    """One date of a cadence. ``day`` is that of the rule, ``planned_at`` when it is held (UTC), ``reason`` why that differs."""

    day: date
    planned_at: datetime
    moved_from: datetime | None = None
    reason: str = ""


def fortnightly(*, starts_on: date, weeks: int = 2) -> str:
    """The rule for every ``weeks`` weeks on the weekday of ``starts_on``."""
    return f"FREQ=WEEKLY;INTERVAL={weeks};BYDAY={list(WEEKDAYS)[starts_on.weekday()]}"


def read_rule(text: str) -> str:
    """The rule in its plain form. Raises ``BadRule`` for one that is none, or that would meet more than once a day."""
    parts = _parts(text)
    frequency = parts.get("FREQ", "")
    if frequency in ("HOURLY", "MINUTELY", "SECONDLY") or parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"}:
        raise BadRule("A series meets at most once a day. Use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
    if frequency not in FREQUENCIES:
        raise BadRule("A rule begins with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, such as FREQ=WEEKLY;INTERVAL=2;BYDAY=TU.")
    if unknown := parts.keys() - PARTS:
        raise BadRule(f"A rule has no part {', '.join(sorted(unknown))} (RFC 5545).")
    _check_numbers(parts)
    written = ";".join(f"{name}={value}" for name, value in parts.items())
    _days_of(written, LOOKED_AT, LOOKED_AT + SOON)
    return written


def _parts(text: str) -> dict[str, str]:
    plain = re.sub(r"\s+", "", text.upper()).removeprefix("RRULE:").strip(";")
    if len(plain) > LONGEST:
        raise BadRule(f"A rule has at most {LONGEST} characters.")
    pairs = [part.partition("=") for part in plain.split(";")]
    names = [name for name, _, _ in pairs]
    if len(set(names)) < len(names) or not all(name and value for name, _, value in pairs):
        raise BadRule("A rule is made of parts such as INTERVAL=2, each once, with semicolons between them.")
    return {name: value for name, _, value in pairs}


def _check_numbers(parts: dict[str, str]) -> None:
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not re.fullmatch(r"[1-9]\d{0,2}", parts[name]):
            raise BadRule(f"{name} is a whole number from 1 to 999.")
    if "UNTIL" in parts and _until(parts["UNTIL"]) is None:
        raise BadRule("UNTIL is a day such as 20271231.")
    if "UNTIL" in parts and "COUNT" in parts:
        raise BadRule("A rule ends by UNTIL or by COUNT, not by both.")


def _until(text: str) -> date | None:
    if not re.fullmatch(r"\d{8}(T\d{6}Z?)?", text):
        return None
    try:
        return date.fromisoformat(text[:8])
    except ValueError:
        return None


def check_cadence(*, cadence: Cadence, at: datetime) -> None:
    """Raises ``BadRule`` for a cadence that has no meeting within a year from ``at`` or from its first day."""
    begins = max(cadence.starts_on, local_day(at, cadence.zone))
    if not any(slot.planned_at > at for slot in slots(cadence=cadence, until=begins + SOON)):
        raise BadRule("By this rule there is no meeting within a year. Look at its days and at its end.")


def slots(*, cadence: Cadence, until: date) -> list[Slot]:
    """The dates of a cadence from its first day until that day, each with the day on which it is held."""
    days = _days_of(cadence.rule, cadence.starts_on, until)
    taken, found = set(days), []
    for day in days:
        held = _held_on(day, cadence.holidays, taken)
        taken.add(held)
        found.append(_slot(cadence, day, held))
    return found


def _days_of(rule: str, starts_on: date, until: date) -> list[date]:
    """The days of a rule. Raises ``BadRule`` for one that the library cannot follow."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    count = int(parts.pop("COUNT", "0"))
    last = min(filter(None, (until, _until(parts.pop("UNTIL", "")))))
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        found = rrulestr(text, dtstart=datetime.combine(starts_on, time.min))
        assert isinstance(found, rrule)
        # Always with an end: a rule that names no day at all (the 30th of February) would be followed for millennia.
        days = [each.date() for each in found.replace(until=datetime.combine(last, time.min))]
    except (ValueError, TypeError, IndexError, OverflowError) as problem:
        raise BadRule("This is no rule that a calendar could follow (RFC 5545). Look at its days.") from problem
    return days[:count] if count else days


def _held_on(day: date, holidays: frozenset[date], taken: Iterable[date]) -> date:
    """The day itself, or for a holiday the next working day: if possible one on which the rule has no other meeting."""
    if day not in holidays:
        return day
    ahead = (day + number * DAY for number in range(1, NEAR))
    working = [each for each in ahead if each.weekday() < SATURDAY and each not in holidays]
    free = [each for each in working if each not in taken]
    return next(iter([*free, *working]), day)


def _slot(cadence: Cadence, day: date, held: date) -> Slot:
    planned_at, forward = moment_of(day=held, clock=cadence.time, zone=cadence.zone)
    if held == day:
        return Slot(day, planned_at, reason=forward)
    by_rule, _ = moment_of(day=day, clock=cadence.time, zone=cadence.zone)
    moved = f"{day:%-d %B %Y} is a holiday, so it is held on the next working day. {forward}".strip()
    return Slot(day, planned_at, moved_from=by_rule, reason=moved)


def moment_of(*, day: date, clock: time, zone: str) -> tuple[datetime, str]:
    """The moment (UTC) at which clocks in ``zone`` show that time, and a sentence where they never do.

    A time that is left out when clocks go forward moves forward with them; of one that comes twice the first is meant
    (RFC 5545 §3.3.5).
    """
    there = ZoneInfo(zone)
    wanted = datetime.combine(day, clock)
    found = wanted.replace(tzinfo=there).astimezone(UTC)
    shown = found.astimezone(there).replace(tzinfo=None)
    if shown == wanted:
        return found, ""
    return found, f"Clocks in {zone} go forward on {day:%-d %B %Y}: {clock:%H:%M} does not exist, so it begins at {shown:%H:%M}."


def local_day(at: datetime, zone: str) -> date:
    """The date that calendars in ``zone`` show at that moment."""
    return at.astimezone(ZoneInfo(zone)).date()


def day_ends_at(*, at: datetime, zone: str) -> datetime:
    """The end (UTC) of the day in ``zone`` to which the moment belongs."""
    return moment_of(day=local_day(at, zone) + DAY, clock=time.min, zone=zone)[0]


def words_of(rule: str) -> str:
    """The rule in words: "every two weeks on Tuesday"; a rule of another kind as it is written."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    interval, days = int(parts.get("INTERVAL", "1")), parts.get("BYDAY", "").split(",")
    if parts.keys() <= {"FREQ", "INTERVAL", "BYDAY", "WKST"} and parts["FREQ"] == "WEEKLY" and set(days) <= WEEKDAYS.keys():
        return f"{EVERY.get(interval, f'every {interval} weeks')} on {' and '.join(WEEKDAYS[day] for day in days)}"
    return rule
