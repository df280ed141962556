"""What is asked about exceptions."""

from dataclasses import dataclass

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord, ExceptionState
from portal.access.scope import Scope

TO_JUDGE = "to_judge"
"""A state in the register's filter: answered by a person, and nobody who oversees has agreed yet."""
ANSWERED = (ExceptionState.EXPLAINED, ExceptionState.REPAIRED)


@dataclass(frozen=True)
class Asked:
    """What the register is asked for. ``state`` empty means open, ``all`` every one; ``owner`` is a person's id."""

    state: str = ""
    kind: str = ""
    repository: str = ""
    owner: int | None = None
    each: bool = False
    """Every record by itself; else repetitions stand behind the first of them."""


def matching(*, asked: Asked, scope: Scope) -> QuerySet[ExceptionRecord]:
    """Exceptions for the register, inside what this request may see."""
    rows = within(scope)
    if asked.state == TO_JUDGE:
        rows = rows.filter(state__in=ANSWERED, judged_at=None)
    elif asked.state in ExceptionState.values:
        rows = rows.filter(state=asked.state)
    elif asked.state != "all":
        rows = rows.filter(state=ExceptionState.OPEN)
    if asked.kind in KINDS:
        rows = rows.filter(kind=asked.kind)
    if asked.repository:
        rows = rows.filter(repository__name=asked.repository)
    if asked.owner is not None:
        rows = rows.filter(owner_id=asked.owner)
    return rows if asked.each else _folded(rows)


def _folded(rows: QuerySet[ExceptionRecord]) -> QuerySet[ExceptionRecord]:
    """The first of each fold with the number of its repetitions in the same state; by itself what stands apart by now, or whose
    first is not among these rows: it may be in another repository, or before the window."""
    alike = rows.filter(folds_into=OuterRef("pk"), state=OuterRef("state")).select_related(None).order_by()
    count = Subquery(alike.values("folds_into").annotate(number=Count("pk")).values("number"), output_field=IntegerField())
    first = rows.filter(pk=OuterRef("folds_into"), state=OuterRef("state")).select_related(None).order_by()
    return rows.filter(~Exists(first)).annotate(repeats=Coalesce(count, 0))


def within(scope: Scope) -> QuerySet[ExceptionRecord]:
    """All exceptions inside what a request may see."""
    rows = ExceptionRecord.objects.select_related("repository", "change", "owner", "judged_by")
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
