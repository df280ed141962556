"""The five numbers of delivery with their weeks, and the pictures of deploys, lead time and failures (DORA's present set)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from audits.insights.period import Period
from audits.insights.picture import Picture, length, percent
from changes.outcomes.dora import Deploy, LeadTime, Numbers, deploys_between, lead_times_between, numbers
from portal.ui.components import charts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BINS: tuple[tuple[timedelta, str], ...] = (
    (HOUR, "<1 h"),
    (4 * HOUR, "1–4 h"),
    (12 * HOUR, "4–12 h"),
    (DAY, "12–24 h"),
    (2 * DAY, "1–2 d"),
    (4 * DAY, "2–4 d"),
    (timedelta.max, ">4 d"),
)
"""Upper ends, which do not belong to them, and their words. They never move, so that periods can be compared."""
NEEDS = "Needs 2 weeks of deploys to production."
ENOUGH = timedelta(days=14)


@dataclass(frozen=True)
class Delivered:
    """What was delivered in a period and in the one before, read once."""

    period: Period
    deploys: list[Deploy]
    leads: list[LeadTime]
    now: Numbers
    before: Numbers

    @property
    def enough(self) -> bool:
        """Whether there are two weeks between the first deploy and the end: less says nothing."""
        first = min((deploy.succeeded_at for deploy in self.deploys), default=self.period.until)
        return self.period.until - first >= ENOUGH

    def weekly(self) -> list[Numbers]:
        """The numbers of each week, oldest first."""
        count = len(self.period.mondays)
        deploys: list[list[Deploy]] = [[] for _ in range(count)]
        leads: list[list[timedelta]] = [[] for _ in range(count)]
        for deploy in self.deploys:
            deploys[self.period.week_of(deploy.succeeded_at)].append(deploy)
        for lead in self.leads:
            leads[self.period.week_of(lead.released_at)].append(lead.took)
        return [numbers(deploys=mine, lead_times=took, days=7) for mine, took in zip(deploys, leads, strict=True)]


def delivered(period: Period) -> Delivered:
    """Reads both periods; a fixed number of queries. An auditor's period before lies outside of the engagement and is left out."""
    now = _read(period, period.since, period.until)
    bounded = period.scope.window_from is not None and period.before < period.scope.window_from
    then = ([], []) if bounded else _read(period, period.before, period.since)
    days = max((period.until - period.since).days, 1)
    figures = [numbers(deploys=deploys, lead_times=(one.took for one in leads), days=days) for deploys, leads in (now, then)]
    return Delivered(period, *now, *figures)


def _read(period: Period, since: datetime, until: datetime) -> tuple[list[Deploy], list[LeadTime]]:
    return (
        deploys_between(since=since, until=until, scope=period.scope),
        lead_times_between(since=since, until=until, scope=period.scope),
    )


@dataclass(frozen=True)
class Number:
    """One of the five: its value in words, how it moved, what it means, and its line over the weeks."""

    code: str
    label: str
    value: str
    moved: str
    meaning: str
    line: tuple[float, ...]


def five(found: Delivered) -> list[Number]:
    """Throughput first, then instability."""
    now, before, weeks = found.now, found.before, found.weekly()
    hours = [week.lead_time.total_seconds() / 3600 if week.lead_time is not None else 0.0 for week in weeks]
    recovery = [week.recovery.total_seconds() / 60 if week.recovery is not None else 0.0 for week in weeks]
    return [
        Number(
            "lead-time",
            "Change lead time",
            length(now.lead_time),
            _moved(length(before.lead_time)),
            "Middle time from the opening of a change's first pull request to its first success in production.",
            tuple(hours),
        ),
        Number(
            "deploys",
            "Deploy frequency",
            f"{now.per_week:.1f} a week" if now.per_week is not None else "–",
            _moved(f"{before.per_week:.1f}" if before.per_week is not None else "–"),
            "Successes in production; a deployment at the forge and its release at Fly count once.",
            tuple(float(week.deploys) for week in weeks),
        ),
        Number(
            "recovery",
            "Recovery time",
            length(now.recovery),
            f"{now.unrecovered} not recovered yet" if now.unrecovered else _moved(length(before.recovery)),
            "Middle time from the success of a deploy that failed to the success of the fix or the rollback.",
            tuple(recovery),
        ),
        Number(
            "fail-rate",
            "Change fail rate",
            percent(now.fail_rate),
            _moved(percent(before.fail_rate)),
            "Deploys that a person marked as failed, or that were rolled back, among all deploys.",
            tuple((week.fail_rate or 0) * 100 for week in weeks),
        ),
        Number(
            "rework",
            "Rework rate",
            percent(now.rework_rate),
            _moved(percent(before.rework_rate)),
            "Deploys that repaired something: emergencies, rollbacks and marked fixes, among all deploys.",
            tuple((week.rework_rate or 0) * 100 for week in weeks),
        ),
    ]


def _moved(before: str) -> str:
    return f"{before} in the period before" if before != "–" else "nothing to compare with"


def deploys_picture(found: Delivered) -> Picture:
    """Columns by week, emergencies on top."""
    weeks, urgent = found.weekly(), [0] * len(found.period.mondays)
    for deploy in found.deploys:
        urgent[found.period.week_of(deploy.succeeded_at)] += deploy.emergency
    words = "Deploys to production by week. What an emergency brought stands on top."
    if not found.enough:
        return Picture("deploys-a-week", "Deploys a week", words, missing=NEEDS)
    rows = [
        (f"{monday:%-d %b}", week.deploys - more, more)
        for monday, week, more in zip(found.period.mondays, weeks, urgent, strict=True)
    ]
    title = f"We deploy about {_about(found.now.per_week or 0)} a week"
    items = [charts.Column(day, planned, top, f"Week from {day}: {planned} planned, {top} emergency") for day, planned, top in rows]
    total = sum(urgent)
    desc = f"{found.now.deploys} deploys in {len(rows)} weeks, {total} of them for emergencies."
    return Picture(
        "deploys-a-week",
        title,
        words,
        charts.columns(items, name="deploys", title=title, desc=desc),
        table=charts.figures(("Week from", "Planned", "Emergency"), rows, label="Deploys by week"),
        legend=(("key", "planned"), ("key key-2", "emergency")),
    )


def _about(number: float) -> str:
    rounded = round(number)
    return "once" if rounded == 1 else f"{rounded} times" if rounded else "less than once"


def lead_picture(found: Delivered) -> Picture:
    """How the lead times spread, with the middle and the ninth of ten."""
    words = "From the opening of the first pull request to the first success in production."
    times = sorted(lead.took for lead in found.leads)
    if not found.enough or not times:
        return Picture("lead-times", "Lead time", words, missing=NEEDS)
    counts = [0] * len(BINS)
    for took in times:
        counts[_bin(took)] += 1
    middle, high = found.now.lead_time or times[0], at_share(times, 0.9)
    title = f"Half of all changes reach production in {length(middle)}"
    items = [charts.Column(word, count, note=f"{word}: {count}") for (_, word), count in zip(BINS, counts, strict=True)]
    marks = [charts.Mark(_place(middle), "median"), charts.Mark(_place(high), "p90")]
    desc = f"{len(times)} changes. Median {length(middle)}, nine of ten within {length(high)}."
    rows = [(word, count) for (_, word), count in zip(BINS, counts, strict=True)]
    return Picture(
        "lead-times",
        title,
        f"{words} 1 in 10 takes longer than {length(high)}.",
        charts.columns(items, name="lead", title=title, desc=desc, marks=marks),
        table=charts.figures(("Lead time", "Changes"), rows, label="Changes by lead time"),
    )


def _bin(took: timedelta) -> int:
    return next(number for number, (end, _) in enumerate(BINS) if took < end)


def _place(took: timedelta) -> float:
    """Where a time stands among the columns: within its column by its share of it; in the last one in the middle."""
    number = _bin(took)
    low, high = BINS[number - 1][0] if number else timedelta(0), BINS[number][0]
    return number + (0.5 if high == timedelta.max else (took - low) / (high - low))


def at_share(times: Sequence[timedelta], share: float) -> timedelta:
    """The time that this share of ``times`` (sorted, not empty) does not exceed: nearest rank."""
    return times[max(ceil(share * len(times)) - 1, 0)]


def fail_picture(found: Delivered) -> Picture:
    """The fail rate over four weeks each, so that one bad day does not look like a trend, beside that of the whole period."""
    words = "Deploys that were marked as failed or rolled back, over four weeks each."
    if not found.enough:
        return Picture("fail-rates", "Change fail rate", words, missing=NEEDS)
    weeks = found.weekly()
    shares = [_share(weeks[max(end - 4, 0) : end]) for end in range(1, len(weeks) + 1)]
    labels = [f"{monday:%-d %b}" for monday in found.period.mondays]
    whole = (found.now.fail_rate or 0) * 100
    last = next((share for share in reversed(shares) if share is not None), 0.0)
    title = f"{percent(last / 100)} of deploys failed lately, {percent(whole / 100)} in all"
    drawn = charts.line(
        [(label, None if share is None else round(share, 1)) for label, share in zip(labels, shares, strict=True)],
        name="fails",
        title=title,
        desc=f"Per cent of deploys that failed, over four weeks each. In all {found.now.failed} of {found.now.deploys}.",
        limit=(whole, "whole period"),
    )
    rows = [
        (label, week.deploys, week.failed, percent(None if share is None else share / 100))
        for label, week, share in zip(labels, weeks, shares, strict=True)
    ]
    table = charts.figures(("Week from", "Deploys", "Failed", "Over four weeks"), rows, label="Failed deploys by week")
    return Picture("fail-rates", title, words, drawn, table=table)


def _share(weeks: Sequence[Numbers]) -> float | None:
    deploys = sum(week.deploys for week in weeks)
    return 100 * sum(week.failed for week in weeks) / deploys if deploys else None
