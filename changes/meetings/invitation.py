"""One meeting as an invitation that calendar programs understand (iCalendar, RFC 5545; iTIP, RFC 5546). Pure.

The UID is that of the calendar feed and stays for ever; SEQUENCE rises with each version of the meeting, so that programs
move or take away what they know instead of doubling it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, vCalAddress, vText

from portal.ui.text import revealed

PRODUCT = "-//Countersign//Architecture meetings//EN"
REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"


@dataclass(frozen=True)
class Called:
    """What an invitation says. ``organizer`` and ``guests`` are (name, address); ``host`` makes the UID unique in the world."""

    number: int
    name: str
    planned_at: datetime
    minutes: int
    version: int
    changed_at: datetime
    place: str
    address: str
    host: str
    organizer: tuple[str, str] | None = None
    guests: tuple[tuple[str, str], ...] = ()


def uid_of(number: int) -> str:
    """The part of a meeting's UID before the host."""
    return f"meeting-{number}"


def invitation(*, called: Called, method: str) -> str:
    """The file. ``method`` is REQUEST for one that stands or moved, CANCEL for one that is not held, PUBLISH for a download."""
    calendar = Calendar()
    for name, value in (("prodid", PRODUCT), ("version", "2.0"), ("calscale", "GREGORIAN"), ("method", method)):
        calendar.add(name, value)
    calendar.add_component(_event(called, cancelled=method == CANCEL))
    return bytes(calendar.to_ical()).decode()


def _event(called: Called, *, cancelled: bool) -> Event:
    event = Event()
    stamp = called.changed_at.astimezone(UTC).replace(microsecond=0)
    starts = called.planned_at.astimezone(UTC).replace(microsecond=0)
    event.add("uid", f"{uid_of(called.number)}@{called.host}")
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("sequence", called.version - 1)
    event.add("dtstart", starts)
    event.add("dtend", starts + timedelta(minutes=called.minutes))
    event.add("summary", revealed(f"{called.name} {called.number}"))
    event.add("description", f"Agenda: {called.address}")
    event.add("url", called.address)
    if called.place:
        event.add("location", revealed(called.place))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "CONFIDENTIAL")
    if called.organizer is not None:
        event["organizer"] = _person(*called.organizer)
    for guest in _people(called.guests):
        event.add("attendee", guest, encode=False)
    return event


def _people(guests: Iterable[tuple[str, str]]) -> list[vCalAddress]:
    found = []
    for name, address in guests:
        person = _person(name, address)
        person.params["ROLE"], person.params["PARTSTAT"] = vText("REQ-PARTICIPANT"), vText("NEEDS-ACTION")
        found.append(person)
    return found


def _person(name: str, address: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    person.params["CN"] = vText(revealed(name))
    return person
