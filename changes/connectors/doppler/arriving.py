"""What is kept of a delivery from Doppler, before it is stored: which config, and names. Its own body is never kept.

A webhook's template may put values of secrets into the body, so the door stores what ``reduced`` makes of it. Doppler gives a
delivery no id and sends it again up to five times: the digest of what is kept, within ten minutes, is its name.
"""

import hashlib
import json
import time
from collections.abc import Mapping

from changes.connectors.doppler.logs import hook
from changes.connectors.fields import Incomplete, Unreadable, read_json
from changes.connectors.named import Named

WITHIN = 600
"""Seconds. The same again later is news: the same secret was set once more."""
EVENT = "config.secrets.update"
UNREADABLE = "unreadable"


def named(body: bytes, headers: Mapping[str, str]) -> Named:
    """Name a genuine delivery. Never raises: one that cannot be read is kept as the reason why, and set aside by the worker."""
    event, kept = reduced(body)
    digest = hashlib.sha256(kept).hexdigest()
    return Named(f"{digest[:48]}-{int(time.time()) // WITHIN}", event, body=kept)


def reduced(body: bytes) -> tuple[str, bytes]:
    """(event, what is kept of the body). A template of one's own has no type; it is read like Doppler's own."""
    try:
        told = hook(read_json(body=body))
    except (Unreadable, Incomplete) as wrong:
        return UNREADABLE, _json({"unreadable": str(wrong), "bytes": len(body)})
    kept = {"project": told.project, "config": told.config, "environment": told.environment, "diff": told.diff.told()}
    return EVENT, _json(kept)


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
