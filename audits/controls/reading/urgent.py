"""Emergencies: coordinated in Slack, looked at by somebody else at once, and reviewed in time (P-21, P-22)."""

from collections.abc import Iterator

from audits.controls.reading.gates import failed_now
from audits.controls.reading.proposed import AT_ONCE, changes, reached_prod, row_of
from audits.controls.result import Row, Window, when
from audits.controls.rows import reader
from changes.emergencies.models import Emergency
from changes.gates.gate import Code
from changes.proposals.models import Category
from portal.access.scope import Scope


@reader
def emergencies_coordinated(window: Window, scope: Scope) -> Iterator[Row]:
    """P-21: every emergency on record; one without a thread in Slack deviates."""
    rows = Emergency.objects.filter(change__category=Category.EMERGENCY, at__gte=window.since, at__lt=window.until)
    rows = rows.filter(change__in=changes(scope).order_by()).select_related("change", "thread").order_by("at", "id")
    for row in rows.iterator(chunk_size=AT_ONCE):
        thread = getattr(row, "thread", None)
        words = [] if thread is not None else ["No thread in Slack is on record."]
        yield row_of(row.change, words, {"via": row.via, "at": when(row.at), "thread": str(thread) if thread else None})


@reader
def emergencies_reviewed(window: Window, scope: Scope) -> Iterator[Row]:
    """P-22: emergencies that reached prod; one without the +1, or with a review that is late, deviates."""
    rows = reached_prod(window, scope).filter(category=Category.EMERGENCY)
    for row in rows.iterator(chunk_size=AT_ONCE):
        more = {"retrospective_due_at": when(row.retrospective_due_at), "review_due_at": when(row.review_due_at)}
        yield row_of(row, failed_now(row, (Code.APPROVAL, Code.REVIEW_AFTER)), dict(more) | {"declared": not row.undeclared})
