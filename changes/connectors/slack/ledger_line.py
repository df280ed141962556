"""The newest checkpoint of the ledger as a line in the change channel, at most one an hour: an anchor that others keep.

Off unless ``COUNTERSIGN_ANCHOR_SLACK`` is "on". Slack keeps its own clock and edit history; people compare the line with
``checkpoints.txt`` when they verify.
"""

import os
from datetime import datetime

from django.db import transaction

from changes.connectors.slack.messages import KIND
from changes.connectors.slack.outside import connected
from portal.ledger.models import LedgerAnchor
from portal.ledger.publishing import keep
from portal.ledger.queries import latest_checkpoints
from portal.outbox.actions import enqueue
from portal.outbox.models import Effect

VARIABLE = "COUNTERSIGN_ANCHOR_SLACK"
NAME = "slack"
PREFIX = "ledger-line:"
CHANNEL = "changes"


def say_checkpoint(*, at: datetime) -> bool:
    """Ask for the line of this hour, unless it was asked for, or nothing new was signed. True when it was asked for."""
    if os.environ.get(VARIABLE, "") != "on" or isinstance(connected(), str):
        return False
    _note_said()
    last = next(iter(latest_checkpoints(limit=1)), None)
    with transaction.atomic():
        before = Effect.objects.filter(kind=KIND, key__startswith=PREFIX).order_by("-id").first()
        key = f"{PREFIX}{at:%Y-%m-%dT%H}"
        if last is None or (before is not None and (before.key == key or _size_of(before) >= last.size)):
            return False
        _, size, root, *_ = last.note.split("\n")
        lines = [f"Root {root}", last.note.rpartition("\n\n")[2].strip()]
        payload = {"channel": CHANNEL, "text": f"Ledger checkpoint: {size} entries", "lines": lines}
        enqueue(kind=KIND, key=key, payload=payload, at=at)
    return True


def _note_said() -> None:
    """Keep for the ledger's page which line stands in the channel by now, or why the last one does not."""
    newest = Effect.objects.filter(kind=KIND, key__startswith=PREFIX).exclude(state=Effect.State.WAITING).order_by("-id").first()
    if newest is None or newest.done_at is None:
        return
    result = newest.result or {}
    if not result.get("posted"):
        keep(name=NAME, place="the change channel", at=newest.done_at, problem=str(result.get("reason") or newest.error))
    elif not LedgerAnchor.objects.filter(name=NAME, size=_size_of(newest)).exists():
        keep(name=NAME, place="the change channel", at=newest.done_at, size=_size_of(newest))


def _size_of(effect: Effect) -> int:
    return int(str(effect.payload["text"]).split()[2])
