"""Which engagement lets an auditor in, and what was read in it."""

from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncDate

from audits.engagements.models import Engagement, ReadLog
from portal.access.models import User
from portal.ledger.models import LedgerLeaf

READ_MOST = 200
"""Pages that an auditor may ask for within a minute. Nobody reads faster; a script does."""


def engagement_of(auditor: User, *, at: datetime) -> Engagement | None:
    """The engagement that is open for this auditor at that moment: confirmed, begun and not ended."""
    running = Engagement.objects.filter(auditor=auditor, confirmed_at__lte=at, starts_at__lte=at, ends_at__gt=at)
    found = running.filter(Q(ended_at=None) | Q(ended_at__gt=at)).order_by("starts_at", "pk").first()
    if found is not None:
        found.auditor = auditor
    return found


def engagements() -> list[Engagement]:
    """All of them, newest first, with how much was read and when last."""
    counted = Engagement.objects.annotate(pages=Count("readings"), last_read_at=Max("readings__at"))
    return list(counted.select_related("auditor", "created_by", "confirmed_by", "ended_by").order_by("-created_at", "-pk"))


def readings(engagement: Engagement, *, before: int | None = None, limit: int = 100) -> list[ReadLog]:
    """What was read, newest first; ``before`` is the id of the last row of the page before."""
    rows = engagement.readings.order_by("-at", "-pk")
    return list((rows.filter(pk__lt=before) if before else rows)[:limit])


def pages_in_last_minute(auditor: User, *, at: datetime) -> int:
    """How many pages the auditor asked for within the last minute."""
    recent = ReadLog.objects.filter(auditor=auditor, at__gt=at - timedelta(minutes=1), outcome=ReadLog.Outcome.READ)
    return recent.count()


def read_log_stream(day: date) -> str:
    """The ledger's stream that seals what auditors read on one UTC day."""
    return f"read_log:{day.isoformat()}"


def unsealed_days(*, at: datetime) -> list[date]:
    """UTC days that are over, on which auditors read, and whose log is not in the ledger yet; oldest first."""
    today = datetime.combine(at.astimezone(UTC).date(), datetime.min.time(), tzinfo=UTC)
    read = ReadLog.objects.filter(at__lt=today).annotate(day=TruncDate("at", tzinfo=UTC)).values_list("day", flat=True)
    days = sorted(set(read.distinct().order_by("day")))
    sealed = set(LedgerLeaf.objects.filter(stream__in=map(read_log_stream, days)).values_list("stream", flat=True))
    return [day for day in days if read_log_stream(day) not in sealed]
