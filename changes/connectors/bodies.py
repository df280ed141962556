"""Raw bodies of deliveries are let go by age; what makes a delivery count once stays for good (docs/adr/0021-no-partitions.md).

The row keeps its id, its digest, its size and what became of it: so the same delivery is known again after years, and an auditor
sees that it came. The bytes are nine tenths of the inbox. What waits or is quarantined then keeps them.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from changes.connectors.models import Delivery, Source
from portal.access.people import PORTAL
from portal.ledger.actions import append

STREAM = "inbox"
BATCH = 1_000
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 100_000
"""Rows of a source in one run: a quarter of a minute. The next run, an hour later, goes on."""
FINISHED = [Delivery.State.APPLIED, Delivery.State.IGNORED, Delivery.State.DUPLICATE]
# Compared by its length alone (byteane), so no body is fetched for it. The oldest are found by the index that lists the newest.
LET_GO = """
WITH old AS (
    SELECT id FROM changes_delivery
    WHERE source_id = %s AND received_at >= %s AND received_at < %s AND state = ANY(%s) AND body <> ''
    ORDER BY received_at, id LIMIT %s FOR UPDATE
)
UPDATE changes_delivery d SET body = '' FROM old WHERE d.id = old.id RETURNING d.received_at, d.body_size
"""


def let_bodies_go(*, at: datetime, most: int = MOST) -> int:
    """Empty the bodies that are older than the setting allows (``COUNTERSIGN_RAW_DAYS``; 0 keeps them). Returns how many."""
    if not settings.RAW_DAYS:
        return 0
    before = at - timedelta(days=settings.RAW_DAYS)
    return sum(_of_source(source, before, most) for source in Source.objects.order_by("pk"))


def _of_source(source: Source, before: datetime, most: int) -> int:
    gone = 0
    while gone < most:
        found = _batch(source, before)
        gone += found
        if found < BATCH:
            break
    return gone


@transaction.atomic
def _batch(source: Source, before: datetime) -> int:
    """One batch, how far this source is by now, and what the ledger says of it, together."""
    since = source.bodies_since
    with connection.cursor() as cursor:
        cursor.execute(LET_GO, [source.pk, since or BEGINNING, before, FINISHED, BATCH])
        found = cursor.fetchall()
    source.bodies_since = max(moment for moment, _ in found) if len(found) == BATCH else before
    source.save(update_fields=["bodies_since"])
    if found:
        fact = {"source": source.name, "from": since, "until": source.bodies_since, "deliveries": len(found)}
        fact["bytes"] = sum(size for _, size in found)
        append(stream=STREAM, kind="deliveries.emptied", actor=PORTAL, fact=fact)
    return len(found)
