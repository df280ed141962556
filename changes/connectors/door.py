"""The door of every delivery: verify the raw bytes, store once, answer. No broker is asked, and nothing is parsed where
the vendor names its deliveries in headers.

Sources: GitHub "Validating webhook deliveries" and "Handling failed webhook deliveries" (a redelivery keeps its id).
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from changes.connectors.models import HookSecret, Source
from changes.connectors.registry import KINDS
from changes.connectors.storing import ACCEPTED, Genuine, known, store
from portal import vault

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

    @property
    def body(self) -> bytes:
        """What the sender reads."""
        if self.answer is not None:
            return self.answer
        return json.dumps({"state" if self.status == 202 else "error": self.word}).encode()

    @property
    def content_type(self) -> str:
        """Of the body."""
        return "text/plain" if self.answer == b"" else "application/json"


FORGED = Arrived(401, "signature missing or wrong")
AWAY = Arrived(503, "not stored, send it again")
"""The database cannot be reached."""
PATIENCE = {"Retry-After": "5"}
"""What goes with it. Seconds."""

_doors: dict[str, Door] = {}
_lock = threading.Lock()


def remembered(name: str) -> Door | None:
    """What this process read about the source lately; asks nobody."""
    door = _doors.get(name)
    return door if door and time.monotonic() - door.read_at < SECRETS_KEPT else None


def door_of(name: str, *, afresh: bool = False) -> Door | None:
    """The source called ``name`` with its valid secrets; None when nothing of that name is connected."""
    door = None if afresh else remembered(name)
    if door:
        return door
    source = Source.objects.filter(name=name).first()
    if source is None or source.kind not in KINDS:  # Fly and Cloudflare send nothing, so there is no door for them
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


def examine(door: Door, body: bytes, headers: Mapping[str, str]) -> Genuine | Arrived | None:
    """What a request through this door is: genuine, or its answer. None when no secret that we know of signed it."""
    kind = KINDS[door.kind]
    secret = signed_by(door, body, kind.signature_of(headers))
    if secret is None:
        return None
    if not kind.fresh(headers, time.time()):
        return FORGED
    named = kind.named(body, headers)
    if not named.kept:
        return Arrived(200, named.event, named.answer)
    if not _plain(named.delivery_id, 80) or not _plain(named.event, 60):
        return Arrived(400, f"headers {kind.id_header} and {kind.event_header} are needed, printable and short")
    kept = {key: headers[key] for key in kind.kept_headers if key in headers}
    stored = body if named.body is None else named.body
    return Genuine(door.source_id, secret, named.delivery_id, named.event, stored, kept, named.answer)


def check(*, name: str, body: bytes, headers: Mapping[str, str]) -> Genuine | Arrived:
    """The same for the source called ``name``. Before it says 401 it reads the secrets anew."""
    door = door_of(name)
    if door is None:
        return Arrived(404, "no such source is connected")
    found = examine(door, body, headers)
    if found is None:
        fresh = door_of(name, afresh=True)
        found = examine(fresh, body, headers) if fresh else None
    return found or FORGED


def arrive(*, name: str, body: bytes, headers: Mapping[str, str], at: datetime | None = None) -> Arrived:
    """Take one delivery in: 202 once it is stored (200 with an answer, if the vendor wants one), 401 when it is not genuine
    or too old, 400 when a needed header is missing.

    ``headers`` have lower-case names. One statement writes; the answer does not wait for any worker. ``at`` says when it came,
    for a year that is told in minutes; by default at this moment.
    """
    found = check(name=name, body=body, headers=headers)
    if isinstance(found, Arrived):
        return found
    dated = replace(found, at=at)
    return answer_to(dated, ACCEPTED if store([dated])[0] else known(dated))


def answer_to(delivery: Genuine, word: str) -> Arrived:
    """What the sender of a stored delivery is told."""
    return Arrived(202, word) if delivery.answer is None else Arrived(200, word, delivery.answer)


def _plain(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isascii() and text.isprintable()
