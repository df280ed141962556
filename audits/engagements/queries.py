"""Which engagement lets an auditor in, and what was read in it."""

from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncDate
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from audits.engagements.models import Admission, Engagement, ReadLog
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.access.scope import Scope
from portal.ledger.models import LedgerLeaf

READ_MOST = 200
"""Pages that an auditor may ask for within a minute. Nobody reads faster; a script does."""
FILES_MOST = 60
"""Files, and parts of files, that an auditor may ask for within an hour: enough to resume a download again and again."""
PACK_FILE = r"^/audits/\d+/packs/\d+/file/(\?|$)"
"""What the read log keeps of such a request: the address with whatever stands behind it."""


def open_at(at: datetime) -> QuerySet[Engagement]:
    """Audits in which work goes on at that moment: confirmed, begun, and neither over nor ended."""
    running = Engagement.objects.filter(confirmed_at__lte=at, starts_at__lte=at, ends_at__gt=at)
    return running.filter(Q(ended_at=None) | Q(ended_at__gt=at))


def admitted_at(person: User, at: datetime) -> QuerySet[Admission]:
    """What lets this person in at that moment, as far as it is theirs; the audit itself may be over."""
    rows = Admission.objects.filter(Q(starts_at=None) | Q(starts_at__lte=at), person=person, ends_at__gt=at)
    return rows.filter(Q(ended_at=None) | Q(ended_at__gt=at))


def engagement_of(auditor: User, *, at: datetime) -> Engagement | None:
    """The engagement that is open for this auditor at that moment: confirmed, begun, and not ended for all or for them."""
    running = open_at(at).filter(kind=Engagement.Kind.EXTERNAL, admissions__in=admitted_at(auditor, at))
    return running.order_by("starts_at", "pk").first()


def engagement_in(request: HttpRequest) -> Engagement | None:
    """The engagement in which an auditor reads; None for everybody else."""
    found = vars(request).get("auditor")
    return found if isinstance(found, Engagement) else None


def engagement_for(request: HttpRequest, pk: int) -> Engagement:
    """The engagement at an address. Raises ``Http404`` outside of what the reader may see.

    An auditor sees the one that is open for them, everybody else who sees audits sees all.
    """
    own = engagement_in(request)
    if own is not None:
        if own.pk == pk:
            return own
    elif may(request.user, P.AUDIT_SEE):
        return get_object_or_404(Engagement, pk=pk)
    raise Http404("No engagement of yours.")


def scope_of(engagement: Engagement) -> Scope:
    """How far the engagement reaches."""
    return Scope(
        repositories=frozenset(engagement.repositories) or None,
        window_from=engagement.window_from,
        window_to=engagement.window_to,
        systems=frozenset(engagement.systems) or None,
        criteria=frozenset(engagement.criteria) or None,
    )


def is_open(engagement: Engagement, *, at: datetime) -> bool:
    """Whether work goes on in it at that moment, as the database says now."""
    return open_at(at).filter(pk=engagement.pk).exists()


def engagements() -> list[Engagement]:
    """All of them, newest first."""
    rows = Engagement.objects.select_related("created_by", "confirmed_by", "ended_by").prefetch_related("admissions__person")
    return list(rows.order_by("-created_at", "-pk"))


def pages_read(engagement: Engagement) -> tuple[int, datetime | None]:
    """How many pages its auditors read or sent, and when last: no previews, and nothing that was refused."""
    seen = engagement.readings.exclude(outcome__in=[ReadLog.Outcome.PREVIEW, ReadLog.Outcome.SLOWED])
    found = seen.aggregate(pages=Count("pk"), last=Max("at"))
    return found["pages"], found["last"]


def readings(engagement: Engagement, *, before: int | None = None, limit: int = 100) -> list[ReadLog]:
    """What was read, newest first; ``before`` is the id of the last row of the page before."""
    rows = engagement.readings.select_related("reader").order_by("-at", "-pk")
    return list((rows.filter(pk__lt=before) if before else rows)[:limit])


def pages_in_last_minute(reader: User, *, at: datetime) -> int:
    """How many pages somebody asked for within the last minute."""
    recent = ReadLog.objects.filter(reader=reader, at__gt=at - timedelta(minutes=1))
    return recent.exclude(outcome=ReadLog.Outcome.SLOWED).count()


def files_in_last_hour(reader: User, *, at: datetime) -> int:
    """How often somebody asked for an evidence pack's file, or for a part of one, within the last hour."""
    recent = ReadLog.objects.filter(reader=reader, at__gt=at - timedelta(hours=1), path__regex=PACK_FILE)
    return recent.exclude(outcome=ReadLog.Outcome.SLOWED).count()


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
