"""The calendar as iCalendar (RFC 5545), for calendar programs. Pure: the same entries give the same bytes.

Times are UTC. A UID stays for ever and SEQUENCE rises with every change (§3.8.7.4), so that programs move an event instead of
doubling it; what was cancelled stays with STATUS:CANCELLED. DTSTAMP is when the entry last changed (§3.8.7.2).
"""

from collections.abc import Iterable
from datetime import UTC, timedelta

from icalendar import Calendar, Event, vDuration

from changes.calendar.entries import Entry
from portal.ui.text import revealed

PRODUCT = "-//Countersign//Calendar of changes//EN"
EVERY = timedelta(hours=1)
"""How often a program should look again (RFC 7986 §5.7)."""
SHORTEST = timedelta(minutes=1)
"""An event without any length is shown by no program."""
LONGEST_TEXT = 300


def calendar_of(*, entries: Iterable[Entry], name: str, base_url: str, host: str) -> bytes:
    """The file. ``host`` makes the UIDs unique in the world, ``base_url`` (https://…) leads back to the portal."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _text(name))
    calendar.add("name", _text(name))
    calendar.add("refresh-interval", EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(EVERY))
    for entry in entries:
        calendar.add_component(_event(entry, base_url=base_url, host=host))
    found: bytes = calendar.to_ical()
    return found


def _event(entry: Entry, *, base_url: str, host: str) -> Event:
    event = Event()
    event.add("uid", f"{entry.uid}@{host}")
    event.add("dtstamp", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("last-modified", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    event.add("sequence", entry.sequence)
    event.add("dtstart", entry.span.starts_at.astimezone(UTC).replace(microsecond=0))
    ends = max(entry.span.ends_at, entry.span.starts_at + SHORTEST)
    event.add("dtend", ends.astimezone(UTC).replace(microsecond=0))
    event.add("summary", _text(entry.title))
    event.add("description", _text("\n".join([entry.note, *entry.conflicts]).strip(), limit=4 * LONGEST_TEXT))
    event.add("url", f"{base_url}{entry.href}")
    event.add("categories", [entry.kind])
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("class", "CONFIDENTIAL")
    return event


def _text(text: str, *, limit: int = LONGEST_TEXT) -> str:
    """Text of other people: hidden and direction characters in sight, not longer than a calendar can show."""
    shown = revealed(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
