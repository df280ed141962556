"""The door of every delivery: verify the raw bytes, store once, answer. No broker is asked, and nothing is parsed where
the vendor names its deliveries in headers.

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
    answer: bytes | None = None
    """The whole body, for vendors that want one of their own; None: the word."""


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
    """Take one delivery in: 202 once it is stored (200 with an answer, if the vendor wants one), 401 when it is not genuine
    or too old, 400 when a needed header is missing.

    ``headers`` have lower-case names. Exactly one statement writes; the answer does not wait for any worker.
    """
    door = door_of(name)
    if door is None:
        return Arrived(404, "no such source is connected")
    kind = KINDS[door.kind]
    signature = kind.signature_of(headers)
    secret = signed_by(door, body, signature)
    if secret is None:
        fresh = door_of(name, afresh=True)
        secret = signed_by(fresh, body, signature) if fresh else None
    if secret is None or not kind.fresh(headers, time.time()):
        return Arrived(401, "signature missing or wrong")
    named = kind.named(body, headers)
    if not named.kept:
        return Arrived(200, named.event, named.answer)
    if not _plain(named.delivery_id, 80) or not _plain(named.event, 60):
        return Arrived(400, f"headers {kind.id_header} and {kind.event_header} are needed, printable and short")
    kept = {key: headers[key] for key in kind.kept_headers if key in headers}
    arrived = _store(door, secret, named.delivery_id, named.event, body, kept)
    return arrived if named.answer is None else Arrived(200, arrived.word, named.answer)


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
