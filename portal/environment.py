"""Reads settings from the environment and says in words what is missing. Pure: imports no Django."""

import base64
import hashlib
import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

TEST_SECRET = "only-for-tests-" + "0" * 40
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts of addresses that lead no further than here."""


class Misconfigured(SystemExit):
    """A needed setting is missing or wrong. The message says which one and what to do."""


def boolean(name: str, *, default: bool) -> bool:
    """Value of an on/off variable: 1, true, yes, on or 0, false, no, off."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise Misconfigured(f"{name}={raw!r} is neither on nor off. Write 1 or 0.")


def demanded(name: str, *, default: bool) -> tuple[bool, bool]:
    """Of whom something is demanded: (of those whose role needs it, of everybody). The variable is on, off or "everybody"."""
    everybody = os.environ.get(name, "").strip().lower() == "everybody"
    return everybody or boolean(name, default=default), everybody


def listed(name: str, *, default: list[str]) -> list[str]:
    """Comma-separated variable as a list without empty items."""
    raw = os.environ.get(name)
    return default if raw is None else [item.strip() for item in raw.split(",") if item.strip()]


def required(name: str, *, testing: bool) -> str:
    """A variable that must be set; tests get a fixed value."""
    value = os.environ.get(name, TEST_SECRET if testing else "")
    if not value:
        raise Misconfigured(f"{name} is not set. ./bin/up makes one for you; in production set a long random text.")
    return value


def secret_keys(name: str, *, testing: bool) -> list[str]:
    """Fernet keys, newest first. Each is 32 bytes in URL-safe base64."""
    keys = listed(name, default=[])
    if not keys and testing:
        return [base64.urlsafe_b64encode(hashlib.sha256(TEST_SECRET.encode()).digest()).decode()]
    if not keys:
        raise Misconfigured(f"{name} is not set. It encrypts vendor tokens at rest; make one with `manage.py doctor --make-key`.")
    return keys


KEPT_SECONDS = 600


def database(url: str, *, testing: bool, name: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's database entry for a PostgreSQL URL or key=value text (libpq forms, Unix sockets too) of the variable ``name``."""
    if not url:
        raise Misconfigured(f"{name} is not set. ./bin/up starts a PostgreSQL and sets it; or name your own server.")
    try:
        parts = conninfo_to_dict(url)
    except Exception as problem:
        raise Misconfigured(f"{name} cannot be read: {problem}") from problem
    options: dict[str, Any] = {"application_name": os.environ.get("COUNTERSIGN_PROCESS", "countersign")}
    for key in ("sslmode", "sslrootcert", "options"):
        if parts.get(key):
            options[key] = parts[key]
    if not testing and os.environ.get("COUNTERSIGN_POOL"):
        options["pool"] = {"min_size": 1, "max_size": int(os.environ["COUNTERSIGN_POOL"]), "timeout": 5}
    entry = {
        "ENGINE": "portal.database",
        "NAME": parts.get("dbname", "countersign"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "") or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
    if "pool" not in options:
        # A worker gives its connection back after each task: while it idles, PostgreSQL would keep 12 MB for it, of what it
        # has read about tables.
        entry["CONN_MAX_AGE"] = 0 if os.environ.get("COUNTERSIGN_PROCESS") == "worker" else KEPT_SECONDS
    return entry


AWAY_AFTER = 2
"""Seconds after which a replica that does not answer is given up for the first server: a person waits meanwhile."""


def replica(url: str, *, testing: bool) -> dict[str, Any]:
    """The same for a streaming replica (portal/replica.py)."""
    entry = database(url, testing=testing, name="DATABASE_REPLICA_URL")
    entry["OPTIONS"]["connect_timeout"] = AWAY_AFTER
    if "pool" in entry["OPTIONS"]:
        entry["OPTIONS"]["pool"] |= {"timeout": AWAY_AFTER, "min_size": 0}
    return {**entry, "TEST": {"MIRROR": "default"}}
