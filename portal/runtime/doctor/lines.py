"""Checks of the lines to servers on other machines: encrypted, and to whom we mean."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections

from portal.environment import THIS_MACHINE
from portal.runtime.doctor.finding import Finding, bad, good, note

KNOWN = "verify-full"
NAMES = {"default": "DATABASE_URL", "replica": "DATABASE_REPLICA_URL"}


def databases() -> Iterator[Finding]:
    """A password and all records go over this line; without a check of the certificate anybody in between is the server."""
    for alias, entry in sorted(connections.settings.items()):
        name = NAMES.get(alias, alias)
        mode = str(entry["OPTIONS"].get("sslmode", ""))
        if _is_here(entry):
            yield good(f"{name} leads to this machine")
        elif mode == KNOWN:
            yield good(f"{name} is encrypted, and its server is known by its certificate")
        else:
            yield _unknown(name, mode)


def _is_here(entry: dict[str, Any]) -> bool:
    host = str(entry["HOST"])
    return not host or host in THIS_MACHINE or host.startswith("/")


def _unknown(name: str, mode: str) -> Finding:
    mend = f"Add ?sslmode={KNOWN}&sslrootcert=… to {name}; docs/operations.md."
    if os.environ.get("COUNTERSIGN_PRIVATE_NETWORK") == "1":
        return note(f"{name} trusts the network between (sslmode {mode or 'prefer'})", mend=mend)
    return bad(
        f"{name} leads to another machine, and whoever stands between may be the server (sslmode {mode or 'prefer'})",
        mend=f"{mend} Where the network itself is encrypted and closed, say so: COUNTERSIGN_PRIVATE_NETWORK=1.",
    )


def broker() -> Iterator[Finding]:
    """Messages are names and numbers, no records; but whoever writes there starts work."""
    parts = urlsplit(settings.CELERY_BROKER_URL)
    here = "socket" in parts.scheme or not parts.hostname or parts.hostname in THIS_MACHINE
    if here or parts.scheme in {"rediss", "amqps", "memory"}:
        return
    if not parts.password:
        yield bad("the broker on another machine asks for no password", mend="Give it one, and write it into BROKER_URL.")
    elif os.environ.get("COUNTERSIGN_PRIVATE_NETWORK") != "1":
        yield note("the line to the broker is in the clear", mend="rediss:// or amqps:// in BROKER_URL, or a closed network.")
