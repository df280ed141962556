"""The newest checkpoint of the ledger to a time stamping authority (RFC 3161), once an hour: an anchor with a clock of its own.

Off unless ``COUNTERSIGN_TSA_URL`` names one (``portal.timestamps``). What comes back is verified before it is kept.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from changes.connectors import errors
from changes.connectors.http import Client
from portal import timestamps
from portal.environment import Misconfigured
from portal.ledger.models import LedgerCheckpoint, LedgerTimestamp
from portal.ledger.publishing import keep
from portal.ledger.queries import latest_checkpoints
from portal.outbox.actions import enqueue
from portal.outbox.errors import Passing, Permanent
from portal.outbox.models import Effect
from portal.outbox.registry import deliverer

EFFECT = "ledger.timestamp"
NAME = "time stamps"


def stamp_checkpoint(*, at: datetime) -> bool:
    """Ask for the stamp of this hour, unless it was asked for, or nothing new was signed. True when it was asked for."""
    if not timestamps.wanted():
        return False
    _note_refused()
    last = next(iter(latest_checkpoints(limit=1)), None)
    key = f"timestamp:{at:%Y-%m-%dT%H}"
    with transaction.atomic():
        asked = Effect.objects.filter(kind=EFFECT, key=key).exists()
        if last is None or asked or LedgerTimestamp.objects.filter(size__gte=last.size).exists():
            return False
        enqueue(kind=EFFECT, key=key, payload={"size": last.size}, at=at, subject=NAME)
    return True


@deliverer(EFFECT)
def deliver_timestamp(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask the authority, verify its answer, and keep it. Asked again, it is asked once more: stamps do no harm."""
    size, note = payload["size"], LedgerCheckpoint.objects.get(size=payload["size"]).note
    address, kept = timestamps.wanted(), LedgerTimestamp.objects.filter(size=size).first()
    if kept is not None or not address:
        return {"size": size, "not_asked": "it is stamped already" if kept else "time stamps are switched off"}
    try:
        trusted, request = timestamps.roots(), timestamps.request_for(note)
        answer = _ask(address, request.as_bytes())
        stamp = timestamps.verified(answer, note=note, trusted=trusted, nonce=request.nonce)
    except (Misconfigured, timestamps.BadStamp) as problem:
        raise Permanent(f"No valid time stamp: {problem}") from problem
    digest = hashlib.sha256(note.encode()).hexdigest()
    LedgerTimestamp.objects.create(size=size, note_digest=digest, answer=answer, at=stamp.at, authority=stamp.authority[:300])
    keep(name=NAME, place=_host(address), at=stamp.at, size=size)
    return {"size": size, "at": stamp.at.isoformat(), "authority": stamp.authority}


def _ask(address: str, question: bytes) -> bytes:
    parts = urlsplit(address)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        client = Client(base_url=f"{parts.scheme}://{parts.netloc}")
        answer = client.request(method="POST", path=path, body=question, headers={"Content-Type": timestamps.KIND})
        return answer.checked().body
    except errors.Passing as problem:
        wait = timedelta(seconds=problem.retry_after) if problem.retry_after is not None else None
        raise Passing(wait, problem.reason) from problem
    except errors.Permanent as problem:
        raise Permanent(problem.reason) from problem


def _note_refused() -> None:
    """Keep for the ledger's page why the last stamp is not there."""
    newest = Effect.objects.filter(kind=EFFECT).exclude(state=Effect.State.WAITING).order_by("-id").first()
    if newest is not None and newest.state != Effect.State.DONE:
        keep(name=NAME, place=_host(timestamps.wanted()), at=newest.done_at or newest.created_at, problem=newest.error)


def _host(address: str) -> str:
    """Host and port. What may stand before them is nobody's to read."""
    return urlsplit(address).netloc.rpartition("@")[2]
