"""What is asked about exceptions."""

from django.db.models import QuerySet

from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from portal.access.scope import Scope


def matching(*, state: str, kind: str, scope: Scope) -> QuerySet[ExceptionRecord]:
    """Exceptions for the register: those of one state, or (empty) those that are open, or ``all``."""
    rows = ExceptionRecord.objects.select_related("repository", "change", "owner")
    if state in ExceptionState.values:
        rows = rows.filter(state=state)
    elif state != "all":
        rows = rows.filter(state=ExceptionState.OPEN)
    if kind in KINDS:
        rows = rows.filter(kind=kind)
    if scope.repositories is not None:
        rows = rows.filter(repository__name__in=sorted(scope.repositories))
    if scope.window_from is not None:
        rows = rows.filter(happened_at__gte=scope.window_from)
    if scope.window_to is not None:
        rows = rows.filter(happened_at__lt=scope.window_to)
    return rows


def open_count() -> int:
    """How many are open, counted up to a thousand."""
    return ExceptionRecord.objects.filter(state=ExceptionState.OPEN)[:1000].count()
