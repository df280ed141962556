"""Meetings, agendas and series in the words and numbers of their pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from changes.exceptions.queries import within
from changes.meetings.models import AgendaItem, Meeting, Series
from changes.meetings.queries import Agenda, Line
from changes.meetings.rules import words_of
from portal.access.models import User
from portal.access.scope import EVERYTHING, Scope, for_auditor, scope_for
from portal.access.signed_in import person_of

ICONS = {
    "proposal": "git-pull-request",
    "lapsed": "timer-off",
    "retrospective": "siren",
    "exception": "triangle-alert",
    "policy": "scroll-text",
    "action": "list-checks",
    "finding": "search",
    "point": "message-square",
}
FROM_CHANGES = frozenset({"proposal", "lapsed", "retrospective"})


def reader_of(request: HttpRequest) -> User | None:
    """Who keeps a reading state here: everybody but auditors, who write nothing."""
    return None if for_auditor(request) else person_of(request)


def inside(rows: QuerySet[Meeting], scope: Scope) -> QuerySet[Meeting]:
    """Only meetings in the window of an auditor's engagement."""
    if scope.window_from is not None:
        rows = rows.filter(planned_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(planned_at__lt=scope.window_to)
    return rows


def asked_meeting(request: HttpRequest, number: int) -> Meeting:
    """The meeting that the address names. 404 when there is none, or none inside what this request may see."""
    rows = inside(Meeting.objects.select_related("series", "chair"), scope_for(request))
    meeting = rows.filter(number=number).first() if number < 2**31 else None
    if meeting is None:
        raise Http404(f"There is no meeting {number}, or it is outside of what you may see.")
    return meeting


def veiled(agenda: Agenda, scope: Scope) -> frozenset[int]:
    """Ids of the points whose words an auditor may not read: findings, which may be another audit's, and other repositories'."""
    if scope == EVERYTHING:
        return frozenset()
    items = [line.item for line in (*agenda.lines, *agenda.folded)] + list(agenda.off)
    findings = frozenset(item.pk for item in items if item.kind == AgendaItem.Kind.FINDING)
    return findings if scope.repositories is None else findings | _of_others(items, scope)


def _of_others(items: list[AgendaItem], scope: Scope) -> frozenset[int]:
    about = {item.key: item for item in items if item.kind == AgendaItem.Kind.EXCEPTION}
    numbers = [int(key.partition(":")[2]) for key in about if key.partition(":")[2].isdecimal()]
    seen = {f"exception:{pk}" for pk in within(scope).filter(pk__in=numbers).values_list("pk", flat=True)}
    hidden = {item.pk for key, item in about.items() if key not in seen}
    return frozenset(hidden | {item.pk for item in items if item.kind in FROM_CHANGES and not _covered(item, scope)})


def _covered(item: AgendaItem, scope: Scope) -> bool:
    names = item.change.repository_names if item.change else []
    return any(scope.covers(repository=name) for name in names)


@dataclass(frozen=True)
class Shown:
    """One point as a row shows it."""

    line: Line
    icon: str
    kind: str
    title: str
    href: str
    veiled: bool
    said: str
    """Who put it, and how long it waits."""


def shown(lines: Iterable[Line], hidden: frozenset[int]) -> list[Shown]:
    """Rows of points."""
    return [_row(line, line.item.pk in hidden) for line in lines]


def _row(line: Line, veil: bool) -> Shown:
    item = line.item
    who = f"put by {item.put_by.name}" if item.put_by else ""
    idle = f"idle {line.idle} d" if line.idle else ""
    return Shown(
        line=line,
        icon=ICONS[item.kind],
        kind=AgendaItem.Kind(item.kind).label,
        title="A point outside of your engagement" if veil else item.title,
        href="" if veil else item.href,
        veiled=veil,
        said=", ".join(filter(None, ["" if veil else item.note if item.put_by is None else "", who, idle])),
    )


def when_words(meeting: Meeting) -> str:
    """ "Tuesday 24 November 2026, 10:00 to 11:00 Europe/Berlin"."""
    starts = meeting.planned_at.astimezone(ZoneInfo(meeting.series.zone))
    ends = (meeting.planned_at + timedelta(minutes=meeting.series.minutes)).astimezone(ZoneInfo(meeting.series.zone))
    return f"{starts:%A %-d %B %Y, %H:%M} to {ends:%H:%M} {meeting.series.zone}"


def date_words(at: datetime, zone: str) -> str:
    """ "Tue 24 Nov 2026, 10:00"."""
    return f"{at.astimezone(ZoneInfo(zone)):%a %-d %b %Y, %H:%M}"


def rule_words(series: Series) -> str:
    """ "Every two weeks on Tuesday"."""
    words = words_of(series.rule)
    return f"{words[0].upper()}{words[1:]}"


def cadence_words(series: Series) -> str:
    """ "Every two weeks on Tuesday, 10:00 Europe/Berlin, 60 minutes"."""
    return f"{rule_words(series)}, {series.time:%H:%M} {series.zone}, {series.minutes} minutes"
