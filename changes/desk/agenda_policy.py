"""Versions of the policy that were sent to a meeting: it adopts or rejects them (P-25)."""

from collections.abc import Iterator
from datetime import datetime

from changes.meetings import sources
from changes.meetings.models import AgendaItem
from changes.meetings.sources import Point
from portal.policy.models import PolicyVersion


@sources.provider
def versions_sent(at: datetime) -> Iterator[Point]:
    """One point for each version that waits."""
    rows = PolicyVersion.objects.filter(state=PolicyVersion.State.SENT, sent_at__lte=at).select_related("sent_by")
    for version in rows.order_by("number"):
        summary = (version.summary.strip().splitlines() or [""])[0]
        yield Point(
            kind=AgendaItem.Kind.POLICY,
            key=f"policy:{version.number}",
            title=f"{version}{': ' + summary if summary else ''}",
            href=f"/policy/v/{version.number}/",
            note=f"Sent by {version.sent_by.name}" if version.sent_by else "",
        )
