"""What a source says about its things, in words that all vendors share. Pure; never holds the value of a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Seen:
    """One asset as a source showed it in one reading.

    ``kind`` is ``<vendor>.<thing>``, for example ``fly.app``, ``doppler.config``, ``cloudflare.dns_record``. ``external_id`` is
    the vendor's immutable id, unique within source and kind. ``within`` is the external id of what it belongs to (the app of a
    machine, the zone of a record). ``environment`` is production, staging, development or empty where none can be told.
    ``configuration`` is what is compared and kept: only what a person decided, nothing that moves by itself (times, counters).
    """

    kind: str
    external_id: str
    name: str
    environment: str = ""
    within: str = ""
    configuration: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class VendorEvent:
    """One entry of a vendor's own log: who did what to which thing, and when (UTC).

    ``external_id`` is unique within the source; a log without ids gets a digest of the entry. ``actor_id`` is the vendor's
    immutable id of the account, or its mail address where there is none. ``detail`` holds names and sides, never values.
    """

    external_id: str
    at: datetime
    action: str
    actor_id: str = ""
    actor_name: str = ""
    kind: str = ""
    object_id: str = ""
    object_name: str = ""
    environment: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


class What(StrEnum):
    """What a reading found out about an asset."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    BACK = "back"


@dataclass(frozen=True)
class Difference:
    """One asset that is not as the inventory had it. ``words``: what differs, one sentence each; never a secret's value."""

    what: What
    asset_id: int
    snapshot_id: int
    kind: str
    external_id: str
    name: str
    environment: str
    words: tuple[str, ...] = ()
