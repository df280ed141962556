"""Applies one delivery from Doppler: the config that it names is read again at once. It proves nothing by itself; the log does."""

import json
from datetime import datetime

from changes.connectors.doppler.hints import hint
from changes.connectors.models import Delivery
from changes.connectors.outcome import Outcome


def apply(*, delivery: Delivery, body: bytes, at: datetime) -> Outcome:
    """Apply what the door has kept of the delivery (``arriving.reduced``)."""
    kept = json.loads(body)
    if "unreadable" in kept:
        return Outcome(Delivery.State.QUARANTINED, str(kept["unreadable"]))
    path = f"{kept['project']}/{kept['config']}"
    hint(source=delivery.source, path=path, at=at)
    return Outcome(Delivery.State.APPLIED, f"{path} is read again"[:200])
