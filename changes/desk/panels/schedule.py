"""The panel on when a change goes out: its windows with what conflicts, freezes with their overrides, the next free window.

Conflicts are told here by repository; the form that plans a window, the calendar and the gates know of shared apps as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from changes.calendar.facts import Assets, Freezing, Span, Window
from changes.calendar.models import FreezeOverride, PlannedWindow
from changes.calendar.providers import said
from changes.calendar.queries import freezes, newest_windows
from changes.calendar.scheduling import busy_for, conflicts_of, next_free
from changes.desk.calendar.forms import LOCAL, OverrideForm, WindowForm
from changes.desk.lists import Listing
from changes.desk.panels.panel import Asked, Panel
from portal.access.may import may
from portal.access.permissions import P

ON_ITS_WAY = ("draft", "proposed", "approved", "merged")
MOST = 200
PRODUCTION = "production"


def _windows(here: OuterRef) -> Any:
    later = PlannedWindow.objects.filter(
        change_id=OuterRef("change_id"), environment=OuterRef("environment"), number__gt=OuterRef("number")
    )
    return PlannedWindow.objects.filter(~Exists(later), change_id=here, cancelled=False).order_by("starts_at", "id")


def _others(here: OuterRef) -> Any:
    ahead = newest_windows().select_related(None).filter(cancelled=False, ends_at__gt=Now())
    return ahead.exclude(change_id=here).order_by("starts_at", "id")[:MOST]


def _freezes(here: OuterRef) -> Any:
    return freezes().select_related(None).filter(until__gt=Now()).order_by("starts_at", "id")[:MOST]


def _overrides(here: OuterRef) -> Any:
    return FreezeOverride.objects.filter(change_id=here).order_by("-id")


@dataclass(frozen=True)
class Around:
    """What the lists say, as values."""

    windows: list[dict[str, Any]]
    others: list[Window]
    freezes: list[Freezing]
    names: frozenset[str]

    def assets(self, environment: str) -> Assets:
        return Assets(environment, self.names)


def build(asked: Asked) -> Mapping[str, Any] | None:
    """Nothing for a change that is over and was never planned."""
    around = _around(asked)
    on_its_way = asked.change.state in ON_ITS_WAY
    if not on_its_way and not around.windows:
        return None
    zone = ZoneInfo(asked.reader.time_zone or "UTC")
    plans = on_its_way and not asked.auditor and may(asked.reader, P.CHANGE_SCHEDULE)
    suggested = _suggested(around, asked) if plans else None
    return {
        "windows": [_line(row, around, asked, zone) for row in around.windows],
        "freezes": [
            _freeze(freeze, asked, zone) for freeze in around.freezes if on_its_way and freeze.covers(around.assets(PRODUCTION))
        ],
        "form": _form(asked, zone, suggested) if plans else None,
        "open": "window" in asked.forms,
        "suggested": suggested,
        "suggested_words": words_of(suggested, zone) if suggested else "",
        "change": asked.change,
        "plans": plans,
    }


def _around(asked: Asked) -> Around:
    lists, names = asked.lists, frozenset(asked.change.repository_names)
    return Around(
        windows=[{**row, "span": _span(row)} for row in lists["windows"]],
        others=[
            Window(
                row["change__number"],
                row["change__title"],
                _span(row),
                Assets(row["environment"], frozenset(row["change__repository_names"])),
            )
            for row in lists["other_windows"]
        ],
        freezes=[
            Freezing(
                pk=row["id"],
                name=row["name"],
                hard=row["level"] == "hard",
                span=Span(_moment(row["starts_at"]), _moment(row["until"])),
                environments=frozenset(row["environments"]),
                repositories=frozenset(row["repositories"]),
                apps=frozenset(row["apps"]),
            )
            for row in lists["freezes"]
        ],
        names=names,
    )


def _span(row: Mapping[str, Any]) -> Span:
    return Span(_moment(row["starts_at"]), _moment(row["ends_at"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _line(row: dict[str, Any], around: Around, asked: Asked, zone: ZoneInfo) -> dict[str, Any]:
    against = conflicts_of(
        span=row["span"],
        assets=around.assets(row["environment"]),
        windows=around.others,
        freezes=around.freezes,
        own=asked.change.number,
    )
    over = row["span"].ends_at <= asked.at
    return {
        "environment": row["environment"],
        "words": words_of(row["span"], zone),
        "starts_at": row["span"].starts_at,
        "by": row["by__name"],
        "conflicts": [] if over else [said(conflict) for conflict in against],
        "over": over,
    }


def _freeze(freeze: Freezing, asked: Asked, zone: ZoneInfo) -> dict[str, Any]:
    """A freeze that is in force or ahead, and how far its override is."""
    rows = [row for row in asked.lists["freeze_overrides"] if row["freeze_id"] == freeze.pk]
    given = next((row for row in rows if row["answer__verdict"] == "yes"), None)
    waiting = next((row for row in rows if row["answer__verdict"] is None and _moment(row["expires_at"]) > asked.at), None)
    decides = not asked.auditor and freeze.hard and may(asked.reader, P.FREEZE_OVERRIDE)
    bound = asked.forms.get("override")
    form = bound if isinstance(bound, OverrideForm) and str(bound["freeze"].value()) == str(freeze.pk) else None
    return {
        "pk": freeze.pk,
        "name": freeze.name,
        "hard": freeze.hard,
        "running": freeze.span.holds(asked.at),
        "words": words_of(freeze.span, zone),
        "given": given,
        "waiting": waiting,
        "mine": waiting is not None and waiting["proposed_by_id"] == asked.reader.pk,
        "decides": decides and waiting is not None and given is None,
        "asks": decides and waiting is None and given is None,
        "form": form or OverrideForm(initial={"freeze": freeze.pk}),
        "open": form is not None,
    }


def _suggested(around: Around, asked: Asked) -> Span | None:
    busy = busy_for(assets=around.assets(PRODUCTION), windows=around.others, freezes=around.freezes, own=asked.change.number)
    return next_free(after=asked.at, length=asked.policy.window_length, busy=busy, parameters=asked.policy)


def _form(asked: Asked, zone: ZoneInfo, suggested: Span | None) -> WindowForm:
    bound = asked.forms.get("window")
    if isinstance(bound, WindowForm):
        return bound
    initial = {"environment": PRODUCTION, "zone": str(zone)}
    if suggested is not None:
        initial |= {"starts": local(suggested.starts_at, zone), "ends": local(suggested.ends_at, zone)}
    return WindowForm(initial=initial, zone=str(zone), at=asked.at, state=asked.change.state)


def local(at: datetime, zone: ZoneInfo) -> str:
    """A moment as a clock in the zone shows it, for a field."""
    return at.astimezone(zone).strftime(LOCAL)


def words_of(span: Span, zone: ZoneInfo) -> str:
    """A span in the reader's zone: ``Mon 30 Nov 2026, 10:00 to 11:00 (Europe/Berlin)``."""
    begins, ends = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
    until = f"{ends:%H:%M}" if begins.date() == ends.date() else f"{ends:%a %-d %b %Y, %H:%M}"
    return f"{begins:%a %-d %b %Y, %H:%M} to {until} ({zone})"


PANEL = Panel(
    name="schedule",
    place="aside",
    template="changes/desk/panels/schedule.html",
    build=build,
    lists={
        "windows": Listing(_windows, ("id", "environment", "starts_at", "ends_at", "by__name")),
        "other_windows": Listing(
            _others, ("environment", "starts_at", "ends_at", "change__number", "change__title", "change__repository_names")
        ),
        "freezes": Listing(_freezes, ("id", "name", "level", "starts_at", "until", "environments", "repositories", "apps")),
        "freeze_overrides": Listing(
            _overrides,
            (
                *("id", "freeze_id", "reason", "digest", "head_sha", "proposed_by_id", "proposed_by__name", "expires_at"),
                *("answer__verdict", "answer__by__name"),
            ),
        ),
    },
)
