"""How things stand: exceptions by age, emergencies, training, drift, and the time that meetings take."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from audits.insights.period import Period
from audits.insights.picture import Bar, Picture, percent
from changes.delivery.models import Environment
from changes.drift.facts import AGAINST_GIT
from changes.drift.models import Compared, DriftCase, DriftState
from changes.exceptions.models import ExceptionState
from changes.exceptions.queries import within
from changes.inventory.models import Asset
from changes.meetings.models import Meeting
from changes.proposals.models import Category, Change
from changes.training.figures import figures_of
from changes.training.models import Course
from changes.training.queries import members
from portal.access.scope import Scope
from portal.ui.components import charts

AGES: tuple[tuple[timedelta, str, str], ...] = (
    (timedelta(days=2), "up to 2 days", "accent"),
    (timedelta(days=7), "2 to 7 days", "accent"),
    (timedelta(days=30), "7 to 30 days", "warn"),
    (timedelta.max, "over 30 days", "bad"),
)
MEETINGS = 8
"""Meetings whose minutes are shown, the newest of the period."""
ENVIRONMENT = re.compile(r"-(?:prod|production|staging|stage|dev|development)$")


def exceptions_picture(scope: Scope, *, at: datetime) -> Picture:
    """Open exceptions in four ages."""
    counts = dict.fromkeys((words for _, words, _ in AGES), 0)
    for found_at in within(scope).filter(state=ExceptionState.OPEN).values_list("found_at", flat=True):
        counts[next(words for limit, words, _ in AGES if at - found_at < limit)] += 1
    total = sum(counts.values())
    old, noun = counts["over 30 days"], "exception" if total == 1 else "exceptions"
    title = "No exception is open" if not total else f"{total} open {noun}, {old or 'none'} older than 30 days"
    bars = tuple(Bar(words, counts[words], max(total, 1), str(counts[words]), tone, "/exceptions/") for _, words, tone in AGES)
    table = charts.figures(("Age", "Open"), list(counts.items()), label="Open exceptions by age")
    return Picture(
        "exceptions", title, "By the time since they were found.", bars=bars if total else (), table=table, href="/exceptions/"
    )


def emergencies_picture(period: Period) -> Picture:
    """Emergencies among the changes that were opened, in the period and in the one before."""
    now, before = (_urgent(period, since, until) for since, until in ((period.since, period.until), (period.before, period.since)))
    words = "Emergencies among the changes opened in the period; undeclared ones were found by the portal."
    if not now[0]:
        return Picture("emergencies", "Emergency rate", words, missing="Needs a change.")
    share = now[1] / now[0]
    then = f", {percent(before[1] / before[0])} in the period before" if before[0] else ""
    title = f"{percent(share)} of changes were emergencies{then}"
    bars = (
        Bar("This period", now[1], now[0], f"{now[1]} of {now[0]}", "bad" if share > 0.1 else "accent", "/emergencies/"),
        Bar("Of these found by the portal", now[2], now[0], f"{now[2]} of {now[1]}", "bad", "/emergencies/"),
        Bar("The period before", before[1], max(before[0], 1), f"{before[1]} of {before[0]}"),
    )
    rows = [("This period", *now), ("The period before", *before)]
    return Picture(
        "emergencies",
        title,
        words,
        bars=bars,
        table=charts.figures(("Period", "Changes", "Emergencies", "Undeclared"), rows, label="Emergencies"),
    )


def _urgent(period: Period, since: datetime, until: datetime) -> tuple[int, int, int]:
    rows = Change.objects.filter(opened_at__gte=since, opened_at__lt=until)
    if period.scope.repositories is not None:
        rows = rows.filter(repository_names__overlap=sorted(period.scope.repositories))
    if period.scope.window_from is not None:
        rows = rows.filter(opened_at__gte=period.scope.window_from)
    urgent = rows.filter(category=Category.EMERGENCY)
    return rows.count(), urgent.count(), urgent.filter(undeclared=True).count()


def training_picture(*, at: datetime) -> Picture:
    """How many of each role are trained, as "3 of 6"."""
    words = "People of each role whose training is current: passed and signed, or still within the time for it."
    if not Course.objects.filter(published_at__lte=at).exists():
        return Picture("training", "Training", words, missing="Needs a course on the policy in force.")
    found = figures_of(members(at=at))
    open_ones = found.total - found.trained
    people = "person" if open_ones == 1 else "people"
    title = "Everybody is trained" if not open_ones else f"{open_ones} {people} still need{'s' if open_ones == 1 else ''} training"
    bars = tuple(
        Bar(one.label, one.trained, one.total, f"{one.trained} of {one.total}", "ok" if one.trained == one.total else "warn")
        for one in found.roles
    )
    rows = [(one.label, one.trained, one.total) for one in found.roles]
    table = charts.figures(("Role", "Trained", "People"), rows, label="Training by role")
    return Picture("training", title, words, bars=bars, table=table)


@dataclass(frozen=True)
class Cell:
    """One app in one environment: icon, tone and word, and the case behind it."""

    icon: str
    tone: str
    word: str
    href: str = ""


BLIND = "not compared"
NOT_USED = Cell("minus", "neutral", "not used")
COLUMNS = (Environment.DEVELOPMENT, Environment.STAGING, Environment.PRODUCTION)


@dataclass(frozen=True)
class Drift:
    """The table: a row for each app, a cell for each environment. It is a table, so it stays one."""

    title: str
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def drift_table(scope: Scope) -> Drift | None:
    """What runs beside what Git says, by app and environment; None where Fly is not in the scope."""
    if not scope.covers_system(system="fly"):
        return None
    live = DriftCase.objects.filter(rule__in=AGAINST_GIT).exclude(state=DriftState.MATCHES)
    cases: dict[str, list[DriftCase]] = {}
    for case in live.order_by("opened_at", "pk"):
        cases.setdefault(case.subject, []).append(case)
    compared = {row.subject: row for row in Compared.objects.filter(beside=Compared.With.GIT)}
    table: dict[str, dict[str, Cell]] = {}
    off = blind = 0
    for app in Asset.objects.filter(kind="fly.app", gone_at=None).exclude(environment="").order_by("name"):
        cell = _cell(compared.get(app.external_id), cases.get(app.external_id, []))
        off += cell.tone == "bad"
        blind += cell.word == BLIND
        table.setdefault(ENVIRONMENT.sub("", app.name), {})[app.environment] = cell
    title = _drift_title(off, blind)
    rows = tuple((name, tuple(cells.get(column, NOT_USED) for column in COLUMNS)) for name, cells in sorted(table.items()))
    return Drift(title if rows else "Drift", rows)


def _drift_title(off: int, blind: int) -> str:
    """What differs; without that, whether everything could be compared at all."""
    if off:
        return f"{off} {'app runs' if off == 1 else 'apps run'} something Git does not say"
    return f"{blind} {'app was' if blind == 1 else 'apps were'} not compared with Git" if blind else "All that runs is as Git says"


def _cell(compared: Compared | None, cases: Iterable[DriftCase]) -> Cell:
    live = list(cases)
    if live:
        open_ones = [case for case in live if case.state == DriftState.OPEN]
        first = (open_ones or live)[0]
        word = (
            f"{len(live)} {'difference' if len(live) == 1 else 'differences'}" if open_ones else first.get_state_display().lower()
        )
        return Cell("circle-x" if open_ones else "clock", "bad" if open_ones else "warn", word, f"/drift/{first.pk}/")
    if compared is None or compared.problem:
        return Cell("circle-question-mark", "warn", BLIND)
    return Cell("circle-check", "ok", "matches")


def meetings_picture(period: Period) -> Picture:
    """Minutes that the agenda asked for beside those that the meeting took."""
    words = "Minutes that each meeting took, of those that its agenda asked for."
    held = Meeting.objects.filter(started_at__gte=period.since, ended_at__lt=period.until).annotate(asked=Sum("items__minutes"))
    rows = [
        (
            f"Meeting {row.number}, {row.planned_at:%-d %b}",
            row.asked or 0,
            round((row.ended_at - row.started_at).total_seconds() / 60),
        )
        for row in held.order_by("-planned_at")[:MEETINGS]
        if row.ended_at is not None and row.started_at is not None
    ]
    if not rows:
        return Picture("meetings", "Meeting minutes", words, missing="Needs a meeting that was held.")
    over = sum(used > asked for _, asked, used in rows)
    noun = "meeting" if len(rows) == 1 else "meetings"
    title = f"{over} of {len(rows)} {noun} took longer than planned" if over else "Meetings keep to their time"
    bars = tuple(
        Bar(name, used, max(asked, used, 1), f"{used} of {asked} minutes", "warn" if used > asked else "ok", "/meetings/")
        for name, asked, used in rows
    )
    table = charts.figures(("Meeting", "Planned", "Used"), rows, label="Minutes of meetings")
    return Picture("meetings", title, words, bars=bars, table=table, href="/meetings/")
