"""What requests and findings share: a row that stays as it is, and steps that are added to it. The last one says its state."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from django.db import IntegrityError, transaction
from django.db.models import Model, OuterRef, QuerySet, Subquery

from portal.access.models import User
from portal.access.people import actor_of
from portal.ledger.actions import append
from portal.policy.refusal import Stale
from portal.ui.doorbell import ring

Row = TypeVar("Row", bound=Model)


def last_of(steps: QuerySet[Any]) -> tuple[int, str]:
    """The number of the last step, and the state since; 0 and empty before the first."""
    last: tuple[int, str] | None = steps.order_by("-number").values_list("number", "state").first()
    return last or (0, "")


def with_state(rows: QuerySet[Row], steps: QuerySet[Any], *, by: str) -> QuerySet[Row]:
    """Each row with ``state`` and with ``moved_at``, the time of its last step. ``by`` is the steps' field for the row."""
    last = steps.filter(**{by: OuterRef("pk")}).order_by("-number")
    found = rows.annotate(state=Subquery(last.values("state")[:1]), moved_at=Subquery(last.values("at")[:1]))
    return cast(QuerySet[Row], found)


def keep(step: Model) -> None:
    """Save a step. Of two at once the database keeps one, for they have the same number. Raises ``Stale``."""
    try:
        with transaction.atomic():
            step.save(force_insert=True)
    except IntegrityError as clash:
        raise Stale("Somebody was at it at the same moment. Look at what is new, and send yours again.") from clash


def take(step: Model, *, stream: str, kind: str, by: User, fact: Mapping[str, Any], rows: Iterable[Model] = ()) -> None:
    """Keep a step with its entry in the ledger, and ``rows`` that came with it; inboxes look again. Raises ``Stale``."""
    keep(step)
    append(stream=stream, kind=kind, actor=actor_of(by), fact=fact, rows=[*rows, step])
    ring("inbox")
