"""Which runs somebody may see, the newest of them, and the health of the controls by week."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from audits.controls.catalogue import CONTROLS
from audits.controls.models import ControlRun
from audits.controls.result import Window
from audits.controls.rows import in_scope
from audits.controls.unread import unread_sources
from audits.engagements.models import Engagement
from audits.engagements.queries import open_at, scope_of
from changes.delivery.models import Repository
from portal.access.scope import EVERYTHING
from portal.numbers import number_in
from portal.ui.clock import time_of

WEEK = timedelta(days=7)
WEEKS = 26
STEADY = WEEK
"""How long after its end a week is looked at again: what was found late belongs to it too."""
Purpose = ControlRun.Purpose
WITHOUT_ROWS = "1"
"""Runs by these rules kept no digest of their rows."""


def runs_for(engagement: Engagement | None) -> QuerySet[ControlRun]:
    """Runs of an engagement, newest first; None: those of the company as a whole. A week of health is none of them."""
    rows = ControlRun.objects.filter(engagement=engagement).exclude(purpose=Purpose.WEEK).exclude(rules_version=WITHOUT_ROWS)
    return rows.select_related("started_by").order_by("-at", "-id")


def run_in(engagement: Engagement | None, *, pk: int, at: datetime) -> ControlRun | None:
    """One run, if it may be seen: also a week of health."""
    run = ControlRun.objects.select_related("started_by").filter(pk=pk).first()
    if run is None or run.purpose != Purpose.WEEK:
        return run if run is None or run.engagement_id == (engagement.pk if engagement else None) else None
    return run if engagement is None or run.since in weeks_for(engagement, at=at) else None


def latest_run(engagement: Engagement | None = None) -> ControlRun | None:
    """The newest of them; None before the first one."""
    return runs_for(engagement).first()


def run_asked_for(request: HttpRequest, engagement: Engagement | None) -> ControlRun | None:
    """The run that ``?run=`` names, else the newest; None before the first. Raises ``Http404`` for one of somebody else."""
    asked = request.GET.get("run", "")
    if not asked:
        return latest_run(engagement)
    number = number_in(asked, below=19, otherwise=None)
    run = run_in(engagement, pk=number, at=time_of(request)) if number is not None else None
    if run is None:
        raise Http404("There is no such run, or it is not for you.")
    return run


def ran_daily_since(moment: datetime) -> bool:
    """Whether the portal has done its daily run since then, and another one would not read more."""
    run = ControlRun.objects.filter(purpose=Purpose.DAILY, at__gt=moment).order_by("-at", "-id").first()
    return run is not None and not would_read_more(run)


def would_read_more(run: ControlRun) -> bool:
    """Whether a source that the run could not rely on has been read since up to the end of its window.

    A portal that was just started, or a vendor that was away for an hour, does not make a day or a past week unknown for good.
    """
    window, missed = Window(run.since, run.until), dict[frozenset[str], int]()
    for control in CONTROLS.values():
        if count := run.results.get(control.id, {}).get("unread"):
            missed[control.needs] = count  # controls that need the same sources miss the same ones
    return any(
        sum(1 for _ in unread_sources(needs=needs, window=window, scope=EVERYTHING)) < count for needs, count in missed.items()
    )


def monday_of(moment: datetime) -> datetime:
    """Midnight UTC at which the week of a moment began."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def whole_weeks(*, at: datetime) -> list[datetime]:
    """Mondays of the last weeks that are over, oldest first, as far back as anything was in scope."""
    first = Repository.objects.order_by("in_scope_from").values_list("in_scope_from", flat=True).first()
    if first is None:
        return []
    begun = monday_of(at)
    return [monday for back in range(WEEKS, 0, -1) if (monday := begun - back * WEEK) + WEEK > first]


def weeks_to_run(*, at: datetime) -> list[datetime]:
    """Mondays of weeks that were not looked at yet, whose time in which things are found late is not over, or of which a source
    was unread then that has been read since."""
    weeks = whole_weeks(at=at)
    known = {run.since: run for run in _weekly(weeks)}

    def is_wanted(monday: datetime) -> bool:
        run = known.get(monday)
        return run is None or run.at < monday + WEEK + STEADY or would_read_more(run)

    return list(filter(is_wanted, weeks))


def _weekly(mondays: Iterable[datetime]) -> QuerySet[ControlRun]:
    """The newest run of each of these weeks."""
    rows = ControlRun.objects.filter(purpose=Purpose.WEEK, since__in=list(mondays))
    return rows.order_by("since", "-id").distinct("since")


@dataclass(frozen=True)
class Week:
    """What a control came to in one week. ``outcome`` is empty when nobody looked."""

    monday: datetime
    outcome: str = ""
    deviations: int = 0
    population: int = 0
    run: int | None = None


def weeks_for(engagement: Engagement | None, *, at: datetime) -> list[datetime]:
    """The weeks whose health may be shown: to an auditor those within the window, and none where only a part of the company is in
    scope, since these runs are about all of it."""
    mondays = whole_weeks(at=at)
    if engagement is None:
        return mondays
    inside = [monday for monday in mondays if engagement.window_from <= monday and monday + WEEK <= engagement.window_to]
    return [] if engagement.repositories or engagement.systems else inside


def health(*, at: datetime, engagement: Engagement | None = None) -> dict[str, list[Week]]:
    """By control's id: the last whole weeks, oldest first. One query beside that of the weeks."""
    mondays = weeks_for(engagement, at=at)
    by_monday = {run.since: run for run in _weekly(mondays)}
    scope = scope_of(engagement) if engagement else EVERYTHING
    shown = {control.id for control in CONTROLS.values() if in_scope(control, scope)}
    ids = sorted({key for run in by_monday.values() for key in run.results} & shown)
    return {key: [_week(monday, by_monday.get(monday), key) for monday in mondays] for key in ids}


def _week(monday: datetime, run: ControlRun | None, key: str) -> Week:
    kept = run.results.get(key) if run is not None else None
    if run is None or kept is None:
        return Week(monday)
    return Week(monday, kept["outcome"], kept["deviations"], kept["population"], run.pk)


def engagements_to_run(*, at: datetime) -> list[Engagement]:
    """Engagements that are open and for which the controls were not run for a day."""
    running = open_at(at).filter(window_from__lt=at)
    recent = ControlRun.objects.filter(purpose=Purpose.ENGAGEMENT, at__gt=at - timedelta(days=1)).values("engagement")
    return list(running.exclude(pk__in=recent).order_by("pk"))
