"""What the page of one meeting is drawn with."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from changes.desk.meetings.after import after_context
from changes.desk.meetings.forms import CancelForm, MoveForm, PointForm, ReasonForm
from changes.desk.meetings.shapes import reader_of, rule_words, shown, veiled, when_words
from changes.exceptions import missed
from changes.exceptions.models import ExceptionRecord, ExceptionState
from changes.meetings.models import Meeting
from changes.meetings.queries import agenda_of
from changes.meetings.roster import roster_at
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.ui.answers import page
from portal.ui.clock import time_of

PAGE = "changes/meetings/meeting.html"
State = Meeting.State


def meeting_page(request: HttpRequest, row: Meeting, *, bound: Mapping[str, Form] | None = None) -> HttpResponse:
    """The page. ``bound`` are forms that were not accepted, by name: point, move, cancel, reason."""
    forms = bound or {}
    roster = roster_at(row.series, at=row.started_at or time_of(request))
    record = missed.about(row) if row.state == State.MISSED or row.quorate is False else None
    context = {
        **agenda_context(request, row),
        "cadence": rule_words(row.series),
        "roster": roster,
        "needed": roster.quorum(()).needed,
        "record": record,
        "problem": bool(forms),
        "bound": set(forms),
        **_forms(request, row, record, forms),
        **after_context(request, row),
    }
    return page(request, PAGE, context, status=422 if forms else 200)


def _forms(request: HttpRequest, row: Meeting, record: ExceptionRecord | None, bound: Mapping[str, Form]) -> dict[str, Form | None]:
    """The forms that this reader can send, as typed or empty."""
    planned, leads = row.state == State.PLANNED, may(request.user, P.MEETING_LEAD)
    version = {"version": row.version}
    return {
        "point_form": bound.get("point") or (PointForm() if planned and may(request.user, P.AGENDA_PUT) else None),
        "move_form": bound.get("move") or (MoveForm(zone=row.series.zone, initial=version) if planned and leads else None),
        "cancel_form": bound.get("cancel") or (CancelForm(initial=version) if planned and leads else None),
        "reason_form": bound.get("reason") or (ReasonForm() if leads and _unexplained(row, record) else None),
    }


def _unexplained(row: Meeting, record: ExceptionRecord | None) -> bool:
    """Whether its reason is missing. The register hears of a missed meeting within a minute."""
    if record is None:
        return row.state == State.MISSED or row.quorate is False
    return record.state == ExceptionState.OPEN


def agenda_context(request: HttpRequest, row: Meeting) -> dict[str, Any]:
    """What the agenda alone is drawn with."""
    reader = reader_of(request)
    present = agenda_of(meeting=row, reader=reader, at=time_of(request))
    hidden = veiled(present, scope_for(request))
    acts = row.state == State.PLANNED and reader is not None
    return {
        "meeting": row,
        "name": f"{row.series.name} {row.number}, agenda",
        "topic": f"meeting-{row.number}",
        "part": reverse("meeting-agenda", args=[row.number]),
        "agenda": present,
        "rows": shown(present.lines, hidden),
        "folded": shown(present.folded, hidden),
        "off": [item for item in present.off if item.pk not in hidden],
        "when": when_words(row),
        "planned": row.state == State.PLANNED,
        "orders": acts and may(request.user, P.MEETING_LEAD),
        "reads": acts and may(request.user, P.AGENDA_PUT),
    }


def back(request: HttpRequest, number: int, words: str) -> HttpResponse:
    """Go back to the page of the meeting, saying ``words``."""
    messages.success(request, words)
    return redirect("meeting", number=number)
