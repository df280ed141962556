"""Requests with what they are at present: the state that the last message left."""

from datetime import datetime

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from audits.engagements.models import Engagement
from audits.engagements.queries import open_at
from audits.engagements.steps import last_of, with_state
from audits.requests.lifecycle import State
from audits.requests.models import Request, RequestMessage


def state_of(request: Request) -> tuple[int, str]:
    """The number of its last message, and the state since; 0 and empty before the first."""
    return last_of(RequestMessage.objects.filter(request=request))


def _stated(rows: QuerySet[Request]) -> QuerySet[Request]:
    """Each with ``state`` and with ``moved_at``, the time of its last message."""
    found = with_state(rows, RequestMessage.objects.all(), by="request")
    return found.select_related("owner", "asked_by", "engagement")


def requests_of(engagement: Engagement) -> list[Request]:
    """All of an audit: what waits for an answer first, by the day on which it is due; what is closed last."""
    order = [State.OPEN, State.ANSWERED, State.CLOSED]
    rows = _stated(Request.objects.filter(engagement=engagement)).order_by("due_at", "number")
    return sorted(rows, key=lambda row: order.index(State(getattr(row, "state"))))  # noqa: B009 - an annotation


def request_at(engagement_id: int, number: int) -> Request:
    """One request by its number within the audit. Raises ``Http404``."""
    return get_object_or_404(_stated(Request.objects.all()), engagement=engagement_id, number=number)


def messages_of(request: Request) -> list[RequestMessage]:
    """The thread, oldest first."""
    return list(request.messages.select_related("by").order_by("number"))


def waiting(*, at: datetime) -> QuerySet[Request]:
    """Requests of audits that are open at that moment, with their state."""
    return _stated(Request.objects.filter(engagement__in=open_at(at))).order_by("due_at", "pk")
