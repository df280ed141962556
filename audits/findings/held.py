"""The control of P-27: an audit in twelve months, and findings closed in time. It joins the controls, which stand below."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Coalesce, Least

from audits.controls.result import Flat, Row, Window, deviating, judged, when
from audits.controls.rows import reader
from audits.engagements.models import Engagement
from audits.findings.lifecycle import State
from audits.findings.models import Finding
from portal.access.scope import Scope
from portal.ledger.models import LedgerLeaf

YEAR = timedelta(days=366)


@reader
def audits_held(window: Window, scope: Scope) -> Iterator[Row]:
    """P-27: audits that were open in the twelve months before the end of the window, and findings that were live in it.

    A year without any audit deviates once the portal is older than that; so does a finding that is closed late or is late still.
    """
    since = window.until - YEAR
    rows = Engagement.objects.filter(confirmed_at__lt=window.until, starts_at__lt=window.until)
    rows = rows.annotate(over_at=Least("ends_at", Coalesce("ended_at", F("ends_at")))).filter(over_at__gt=since)
    audits = list(rows.order_by("starts_at", "pk"))
    if not audits and LedgerLeaf.objects.filter(recorded_at__lt=since).exists():
        words = f"No audit was open in the twelve months before {window.until:%-d %b %Y}."
        yield deviating("audit of the year", words, facts={"since": when(since), "until": when(window.until)})
    for audit in audits:
        facts: dict[str, Flat] = {"name": audit.name, "kind": audit.kind, "starts_at": when(audit.starts_at)}
        yield judged(f"audit {audit.pk}", [], facts=facts | {"ends_at": when(audit.ends_at)}, ref=f"audit:{audit.pk}")
    yield from _findings(window)


def _findings(window: Window) -> Iterator[Row]:
    rows = Finding.objects.filter(opened_at__lt=window.until).select_related("owner").prefetch_related("steps")
    for row in rows.order_by("opened_at", "pk"):
        closed_at = _closed_at(row, window.until)
        if closed_at is not None and closed_at < window.since:
            continue
        facts: dict[str, Flat] = {"title": row.title, "severity": row.severity, "owner": row.owner.name}
        facts |= {"opened_at": when(row.opened_at), "due_at": when(row.due_at), "closed_at": when(closed_at)}
        yield judged(f"finding {row.pk}", _late(row, closed_at, window.until), facts=facts, ref=f"audit:{row.engagement_id}")


def _late(row: Finding, closed_at: datetime | None, until: datetime) -> list[str]:
    if (closed_at or until) <= row.due_at:
        return []
    return [f"It was due on {row.due_at:%-d %b %Y} and {'closed late' if closed_at else 'is not closed'}."]


def _closed_at(row: Finding, until: datetime) -> datetime | None:
    """When it was closed, as it stood at the end of the window; None when it was open then."""
    steps = sorted((step for step in row.steps.all() if step.at < until), key=lambda step: step.number)
    return steps[-1].at if steps and steps[-1].state == State.CLOSED else None
