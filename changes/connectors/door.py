"""The door of every delivery: verify the raw bytes, store once, answer. Nothing is parsed and no broker is asked.

Sources: GitHub "Validating webhook deliveries" and "Handling failed webhook deliveries" (a redelivery keeps its id).
"""

import hashlib
import json
import logging
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection

from changes.connectors.models import HookSecret, Source
from changes.connectors.registry import KINDS
from portal import vault

log = logging.getLogger("countersign.door")
LARGEST_BODY = 25 * 1024 * 1024
"""Bytes; GitHub never sends more."""
SECRETS_KEPT = 5.0
"""Seconds that a process trusts its copy of the secrets."""


@dataclass(frozen=True)
class Door:
    """What a process knows about one source: its kind and its valid secrets (id, text)."""

    source_id: int
    kind: str
    secrets: tuple[tuple[int, str], ...]
    read_at: float


@dataclass(frozen=True)
class Arrived:
    """What became of a request: HTTP status, and a word for the sender."""

    status: int
    word: str


class Bell:
    """Wakes the workers after something was stored; rings of one moment are one.

    A commit that notifies holds a lock of the whole database while it waits for the disk (PostgreSQL, async.c): if all
    did, deliveries would be written one after the other. So the storing statement rings only when nobody else is storing;
    of several, one rings for all afterwards. What is lost with the process in between is found by the sweep.
    """

    def __init__(self) -> None:
        self._counting, self._ringing = threading.Lock(), threading.Lock()
        self._storing = 0
        self._wanted = False

    @contextmanager
    def storing(self) -> Iterator[bool]:
        """Around the storing of one delivery; tells whether it is the only one at this moment."""
        with self._counting:
            self._storing += 1
            alone = self._storing == 1
        try:
            yield alone
        finally:
            with self._counting:
                self._storing -= 1

    def ring(self) -> None:
        """Ring once after this call began, or leave it to whoever is ringing and looks again before they stop."""
        self._wanted = True
        while self._wanted and self._ringing.acquire(blocking=False):
            try:
                self._wanted = False
                with connection.cursor() as cursor:
                    cursor.execute(RING)
            except (DatabaseError, InterfaceError):
                log.warning("the workers could not be woken; the sweep will")
            finally:
                self._ringing.release()


_doors: dict[str, Door] = {}
_lock = threading.Lock()
_bell = Bell()

STORE = """
WITH stored AS (
    INSERT INTO changes_delivery (source_id, delivery_id, event, headers, body, body_size, body_digest, secret_id,
                                  received_at, state, repository_name, attempts, note)
    VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, now(), 'new', '', 0, '')
    ON CONFLICT (source_id, delivery_id) DO UPDATE
       SET state = 'new', attempts = 0, not_before = NULL, note = 'sent again by the vendor'
     WHERE changes_delivery.state = 'quarantined' AND changes_delivery.body_digest = EXCLUDED.body_digest
    RETURNING id
)
SELECT count(*), (SELECT pg_notify('inbox', '') FROM stored WHERE %s LIMIT 1) FROM stored
"""
RING = "SELECT pg_notify('inbox', '')"


def door_of(name: str, *, afresh: bool = False) -> Door | None:
    """The source called ``name`` with its valid secrets; None when nothing of that name is connected."""
    known = _doors.get(name)
    if known and not afresh and time.monotonic() - known.read_at < SECRETS_KEPT:
        return known
    source = Source.objects.filter(name=name).first()
    if source is None:
        return None
    rows = HookSecret.objects.filter(source=source, retired_at=None).order_by("-id")[:50]
    secrets = tuple((row.pk, vault.open(bytes(row.secret_encrypted))) for row in rows)
    door = Door(source.pk, source.kind, secrets, time.monotonic())
    with _lock:
        _doors[name] = door
    return door


def forget() -> None:
    """Drop what this process knows about sources; the next delivery reads them anew."""
    with _lock:
        _doors.clear()


def signed_by(door: Door, body: bytes, signature: str) -> int | None:
    """The id of the secret that signed ``body``; None when no valid secret did."""
    verify = KINDS[door.kind].is_genuine
    return next((pk for pk, secret in door.secrets if verify(body, signature, secret)), None)


def arrive(*, name: str, body: bytes, headers: dict[str, str]) -> Arrived:
    """Take one delivery in: 202 once it is stored, 401 when not genuine, 400 when a needed header is missing.

    ``headers`` have lower-case names. Exactly one statement writes; the answer does not wait for any worker.
    """
    door = door_of(name)
    if door is None:
        return Arrived(404, "no such source is connected")
    kind = KINDS[door.kind]
    secret = signed_by(door, body, headers.get(kind.signature_header, ""))
    if secret is None:
        fresh = door_of(name, afresh=True)
        secret = signed_by(fresh, body, headers.get(kind.signature_header, "")) if fresh else None
    if secret is None:
        return Arrived(401, "signature missing or wrong")
    delivery_id, event = headers.get(kind.id_header, ""), headers.get(kind.event_header, "")
    if not _plain(delivery_id, 80) or not _plain(event, 60):
        return Arrived(400, f"headers {kind.id_header} and {kind.event_header} are needed, printable and short")
    return _store(door, secret, delivery_id, event, body, {key: headers[key] for key in kind.kept_headers if key in headers})


def _plain(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isascii() and text.isprintable()


def _store(door: Door, secret: int, delivery_id: str, event: str, body: bytes, headers: dict[str, str]) -> Arrived:
    digest = hashlib.sha256(body).hexdigest()
    kept = json.dumps({key: value[:300].replace("\x00", "") for key, value in headers.items()})
    packed = zlib.compress(body, 1)
    with _bell.storing() as alone, connection.cursor() as cursor:
        cursor.execute(STORE, [door.source_id, delivery_id, event, kept, packed, len(body), digest, secret, alone])
        row = cursor.fetchone()
    if not row or not row[0]:
        return Arrived(202, "already here")
    if not alone:
        _bell.ring()
    return Arrived(202, "accepted")
