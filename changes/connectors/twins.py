"""Deliveries with the same bytes as one that was applied: GitHub signs only the body, so a replay can carry a new id."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome

SAME_BODY_WITHIN = timedelta(days=3)
SOON_AGAIN = timedelta(minutes=10)
SAME_BODY_OF = {"doppler": SOON_AGAIN}
"""Vendors whose deliveries say the same again when the same was done again."""
TIMELESS = frozenset({"member", "membership", "organization", "team"})
"""Events of GitHub that do so too: access that is given, taken and given again is told three times, twice with the same bytes."""


APPLIED = """
SELECT d.id, d.source_id, d.body_digest, d.delivery_id, d.repository_name, d.received_at
FROM unnest(%s::bigint[], %s::text[]) AS s (source_id, digest), LATERAL (
    SELECT * FROM changes_delivery d
    WHERE d.source_id = s.source_id AND d.body_digest = s.digest AND d.state = 'applied' OFFSET 0
) d
ORDER BY d.id
"""
"""One look into the index for each: for a list PostgreSQL may read every delivery of the source, while it has no figures of it."""


@dataclass(frozen=True, order=True)
class _Applied:
    pk: int
    delivery_id: str
    repository_name: str
    received_at: datetime


@dataclass
class Twins:
    """The applied deliveries that have a body of one of these, by source and digest."""

    applied: dict[tuple[int, str], list[_Applied]] = field(default_factory=dict)

    @classmethod
    def of(cls, deliveries: Iterable[Delivery]) -> "Twins":
        """Look for them, with one query."""
        asked = {(row.source_id, row.body_digest) for row in deliveries}
        found = cls()
        if not asked:
            return found
        sources, digests = zip(*sorted(asked), strict=True)
        for row in Delivery.objects.raw(APPLIED, [list(sources), list(digests)]):
            found._keep(row, row.repository_name)
        return found

    def outcome_for(self, delivery: Delivery) -> Outcome | None:
        """What becomes of a delivery whose content was applied before; None when it is new."""
        within = SOON_AGAIN if delivery.event in TIMELESS else SAME_BODY_WITHIN
        earliest = delivery.received_at - SAME_BODY_OF.get(delivery.source.kind, within)
        for row in self.applied.get((delivery.source_id, delivery.body_digest), ()):
            if row.pk != delivery.pk and row.received_at >= earliest:
                return Outcome(Delivery.State.DUPLICATE, f"the same content as {row.delivery_id}", row.repository_name)
        return None

    def add(self, delivery: Delivery, repository_name: str) -> None:
        """One more was applied."""
        self._keep(delivery, repository_name)

    def _keep(self, delivery: Delivery, repository_name: str) -> None:
        row = _Applied(delivery.pk, delivery.delivery_id, repository_name, delivery.received_at)
        self.applied.setdefault((delivery.source_id, delivery.body_digest), []).append(row)
