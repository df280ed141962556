"""The next thing that a change owes, as one moment. The database computes it, so that lists can be sorted by it."""

from datetime import UTC, datetime

from django.db.models import Case, DateTimeField, F, Value, When
from django.db.models.functions import Coalesce, Least

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Nothing is due. A moment rather than null, so that such changes come last and paging goes on through them."""
REVIEWED = "^.{11}[mn]"
"""The last gate, the review afterwards, is met or not needed."""


def due_expression() -> Case:
    """The earlier of the two reviews after the release; ``NEVER`` when there is none or they are written."""
    first = Coalesce(Least(F("retrospective_due_at"), F("review_due_at")), Value(NEVER))
    return Case(When(gates__regex=REVIEWED, then=Value(NEVER)), default=first, output_field=DateTimeField())
