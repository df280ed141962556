"""Writing deliveries into the inbox: those of one moment with one statement, each once.

That statement also wakes the workers, and it is the only one of its process under way (see ``tray``): a commit that notifies
holds a lock of the whole database while it waits for the disk (PostgreSQL, async.c), so that commits which all notify are
written one after the other.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg_pool
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from portal.causes import present

log = structlog.get_logger("countersign.door")
LOST = (OperationalError, InterfaceError, psycopg_pool.PoolTimeout)
"""The database cannot be reached, or the connection died."""
NOT_STORED = (DatabaseError, InterfaceError, psycopg_pool.PoolTimeout)
"""Everything after which the sender shall send again."""
ACCEPTED, ALREADY, CONTRADICTED = "accepted", "already here", "already here with another body, which was not kept"


@dataclass(frozen=True)
class Genuine:
    """One delivery that a valid secret signed, ready to be stored. ``answer``: see ``named.Named``."""

    source_id: int
    secret_id: int
    delivery_id: str
    event: str
    body: bytes
    headers: Mapping[str, str]
    answer: bytes | None = None
    reference: str = field(default_factory=present)
    """Of the request that brought it, for the logs of whoever applies it."""
    at: datetime | None = None
    """When it came; None: at this moment, by the database's clock."""

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def key(self) -> list[int | str]:
        """What makes it the same delivery."""
        return [self.source_id, self.delivery_id]

    def row(self) -> list[int | str | bytes | datetime | None]:
        """What ``STORE`` takes for it."""
        kept = json.dumps({key: value[:300].replace("\x00", "") for key, value in self.headers.items()})
        packed = zlib.compress(self.body, 1)
        return [*self.key, self.event, kept, packed, len(self.body), self.digest, self.secret_id, self.at]


ROW = "(%s, %s, %s, %s::jsonb, %s, %s, %s, %s, coalesce(%s, now()), 'new', '', 0, '')"
STORE = """
WITH stored AS (
    INSERT INTO changes_delivery (source_id, delivery_id, event, headers, body, body_size, body_digest, secret_id,
                                  received_at, state, repository_name, attempts, note)
    VALUES {rows}
    ON CONFLICT (source_id, delivery_id) DO NOTHING
    RETURNING source_id, delivery_id
)
SELECT source_id, delivery_id, (SELECT pg_notify('inbox', %s) FROM stored LIMIT 1) FROM stored
"""
AGAIN = """
WITH stored AS (
    UPDATE changes_delivery SET state = 'new', attempts = 0, not_before = NULL, note = 'sent again by the vendor'
     WHERE source_id = %s AND delivery_id = %s AND state = 'quarantined' RETURNING id
)
SELECT id, (SELECT pg_notify('inbox', '') FROM stored LIMIT 1) FROM stored
"""
CONTRADICT = "UPDATE changes_delivery SET other_bodies = other_bodies + 1 WHERE source_id = %s AND delivery_id = %s"


def store(deliveries: Sequence[Genuine]) -> list[bool]:
    """Whether each is new, in order; it is stored then. Waits for no worker: what is known already is left alone.

    A connection that was kept may have died since, so with a new one it is tried once more; storing twice stores once.
    """
    kept = connection.connection is not None
    try:
        return _store(deliveries)
    except LOST:
        connection.close()
        if not kept:
            raise
        return _store(deliveries)


def _store(deliveries: Sequence[Genuine]) -> list[bool]:
    rows = [value for delivery in deliveries for value in delivery.row()]
    with connection.cursor() as cursor:
        cursor.execute(STORE.format(rows=", ".join([ROW] * len(deliveries))), [*rows, deliveries[0].reference])
        stored = {(source_id, delivery_id) for source_id, delivery_id, _ in cursor.fetchall()}
    return [_take(stored, (delivery.source_id, delivery.delivery_id)) for delivery in deliveries]


def _take(stored: set[tuple[int, str]], key: tuple[int, str]) -> bool:
    """Of two deliveries of one id in one batch the first was stored."""
    found = key in stored
    stored.discard(key)
    return found


def known(delivery: Genuine) -> str:
    """A word about a delivery whose id is known. One that was set aside is tried again; another body is never kept, but counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, body_digest FROM changes_delivery WHERE source_id = %s AND delivery_id = %s", delivery.key)
        state, digest = cursor.fetchone()
        if digest != delivery.digest:
            cursor.execute(CONTRADICT, delivery.key)
            log.warning("another body came under a known delivery id", source=delivery.source_id, delivery=delivery.delivery_id)
            return CONTRADICTED
        if state == "quarantined":
            cursor.execute(AGAIN, delivery.key)
            return ACCEPTED if cursor.fetchone() else ALREADY
    return ALREADY
