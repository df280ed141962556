"""What the page of a meeting says of what came of it: that it runs, its decisions, its actions, its minutes."""

from typing import Any

from django.http import HttpRequest

from changes.desk.meetings.decisions_page import inside_decisions
from changes.desk.meetings.shapes import reader_of
from changes.meetings.live import EARLY
from changes.meetings.models import Meeting, Minutes
from portal.access.may import may
from portal.access.permissions import P
from portal.access.scope import scope_for
from portal.ui.clock import time_of

State = Meeting.State


def after_context(request: HttpRequest, row: Meeting) -> dict[str, Any]:
    """Nothing for a meeting that is planned, but whether it is time to begin."""
    at, reader = time_of(request), reader_of(request)
    if row.state not in (State.LIVE, State.ENDED):
        return {"begins": row.state == State.PLANNED and reader is not None and at >= row.planned_at - EARLY}
    decisions = inside_decisions(row.decisions.all(), scope_for(request)).select_related("item", "by", "lapse").order_by("id")
    return {
        "minutes_record": Minutes.objects.filter(meeting=row).select_related("signed_by").first(),
        "decisions": list(decisions),
        "actions": [] if reader is None else list(row.actions.select_related("owner", "done_by").order_by("id")),
        "closes_all": may(request.user, P.MEETING_LEAD),
        "enters": row.state == State.LIVE and reader is not None,
    }
