"""What is asked about drift."""

from datetime import datetime

from django.db.models import QuerySet

from changes.drift.models import Compared, DriftCase, DriftState


def cases(*, state: str, environment: str) -> QuerySet[DriftCase]:
    """Cases for the list. ``state``: empty for all that are live, or one of ``DriftState``."""
    rows = DriftCase.objects.filter(state=state) if state else DriftCase.objects.exclude(state=DriftState.MATCHES)
    return rows.filter(environment=environment) if environment else rows


def open_count() -> int:
    """Cases without an answer."""
    return DriftCase.objects.filter(state=DriftState.OPEN).count()


def last_compared() -> datetime | None:
    """When anything was compared last; None: never."""
    return Compared.objects.order_by("-at").values_list("at", flat=True).first()


def not_compared() -> list[Compared]:
    """Apps that could not be compared, with the reason."""
    return list(Compared.objects.exclude(problem="").order_by("subject"))
