"""When a freeze begins or ends, the gates of the changes under it are judged again, and with them the checks at the forge."""

from datetime import datetime, timedelta

from django.db.models import Q

from changes.calendar.models import Freeze, FreezeMark
from changes.calendar.queries import changes_under, freezes, freezing_of, span_of
from changes.gates.actions import reassess
from changes.proposals.models import Change

KEPT = timedelta(days=30)
"""How long after its end a freeze is still looked at: longer than any outage of the workers."""
AT_ONCE = 200


def moved(*, at: datetime) -> list[tuple[Freeze, datetime]]:
    """Freezes with a moment at which they began or ended and after which not every gate has been judged, oldest first."""
    found = []
    for row in freezes().filter(until__gt=at - KEPT, starts_at__lte=at).prefetch_related("marks").order_by("starts_at", "id"):
        span, judged = span_of(row), {mark.moment for mark in row.marks.all()}
        moments = [span.starts_at] if span.starts_at < span.ends_at else []
        moments += [span.ends_at] if moments and span.ends_at <= at else []
        found += [(row, moment) for moment in moments if moment not in judged]
    return sorted(found, key=lambda item: (item[1], item[0].pk))


def judge_moved(*, at: datetime) -> int:
    """Judge again what freezes hold or let go; at most ``AT_ONCE`` changes. Returns how many were judged."""
    judged = 0
    for row, moment in moved(at=at):
        under = changes_under(freeze=freezing_of(row)).filter(Q(gates_at=None) | Q(gates_at__lt=moment))
        waiting = list(under[: AT_ONCE - judged])
        for change in waiting:
            reassess(change=change, at=at)
            Change.objects.filter(pk=change.pk).update(gates_at=at)
        judged += len(waiting)
        if judged >= AT_ONCE:
            break
        FreezeMark.objects.get_or_create(freeze=row, moment=moment)
    return judged
