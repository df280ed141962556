"""Times: relative on the screen, absolute in UTC in the title and on paper. The clock is the request's, never the machine's."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.ui.remaining import Timed, left_of

register = template.Library()

UNITS = (("d", 86400), ("h", 3600), ("min", 60))
LONG_AGO = 60 * 86400
"""Seconds after which the day says more than the distance."""

ABSOLUTE = "%a %-d %b %Y, %H:%M UTC"


@register.simple_tag(takes_context=True)
def when(context: Context, at: datetime | None, missing: str = "not yet") -> SafeString:
    """A moment, as "4 min ago" or "in 2 d". ``missing`` is shown when there is none."""
    now, zone = context.get("now"), str(context.get("zone") or "UTC")
    if not isinstance(now, datetime):
        raise LookupError("`when` needs `now` in the context: the time of the request")
    return moment(at, now=now, zone=zone, missing=missing)


def moment(at: datetime | None, *, now: datetime, zone: str = "UTC", missing: str = "not yet") -> SafeString:
    """The finished <time> element. Pure; the script keeps the words fresh from the same rule."""
    if at is None:
        return format_html('<span class="text-ink-3">{}</span>', missing)
    return SafeString(f"{_opening(at.replace(microsecond=0), zone)}{distance(at, now=now)}</time>")


@register.simple_tag(takes_context=True)
def elapsed(context: Context, since: datetime) -> SafeString:
    """How long something has lasted, as "1 min 12 s"; the script counts on by the second."""
    now = context.get("now")
    if not isinstance(now, datetime):
        raise LookupError("`elapsed` needs `now` in the context: the time of the request")
    at = since.astimezone(UTC)
    stamp, absolute = at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime(ABSOLUTE)
    return format_html('<time datetime="{}" title="since {}" data-since>{}</time>', stamp, absolute, lasted(now - since))


@register.simple_tag(takes_context=True)
def left(context: Context, work: Timed) -> SafeString:
    """``, about 2 minutes left`` behind the words about work in the background; empty where nobody can tell (``remaining``)."""
    now = context.get("now")
    if not isinstance(now, datetime):
        raise LookupError("`left` needs `now` in the context: the time of the request")
    words = left_of(work, at=now)
    return SafeString(f", {words}" if words else "")


def lasted(length: timedelta) -> str:
    """ "12 s", "1 min 12 s", "2 h 3 min", "3 d 4 h": the two largest units. Never less than nothing."""
    left = max(int(length.total_seconds()), 0)
    parts = []
    for unit, seconds in (*UNITS, ("s", 1)):
        if left >= seconds:
            parts.append(f"{left // seconds} {unit}")
            left %= seconds
    return " ".join(parts[:2]) or "0 s"


@lru_cache(maxsize=4096)
def _opening(at: datetime, zone: str) -> str:
    """The start tag. Kept, because the rows of a list and the readers of a page share their moments."""
    at = at.astimezone(UTC)
    absolute = at.strftime(ABSOLUTE)
    local = _local(at, zone)
    # On paper stands what data-abs says, or the title when both would be the same.
    paper = SafeString(f'="{absolute}"') if local else ""
    return format_html('<time datetime="{}" title="{}{}" data-abs{}>', at.strftime("%Y-%m-%dT%H:%M:%SZ"), absolute, local, paper)


def distance(at: datetime, *, now: datetime) -> str:
    """ "4 min ago", "in 2 d", "now"; beyond sixty days the date."""
    seconds = (at - now).total_seconds()
    size = abs(seconds)
    if size >= LONG_AGO:
        return at.astimezone(UTC).strftime("%-d %b %Y")
    for unit, length in UNITS:
        if size >= length:
            words = f"{int(size // length)} {unit}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "now"


def _local(at: datetime, zone: str) -> str:
    if zone == "UTC":
        return ""
    return at.astimezone(_zone(zone)).strftime(f" (%H:%M {zone})")


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)
