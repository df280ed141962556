"""The calendar as a file that calendar programs read: RFC 5545, checked on its bytes and by reading it again."""

from datetime import UTC, datetime, timedelta

from icalendar import Calendar

from changes.calendar.entries import Entry
from changes.calendar.facts import Span
from changes.calendar.ics import calendar_of

AT = datetime(2026, 11, 2, 10, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(**values):
    given = {
        "kind": "window",
        "span": Span(AT, AT + HOUR),
        "title": "CHG-1042 Raise memory",
        "href": "/changes/1042/",
        "uid": "window-1042-production",
        "changed_at": AT - HOUR,
        "note": "Planned for production by Ann",
    }
    return Entry(**(given | values))


def written(*entries):
    return calendar_of(entries=entries, name="Phone", base_url="https://portal.example", host="portal.example")


def event(**values):
    (found,) = Calendar.from_ical(written(entry(**values))).walk("VEVENT")
    return found


def test_the_file_is_as_calendar_programs_want_it():
    assert written(entry(sequence=2)).decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Countersign//Calendar of changes//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "NAME:Phone",
        "X-WR-CALNAME:Phone",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "BEGIN:VEVENT",
        "SUMMARY:CHG-1042 Raise memory",
        "DTSTART:20261102T100000Z",
        "DTEND:20261102T110000Z",
        "DTSTAMP:20261102T090000Z",
        "UID:window-1042-production@portal.example",
        "SEQUENCE:2",
        "CATEGORIES:window",
        "CLASS:CONFIDENTIAL",
        "DESCRIPTION:Planned for production by Ann",
        "LAST-MODIFIED:20261102T090000Z",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "URL:https://portal.example/changes/1042/",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_no_line_is_longer_than_75_octets_and_long_ones_are_folded():
    text = written(entry(title="Ü" * 200, note="a; b, c \\ d" * 30))

    lines = text.split(b"\r\n")

    assert max(map(len, lines)) <= 75
    assert any(line.startswith(b" ") for line in lines)
    (found,) = Calendar.from_ical(text).walk("VEVENT")
    assert found["summary"] == "Ü" * 200


def test_special_signs_are_escaped_and_come_back():
    text = written(entry(title="a; b, c\\d\r\nEND:VEVENT", note="one\ntwo"))

    assert b"SUMMARY:a\\; b\\, c\\\\d\\nEND:VEVENT" in text.replace(b"\r\n ", b"")
    assert text.count(b"END:VEVENT") == 2
    assert [line for line in text.split(b"\r\n") if line == b"END:VEVENT"] == [b"END:VEVENT"]


def test_hidden_and_direction_characters_are_shown():
    assert event(title="Pay \u202eeciovni\u202c\x00")["summary"] == "Pay «U+202E»eciovni«U+202C»«U+0000»"


def test_a_long_title_is_cut():
    assert event(title="x" * 500)["summary"] == "x" * 299 + "…"


def test_a_cancelled_entry_stays_with_its_id_and_a_higher_sequence():
    found = event(cancelled=True, sequence=3)

    assert (found["status"], found["sequence"], found["uid"]) == ("CANCELLED", 3, "window-1042-production@portal.example")


def test_a_moment_lasts_a_minute():
    found = event(span=Span(AT, AT))

    assert found["dtend"].dt - found["dtstart"].dt == timedelta(minutes=1)


def test_conflicts_stand_in_the_description():
    assert event(conflicts=("The freeze End of year holds it.",))["description"] == (
        "Planned for production by Ann\nThe freeze End of year holds it."
    )


def test_an_empty_calendar_is_valid():
    assert Calendar.from_ical(written()).walk("VEVENT") == []
