"""Freezes: in force, ahead and over; set and ended by those who oversee."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from changes.calendar import actions
from changes.calendar.models import Freeze
from changes.calendar.queries import freezes, span_of
from changes.delivery.models import Release, Repository
from changes.desk.calendar.forms import FreezeForm, ReasonForm
from changes.desk.panels.schedule import words_of
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.access.signed_in import person_of
from portal.ui.clock import time_of

SHOWN = 100


@requires(P.CHANGE_SEE)
@require_GET
def freezes_page(request: HttpRequest) -> HttpResponse:
    """All freezes, the newest first."""
    return _page(request)


@requires(P.FREEZE_SET)
@require_POST
def set_freeze(request: HttpRequest) -> HttpResponse:
    """Let nothing go out for a time."""
    form = _form(request, request.POST)
    if not form.is_valid() or form.span is None:
        return _page(request, form=form, status=422)
    given = {name: form.cleaned_data[name] for name in ("name", "level", "environments", "repositories", "apps", "reason")}
    row = actions.set_freeze(**given, span=form.span, by=person_of(request), at=time_of(request))
    messages.success(request, f"The freeze {row.name} is set. Gates follow within seconds of its beginning.")
    return redirect("freezes")


@requires(P.FREEZE_SET)
@require_POST
def end_freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """End a freeze now."""
    freeze = get_object_or_404(Freeze, pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, ending=(pk, form), status=422)
    actions.end_freeze(freeze=freeze, reason=form.cleaned_data["reason"], by=person_of(request), at=time_of(request))
    messages.success(request, f"The freeze {freeze.name} is over.")
    return redirect("freezes")


def _form(request: HttpRequest, data: Any = None) -> FreezeForm:
    person, at = person_of(request), time_of(request)
    apps = Release.objects.filter(source=Release.Source.FLY).order_by("app").values_list("app", flat=True).distinct()
    repositories = Repository.objects.filter(in_scope_until=None).order_by("name").values_list("name", flat=True)
    return FreezeForm(data, zone=person.time_zone, at=at, repositories=repositories, apps=apps, initial={"zone": person.time_zone})


def _page(
    request: HttpRequest, *, form: FreezeForm | None = None, ending: tuple[int, ReasonForm] | None = None, status: int = 200
) -> HttpResponse:
    at, zone = time_of(request), ZoneInfo(person_of(request).time_zone or "UTC")
    sets = may(request.user, P.FREEZE_SET)
    rows = [row for row in freezes().order_by("-starts_at", "-id")[:SHOWN] if _is_seen(row, scope_for(request))]
    context = {
        "lines": [_line(row, at, zone, ending) for row in rows],
        "form": (form or _form(request)) if sets else None,
        "sets": sets,
        "problem": status != 200,
    }
    return render(request, "changes/desk/calendar/freezes.html", context, status=status)


def _is_seen(row: Freeze, scope: Scope) -> bool:
    """Inside an engagement: what names no repository, or one of its own, and reaches into its window."""
    span = span_of(row)
    outside = (scope.window_from and span.ends_at <= scope.window_from) or (scope.window_to and span.starts_at >= scope.window_to)
    named = scope.repositories is None or not row.repositories or bool(scope.repositories & set(row.repositories))
    return named and not outside


def _line(row: Freeze, at: datetime, zone: ZoneInfo, ending: tuple[int, ReasonForm] | None) -> dict[str, Any]:
    span = span_of(row)
    never = span.ends_at <= span.starts_at
    state = "over" if span.ends_at <= at else "running" if span.starts_at <= at else "ahead"
    bound = ending[1] if ending and ending[0] == row.pk else None
    return {
        "row": row,
        "words": "ended before it began" if never else words_of(span, zone),
        "state": state,
        "of": ", ".join([*row.repositories, *row.apps]) or "Everything",
        "early": row.early_end if hasattr(row, "early_end") else None,
        "form": bound or ReasonForm(auto_id=f"end_{row.pk}_%s"),
        "open": bound is not None,
    }
