"""The calendar: planned windows, freezes, releases and meetings as month, week and agenda, and the heat map."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from changes.calendar.entries import Wanted, entries_of
from changes.calendar.facts import Span
from changes.calendar.heat import WEEKS, first_monday, releases_by_day
from changes.delivery.models import Environment, Repository
from changes.desk.calendar.shapes import (
    AGENDA_DAYS,
    SHAPES,
    Day,
    Range,
    agenda_of,
    day_asked,
    days_of,
    midnight,
    range_of,
    weeks_of,
)
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import Scope, for_auditor, scope_for
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.ui.answers import page, wants_piece
from portal.ui.clock import time_of
from portal.ui.components.heat import Heat, heat_map

TABS = (("?view=list", "List"), ("?view=board", "Board"), ("?view=calendar", "Calendar"))
HERE = "?view=calendar"


@dataclass(frozen=True)
class Asked:
    """The address, read. ``shape`` is empty where it names none: then the width of the window decides, by the style sheet."""

    shape: str
    on: date
    days: int
    environment: str
    repository: str

    def but(self, **changed: str) -> str:
        """A link to the calendar with some of it changed; what is empty is left out."""
        days = str(self.days) if self.days != AGENDA_DAYS else ""
        own = {"shape": self.shape, "on": self.on.isoformat(), "days": days}
        own |= {"environment": self.environment, "repository": self.repository}
        kept = {name: value for name, value in {**own, **changed}.items() if value}
        return f"?{urlencode({'view': 'calendar', **kept})}"


def calendar_page(request: HttpRequest) -> HttpResponse:
    """The calendar for a reader who may see changes; the view of the list guards the address and hands it on."""
    zone, today = _today(request)
    asked = read_address(request, today=today)
    main = range_of(shape=asked.shape or "month", on=asked.on, days=asked.days)
    agenda = range_of(shape="agenda", on=asked.on, days=asked.days)
    shown = [main] if asked.shape else [main, agenda]
    drawn = _drawn(request, asked, shown, zone, today)
    context = {
        "asked": asked,
        "shape": asked.shape or "month",
        "auto": not asked.shape,
        "range": main,
        "agenda_range": agenda,
        "weeks": weeks_of(drawn[0]) if main.shape == "month" else [],
        "week": drawn[0] if main.shape == "week" else [],
        "agenda": drawn[-1] if main.shape == "agenda" or not asked.shape else [],
        "with_agenda": main.shape == "agenda" or not asked.shape,
        "conflicts": _conflicts(drawn),
        "zone_words": "UTC" if str(zone) == "UTC" else f"the zone {zone}",
        "here": reverse("changes") + asked.but(),
        **_buttons(asked, main, today),
    }
    if not wants_piece(request):
        context |= _around(request, asked, zone, today)
    return page(request, "changes/desk/calendar/calendar.html", context, piece="calendar")


def read_address(request: HttpRequest, *, today: date) -> Asked:
    """What the address asks for; what it cannot mean is left out."""
    given = request.GET
    days = given.get("days", "")
    return Asked(
        shape=given.get("shape", "") if given.get("shape", "") in SHAPES else "",
        on=day_asked(given.get("on", ""), today=today),
        days=asked if 1 <= (asked := number_in(days, below=4, otherwise=0)) <= 92 else AGENDA_DAYS,
        environment=given.get("environment", "") if given.get("environment", "") in Environment.values else "",
        repository=given.get("repository", "")[:200].replace("\x00", ""),
    )


def _today(request: HttpRequest) -> tuple[ZoneInfo, date]:
    zone = ZoneInfo(person_of(request).time_zone or "UTC")
    return zone, time_of(request).astimezone(zone).date()


def _drawn(request: HttpRequest, asked: Asked, ranges: Iterable[Range], zone: ZoneInfo, today: date) -> list[list[Day]]:
    """Each range with its entries, which are read once for all of them."""
    spans = [each.span(zone) for each in ranges]
    wanted = wanted_of(asked, Span(min(spans).starts_at, max(span.ends_at for span in spans)), scope_for(request))
    entries = entries_of(wanted=wanted) if wanted is not None else []
    return [_shaped(each)(within=each, entries=entries, zone=zone, today=today) for each in ranges]


def _shaped(each: Range) -> Callable[..., list[Day]]:
    return agenda_of if each.shape == "agenda" else days_of


def wanted_of(asked: Asked, span: Span, scope: Scope) -> Wanted | None:
    """What to read, inside what this request may see; None when nothing of the span lies inside its window."""
    starts = max(span.starts_at, scope.window_from) if scope.window_from else span.starts_at
    ends = min(span.ends_at, scope.window_to) if scope.window_to else span.ends_at
    if starts >= ends:
        return None
    return Wanted(
        span=Span(starts, ends),
        environments=frozenset({asked.environment} - {""}),
        repositories=frozenset({asked.repository} - {""}),
        scope=scope.repositories,
    )


def _conflicts(drawn: list[list[Day]]) -> int:
    return len({line.entry.uid for days in drawn for day in days for line in day.lines if line.entry.conflicts})


def _buttons(asked: Asked, main: Range, today: date) -> dict[str, Any]:
    """Before, after, today, and the three shapes."""
    return {
        "before": asked.but(on=main.before.isoformat()),
        "after": asked.but(on=main.after.isoformat()),
        "now_link": asked.but(on=""),
        "is_now": asked.on == today,
        "shapes": [(code, words, asked.but(shape=code)) for code, words in SHAPES.items()],
        "day_link": replace(asked, days=1, shape="agenda").but(on=""),
    }


def _around(request: HttpRequest, asked: Asked, zone: ZoneInfo, today: date) -> dict[str, Any]:
    """What stands around the calendar: tabs, filters, the heat map."""
    scope = scope_for(request)
    repositories = Repository.objects.filter(in_scope_until=None).order_by("name").values_list("name", flat=True)
    names = [name for name in repositories if scope.covers(repository=name)]
    return {
        "tabs": TABS,
        "tab": HERE,
        "environments": [("", "Any environment"), *Environment.choices],
        "repositories": [("", "Any repository"), *((name, name) for name in names)],
        "heat": heat_of(asked=asked, zone=zone, today=today, scope=scope),
        "may_propose": may(request.user, P.CHANGE_PROPOSE),
        "may_feed": not for_auditor(request),
    }


def heat_of(*, asked: Asked, zone: ZoneInfo, today: date, scope: Scope) -> dict[str, Any]:
    """The heat map of releases to production, with its finding in words."""
    first = first_monday(today)
    days = releases_by_day(since=midnight(first, zone), zone=zone, scope=scope, repository=asked.repository)
    total, urgent = sum(day.count for day in days.values()), sum(day.marked for day in days.values())
    busiest = max(days, key=lambda day: (days[day].count, day), default=None)
    words = f"{total} release{'' if total == 1 else 's'} to production in {WEEKS} weeks"
    words += f", {urgent} of them with an emergency" if urgent else ""
    words += f"; most on {busiest:%a %-d %b} ({days[busiest].count})." if busiest else "."
    link = replace(asked, shape="agenda", days=1, environment=Environment.PRODUCTION.value).but(on="")
    drawn = heat_map(
        Heat(
            first=first,
            weeks=WEEKS,
            days=days,
            today=today,
            href=f"{link}&on={{day}}",
            noun="release",
            marked="with an emergency",
            label=f"Releases to production by day, {first:%-d %b %Y} to {today:%-d %b %Y}. {words}",
        )
    )
    return {"words": words, "map": drawn, "total": total}
